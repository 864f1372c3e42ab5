"""DynamoDB as one request uses it: calls are counted, and repeated while they may be and there is time.

The SDK's own retries are off: by default they sleep for seconds under throttling, know nothing of the deadline, and
leave out conflicts of transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from scim.aws.errors import NO_RESPONSE, is_outcome_unknown, is_throttled
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.store.keys import KeyRange

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


# The index that has an order of its own, and the attribute that it is in the order of.
TIME_INDEX = "ByTime"
TIME_ATTRIBUTE = "time"

# A query for a page reads a page; one that finds little on it reads on in longer strides, up to 1 MB.
_GROWTH = 4
_LONGEST_LIMIT = 1_000

Item = dict[str, Any]


class Table:
    """One table, one request. ``calls`` is how often DynamoDB was asked."""

    def __init__(self, client: DynamoDBClient, name: str, deadline: Deadline) -> None:
        self._client = client
        self._name = name
        self.deadline = deadline
        self._calls = 0
        self._counting = Lock()  # bulk operations run side by side

    @property
    def calls(self) -> int:
        return self._calls

    def _count(self) -> None:
        with self._counting:
            self._calls += 1

    @property
    def name(self) -> str:
        return self._name

    def with_deadline(self, deadline: Deadline) -> Table:
        """The same table, with less time; its calls are counted apart."""
        return Table(self._client, self._name, deadline)

    def get(self, partition: str, sort: str) -> Item | None:
        """One item, as it is after every write that was answered."""
        answer = self._call_with_retries(
            self._client.get_item,
            TableName=self._name,
            Key={"pk": {"S": partition}, "sk": {"S": sort}},
            ConsistentRead=True,
        )
        found: Item | None = answer.get("Item")
        return found

    def get_all(self, partition: str, sorts: list[str], attributes: Sequence[str] = ()) -> list[Item]:
        """Those of the items that exist, a hundred a call."""
        found: list[Item] = []
        wanted = [{"pk": {"S": partition}, "sk": {"S": sort}} for sort in sorts]
        attempt = 0
        while wanted:
            batch, wanted = wanted[:100], wanted[100:]
            request = {self._name: {"Keys": batch, "ConsistentRead": True, **_projection(attributes)}}
            answer = self._call_with_retries(self._client.batch_get_item, RequestItems=request)
            found += answer["Responses"].get(self._name, [])
            if left := answer.get("UnprocessedKeys", {}).get(self._name):
                wanted = left["Keys"] + wanted
                self.deadline.pause(attempt)
                attempt += 1
        return found

    def query(
        self,
        partition: str,
        keys: KeyRange,
        attributes: Sequence[str] = (),
        *,
        index: str | None = None,
        after: Item | None = None,
        backwards: bool = False,
        limit: int | None = None,
        containing: Sequence[tuple[str, str]] = (),
    ) -> Iterator[Item]:
        """The items of a range in order, behind the key ``after``, as many calls as are drawn from; 1 MB a call.

        The first call reads ``limit`` items, further ones more and more. An index is by time, and follows the table.
        ``containing``: only items of which a set of that name has that member; all are read, and these are sent.
        """
        pages = self.query_pages(
            partition,
            keys,
            attributes,
            index=index,
            after=after,
            backwards=backwards,
            limit=limit,
            containing=containing,
        )
        for items, _ in pages:
            yield from items

    def query_pages(
        self,
        partition: str,
        keys: KeyRange,
        attributes: Sequence[str] = (),
        *,
        index: str | None = None,
        after: Item | None = None,
        backwards: bool = False,
        limit: int | None = None,
        containing: Sequence[tuple[str, str]] = (),
    ) -> Iterator[tuple[Sequence[Item], bool]]:
        """Yield the items of each call that :meth:`query` makes, and whether more may follow."""
        if keys.is_empty:
            return
        request = {**self._range(partition, keys, index, attributes), "ScanIndexForward": not backwards}
        if containing:
            request["FilterExpression"] = " OR ".join(f"contains(#h{n}, :h{n})" for n in range(len(containing)))
            for number, (name, member) in enumerate(containing):
                request["ExpressionAttributeNames"][f"#h{number}"] = name
                request["ExpressionAttributeValues"][f":h{number}"] = {"S": member}
        while True:
            start = _starting(request, index, after, backwards=backwards)
            bound = {} if limit is None else {"Limit": limit}
            answer = self._call_with_retries(self._client.query, **(request | start), **bound)
            after = answer.get("LastEvaluatedKey")
            yield answer["Items"], after is not None
            if after is None:
                return
            limit = limit * _GROWTH if limit is not None and limit < _LONGEST_LIMIT else None

    def query_counts(
        self,
        partition: str,
        keys: KeyRange,
        *,
        index: str | None = None,
        after: Item | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[tuple[int, Item | None]]:
        """How many items of a range each call has passed, up to ``limit`` in all, and the key behind which more follow.

        1 MB a call, of which nothing is sent.
        """
        if keys.is_empty:
            return
        request = {
            **self._range(partition, keys, index, ()),
            "Select": "COUNT",
            "ScanIndexForward": not backwards,
        }
        while limit is None or limit > 0:
            start = _starting(request, index, after, backwards=backwards)
            bound = {} if limit is None else {"Limit": limit}
            answer = self._call_with_retries(self._client.query, **(request | start), **bound)
            number, after = int(answer["Count"]), answer.get("LastEvaluatedKey")
            yield number, after
            if after is None:
                return
            limit = None if limit is None else limit - number

    def _range(self, partition: str, keys: KeyRange, index: str | None, attributes: Sequence[str]) -> dict[str, Any]:
        projection = _projection(attributes)
        names = {**projection.pop("ExpressionAttributeNames", {}), "#sort": _sort(index)}
        return {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk AND #sort BETWEEN :first AND :last",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                ":pk": {"S": partition},
                ":first": {"S": keys.first},
                ":last": {"S": keys.last},
            },
            **({"ConsistentRead": True} if index is None else {"IndexName": index}),
            **projection,
        }

    def put_nontransactional(self, item: Item, delete: Sequence[Item]) -> bool:
        """One attempt to write an item outside any transaction, and to delete others: whether it was written.

        Raises what the SDK does.
        """
        self._count()
        requests = [{"PutRequest": {"Item": item}}, *({"DeleteRequest": {"Key": each}} for each in delete[:24])]
        answer = self._client.batch_write_item(RequestItems={self._name: requests})  # type: ignore[dict-item]
        left = answer.get("UnprocessedItems", {}).get(self._name, [])
        return not any("PutRequest" in each for each in left)

    def write_all(self, put: Sequence[Item] = (), delete: Sequence[Item] = ()) -> None:
        """Write items and delete others, outside any transaction, 25 a call, until all of it is done."""
        wanted: list[Any] = [{"PutRequest": {"Item": each}} for each in put]
        wanted += [{"DeleteRequest": {"Key": each}} for each in delete]
        attempt = 0
        while wanted:
            batch, wanted = wanted[:25], wanted[25:]
            answer = self._call_with_retries(self._client.batch_write_item, RequestItems={self._name: batch})
            if left := answer.get("UnprocessedItems", {}).get(self._name):
                wanted = left + wanted
                self.deadline.pause(attempt)
                attempt += 1

    def transact(self, actions: list[dict[str, Any]], token: str) -> None:
        """One attempt at a transaction; raises what the SDK does."""
        self._count()
        self._client.transact_write_items(TransactItems=actions, ClientRequestToken=token)  # type: ignore[arg-type]

    def update(self, partition: str, sort: str, **expression: Any) -> Item:
        """One attempt at an update outside any transaction; the item as it is then. Raises what the SDK does."""
        self._count()
        key = {"pk": {"S": partition}, "sk": {"S": sort}}
        answer = self._client.update_item(TableName=self._name, Key=key, ReturnValues="ALL_NEW", **expression)
        return answer["Attributes"]

    def _call_with_retries(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """A call that may be made again: a read, or a write that comes to the same."""
        self.deadline.check()
        attempt = 0
        while True:
            self._count()
            try:
                return call(**arguments)
            except (ClientError, *NO_RESPONSE) as error:
                if not (is_outcome_unknown(error) or is_throttled(error)):
                    raise
                self._pause(attempt, error)
            attempt += 1

    def _pause(self, attempt: int, cause: Exception) -> None:
        """Wait before the next attempt, or tell by ``cause`` why there was no answer in time."""
        try:
            self.deadline.pause(attempt)
        except Unavailable as unavailable:
            raise unavailable from cause


def _sort(index: str | None) -> str:
    return "sk" if index is None else TIME_ATTRIBUTE


def _starting(request: dict[str, Any], index: str | None, after: Item | None, *, backwards: bool) -> dict[str, Any]:
    """What ``request`` needs to go on behind a key.

    The range begins there too, which DynamoDB does not need, and dynoxide does: it seeks the range, not the key in it.
    """
    if after is None:
        return {}
    bound = ":last" if backwards else ":first"
    values = request["ExpressionAttributeValues"] | {bound: after[_sort(index)]}
    return {"ExpressionAttributeValues": values, "ExclusiveStartKey": after}


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    """What of the items is sent: names stand in for themselves, since many are reserved words."""
    if not attributes:
        return {}
    names = {f"#{name}": name for name in attributes}
    return {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}
