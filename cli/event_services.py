"""The queues, the stream and the function that publishes events, for an operator."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.dead_letters import DeadLetter, Kind, Queue, find_keys, has_image, parse, split_records
from scim.aws.errors import get_error_code
from scim.events.link_message import parse_task
from scim.events.stream_record import is_change

_HIDDEN_S = 300
"""How long a message is invisible to others while a command looks at it."""
_WAIT_S = 1
"""Long polling: SQS queries all of its servers and not only some."""
_INVOKE = Config(read_timeout=65, retries={"total_max_attempts": 1})  # the function's timeout is 60 s
_NOT_IN_FLIGHT = ("MessageNotInflight", "InvalidParameterValue", "ReceiptHandleIsInvalid")
"""The error codes of SQS for a message that is visible already, or was deleted by somebody else."""
_GONE = ("TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException")


class NotSent(Exception):
    """A message stays in its queue; the text is the reason."""


@dataclass(frozen=True)
class EventServices:
    """``queues`` has the URLs of the dead-letter queues, ``links_queue`` that of the links queue."""

    queues: Mapping[Queue, str]
    links_queue: str
    function: str
    table: str
    sqs: Any
    lambdas: Any
    streams: Any
    tables: Any
    deleted: set[str] = field(default_factory=set)

    @classmethod
    def connect(
        cls, session: Any, settings: Mapping[str, str], endpoints: Mapping[str, str] | None = None
    ) -> "EventServices":
        """``settings`` are named as the outputs of the stack; ``endpoints`` has URLs of services that are not AWS's.

        Raises ``KeyError`` with the name of a setting that is missing.
        """
        urls = endpoints or {}

        def client(service: str, endpoint: str, config: Config | None = None) -> Any:
            return session.client(service, endpoint_url=urls.get(endpoint), config=config)

        return cls(
            {Queue.CHANGES: settings["DeadLetterQueueUrl"], Queue.LINKS: settings["LinksDeadLetterQueueUrl"]},
            settings["LinksQueueUrl"],
            settings["ChangesFunctionName"],
            settings["TableName"],
            client("sqs", "sqs"),
            client("lambda", "lambda", _INVOKE),
            client("dynamodbstreams", "dynamodb"),
            client("dynamodb", "dynamodb"),
        )

    def receive(self, limit: int) -> Iterator[DeadLetter]:
        """Yield the messages of both queues, at most ``limit`` of each. They are invisible until :meth:`release`."""
        for queue, url in self.queues.items():
            left = limit
            while left > 0:
                response = self.sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=min(left, 10),
                    VisibilityTimeout=_HIDDEN_S,
                    WaitTimeSeconds=_WAIT_S,
                    MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                )
                messages = response.get("Messages", [])
                yield from (parse(queue, message) for message in messages)
                if not messages:
                    break
                left -= len(messages)

    def release(self, letter: DeadLetter) -> None:
        """Make a message visible again, unless it was deleted or is visible already."""
        if letter.id in self.deleted:
            return
        url = self.queues[letter.queue]
        try:
            self.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)
        except ClientError as error:
            if get_error_code(error) not in _NOT_IN_FLIGHT:
                raise

    def delete(self, letter: DeadLetter) -> None:
        self.sqs.delete_message(QueueUrl=self.queues[letter.queue], ReceiptHandle=letter.receipt)
        self.deleted.add(letter.id)

    def send_back(self, letter: DeadLetter) -> int:
        """Have a message processed again, and delete it. Return how many new dead letters that created.

        Raises :class:`NotSent` if the message stays, also if AWS rejects it: others may be accepted.
        """
        try:
            return self._send_back(letter)
        except ClientError as error:
            raise NotSent(f"AWS refused {error.operation_name}: {get_error_code(error)}") from error
        except BotoCoreError as error:  # its text may hold what was sent
            raise NotSent(f"AWS could not be asked, or did not answer: {type(error).__name__}") from error

    def _send_back(self, letter: DeadLetter) -> int:
        senders: dict[Kind, Callable[[Any], int]] = {
            Kind.RECORD: self._send_record,
            Kind.TASK: self._send_task,
            Kind.NOTICE: self._send_records_of_notice,
        }
        if letter.kind not in senders:
            raise NotSent("the message is neither a record nor a link task: look at it, then use --delete")
        rejected = senders[letter.kind](letter.content)
        self.delete(letter)
        return rejected

    def process_record(self, partition: str, sort: str) -> int:
        """Have a change record of the table processed. Return how many new dead letters that created.

        Raises :class:`NotSent`.
        """
        keys = {"pk": {"S": partition}, "sk": {"S": sort}}
        return self._send_record({"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": "0"}})

    def _send_task(self, body: str) -> int:
        self.sqs.send_message(QueueUrl=self.links_queue, MessageBody=body, MessageGroupId=parse_task(body).tenant_id)
        return 0

    def _send_record(self, record: Any) -> int:
        return self._invoke([record if has_image(record) else self._read_record(record)])

    def _read_record(self, record: Any) -> dict[str, Any]:
        """Return a record that was too large for a message, with its image from the table."""
        keys = find_keys(record)
        if set(keys) != {"pk", "sk"}:
            raise NotSent("the message has neither the record nor its keys")
        response = self.tables.get_item(
            TableName=self.table, Key={name: {"S": value} for name, value in keys.items()}, ConsistentRead=True
        )
        if "Item" not in response:
            raise NotSent("the record is not in the table")
        return {**record, "dynamodb": {**record["dynamodb"], "NewImage": response["Item"]}}

    def _send_records_of_notice(self, notice: Mapping[str, Any]) -> int:
        info = notice["DDBStreamBatchInfo"]
        try:
            records = list(self._read_stream(info))
        except ClientError as error:
            if get_error_code(error) in _GONE:
                raise NotSent(
                    "the records are older than 24 hours, so the stream has them no longer; "
                    "the change records are still in the table"
                ) from error
            raise
        return sum(map(self._invoke, split_records(records)))

    def _read_stream(self, info: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the change records from the first to the last record that a notice names."""
        iterator = self.streams.get_shard_iterator(
            StreamArn=info.get("streamArn") or self._stream_arn(),
            ShardId=info["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=info["startSequenceNumber"],
        )["ShardIterator"]
        last = int(info["endSequenceNumber"])
        while iterator:
            response = self.streams.get_records(ShardIterator=iterator)
            for record in response["Records"]:
                number = int(record["dynamodb"]["SequenceNumber"])
                if number <= last and is_change(record):
                    yield {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": 0}}
                if number >= last:
                    return
            iterator = response.get("NextShardIterator")

    def _stream_arn(self) -> str:
        arn: str = self.tables.describe_table(TableName=self.table)["Table"]["LatestStreamArn"]
        return arn

    def _invoke(self, records: list[Any]) -> int:
        """Have the function process records, and return how many it has rejected again.

        They get the current time, so that the function waits for a queue that does not answer.
        """
        now = time.time()
        new_records = [
            {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": now}} for record in records
        ]
        payload = json.dumps({"Records": new_records, "isRedrive": True}).encode()
        response = self.lambdas.invoke(FunctionName=self.function, Payload=payload)
        result = json.loads(response["Payload"].read() or b"null")
        if response.get("FunctionError") or not isinstance(result, dict):
            kind = result.get("errorType", "") if isinstance(result, dict) else ""
            raise NotSent(f"the function failed ({kind}); its log says why")
        if result.get("batchItemFailures") or result.get("lost"):
            raise NotSent("the event bus or a queue did not take it; send it later")
        return int(result.get("deadLetters", 0))
