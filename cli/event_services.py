"""Access the queues, the stream and the function that publish events, for an operator."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config

from cli.aws_session import create_client
from cli.dead_letters import DeadLetter, LetterKind, LetterQueue, find_keys, has_image, parse_letter, split_records
from scim.aws.errors import AwsError, ErrorResponse
from scim.events.link_message import parse_task
from scim.events.stream_record import is_change

_VISIBILITY_TIMEOUT_S = 300
"""How long a message is invisible to other consumers while a command shows or processes it."""
_WAIT_TIME_S = 1
"""Long polling, so that SQS queries all of its servers."""
MAX_IN_FLIGHT = 120_000
"""The maximum number of messages of a queue that can be in flight (SQS quotas)."""
_LAMBDA_CONFIG = Config(read_timeout=65, retries={"total_max_attempts": 1})  # the function's timeout is 60 s
_NOT_IN_FLIGHT_CODES = ("MessageNotInflight", "InvalidParameterValue", "ReceiptHandleIsInvalid")
"""The error codes of SQS for a message that is already visible or deleted."""
_EXPIRED_CODES = ("TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException")
"""The error codes of DynamoDB Streams for records that are older than 24 hours."""


class NotSent(Exception):
    """A message could not be processed and stays in its queue. The text is the reason."""


@dataclass(frozen=True)
class EventServices:
    """The dead-letter queues, the links queue, the table and its stream, and the function that publishes events."""

    dead_letter_queue_urls: Mapping[LetterQueue, str]
    links_queue_url: str
    function_name: str
    table_name: str
    sqs_client: Any
    lambda_client: Any
    streams_client: Any
    dynamodb_client: Any
    wait_time_s: int = _WAIT_TIME_S
    deleted_ids: set[str] = field(default_factory=set)

    @classmethod
    def connect(
        cls, session: Any, outputs: Mapping[str, str], endpoints: Mapping[str, str] | None = None
    ) -> "EventServices":
        """Connect to the services of a deployment through a boto3 session.

        ``outputs`` are the outputs of the stack. ``endpoints`` are the endpoint URLs of local services by name. Raise
        ``KeyError`` with the name of an output that is missing.
        """
        urls = endpoints or {}

        def create(service: str, endpoint: str, config: Config | None = None) -> Any:
            return create_client(session, service, urls.get(endpoint), config)

        return cls(
            {LetterQueue.CHANGES: outputs["DeadLetterQueueUrl"], LetterQueue.LINKS: outputs["LinksDeadLetterQueueUrl"]},
            outputs["LinksQueueUrl"],
            outputs["ChangesFunctionName"],
            outputs["TableName"],
            create("sqs", "sqs"),
            create("lambda", "lambda", _LAMBDA_CONFIG),
            create("dynamodbstreams", "dynamodb"),
            create("dynamodb", "dynamodb"),
            0 if endpoints else _WAIT_TIME_S,  # a local SQS is one server
        )

    def receive(self, limit: int) -> Iterator[DeadLetter]:
        """Yield the messages of both queues, at most ``limit`` of each. They stay invisible until :meth:`release`."""
        for queue, url in self.dead_letter_queue_urls.items():
            remaining_count = limit
            while remaining_count > 0:
                response = self.sqs_client.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=min(remaining_count, 10),
                    VisibilityTimeout=_VISIBILITY_TIMEOUT_S,
                    WaitTimeSeconds=self.wait_time_s,
                    MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                )
                messages = response.get("Messages", [])
                yield from (parse_letter(queue, message) for message in messages)
                if not messages:
                    break
                remaining_count -= len(messages)

    def release(self, letter: DeadLetter) -> None:
        """Make a message visible to other consumers again, unless it was deleted or is already visible."""
        if letter.id in self.deleted_ids:
            return
        url = self.dead_letter_queue_urls[letter.queue]
        try:
            self.sqs_client.change_message_visibility(
                QueueUrl=url, ReceiptHandle=letter.receipt_handle, VisibilityTimeout=0
            )
        except ErrorResponse as error:
            if error.code not in _NOT_IN_FLIGHT_CODES:
                raise

    def delete(self, letter: DeadLetter) -> None:
        """Delete a message from its queue."""
        self.sqs_client.delete_message(
            QueueUrl=self.dead_letter_queue_urls[letter.queue], ReceiptHandle=letter.receipt_handle
        )
        self.deleted_ids.add(letter.id)

    def send_back(self, letter: DeadLetter) -> int:
        """Process a message again, and delete it. Return the number of new dead letters.

        Raise :class:`NotSent` if the message stays in its queue, also if AWS rejects a call, so that the command can
        continue with the other messages.
        """
        try:
            return self._send_back(letter)
        except ErrorResponse as error:
            raise NotSent(f"AWS rejected {error.operation}: {error.code}") from error
        except AwsError as error:  # its text may contain what was sent
            raise NotSent(f"AWS could not be reached or did not answer: {error.code}") from error

    def _send_back(self, letter: DeadLetter) -> int:
        senders: dict[LetterKind, Callable[[Any], int]] = {
            LetterKind.RECORD: self._send_record,
            LetterKind.TASK: self._send_task,
            LetterKind.NOTICE: self._send_records_of_notice,
        }
        if letter.kind not in senders:
            raise NotSent("it is neither a record nor a link task; look at it in SQS, then use --delete")
        rejected = senders[letter.kind](letter.content)
        self.delete(letter)
        return rejected

    def process_record(self, partition: str, sort: str) -> int:
        """Process a change record of the table. Return the number of new dead letters.

        Raise :class:`NotSent` if that fails.
        """
        keys = {"pk": {"S": partition}, "sk": {"S": sort}}
        return self._send_record({"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": "0"}})

    def _send_task(self, body: str) -> int:
        self.sqs_client.send_message(
            QueueUrl=self.links_queue_url, MessageBody=body, MessageGroupId=parse_task(body).tenant_id
        )
        return 0

    def _send_record(self, record: Any) -> int:
        return self._invoke([record if has_image(record) else self._read_record(record)])

    def _read_record(self, record: Any) -> dict[str, Any]:
        """Complete a record that was too large for a message: read its image from the table."""
        keys = find_keys(record)
        if set(keys) != {"pk", "sk"}:
            raise NotSent("the message has neither the record nor its keys")
        response = self.dynamodb_client.get_item(
            TableName=self.table_name, Key={name: {"S": value} for name, value in keys.items()}, ConsistentRead=True
        )
        if "Item" not in response:
            raise NotSent("the record is not in the table")
        return {**record, "dynamodb": {**record["dynamodb"], "NewImage": response["Item"]}}

    def _send_records_of_notice(self, notice: Mapping[str, Any]) -> int:
        info = notice["DDBStreamBatchInfo"]
        try:
            records = list(self._read_stream(info))
        except ErrorResponse as error:
            if error.code in _EXPIRED_CODES:
                raise NotSent(
                    "the stream no longer has the records, because they are older than 24 hours; "
                    "the change records are still in the table (see --record)"
                ) from error
            raise
        return sum(map(self._invoke, split_records(records)))

    def _read_stream(self, info: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the change records between the first and the last record of a notice."""
        iterator = self.streams_client.get_shard_iterator(
            StreamArn=info.get("streamArn") or self._read_stream_arn(),
            ShardId=info["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=info["startSequenceNumber"],
        )["ShardIterator"]
        last = int(info["endSequenceNumber"])
        while iterator:
            response = self.streams_client.get_records(ShardIterator=iterator)
            for record in response["Records"]:
                number = int(record["dynamodb"]["SequenceNumber"])
                if number <= last and is_change(record):
                    yield {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": 0}}
                if number >= last:
                    return
            iterator = response.get("NextShardIterator")

    def _read_stream_arn(self) -> str:
        arn: str = self.dynamodb_client.describe_table(TableName=self.table_name)["Table"]["LatestStreamArn"]
        return arn

    def _invoke(self, records: list[Any]) -> int:
        """Invoke the function with records. Return the number of records that it rejected again.

        The records get the current time, so that the function retries a queue that does not answer.
        """
        now = time.time()
        new_records = [
            {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": now}} for record in records
        ]
        payload = json.dumps({"Records": new_records, "isRedrive": True}).encode()
        response = self.lambda_client.invoke(FunctionName=self.function_name, Payload=payload)
        result = json.loads(response["Payload"].read() or b"null")
        if response.get("FunctionError") or not isinstance(result, dict):
            kind = result.get("errorType", "") if isinstance(result, dict) else ""
            raise NotSent(f"the function failed ({kind}); see its log")
        if result.get("batchItemFailures") or result.get("lost"):
            raise NotSent("the event bus or a queue did not accept it; try again later")
        return int(result.get("deadLetters", 0))
