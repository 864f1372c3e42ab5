"""The DynamoDB table as one request uses it: calls are counted, and retried until the request's deadline.

The SDK's own retries are off. By default they sleep for seconds under throttling, do not know the deadline, and do not
cover conflicts of transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from scim.aws.errors import NO_RESPONSE_ERRORS, is_outcome_unknown, is_throttled
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.store.keys import KeyRange, primary_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


# The global secondary index, and the attribute that is its sort key.
TIME_INDEX = "ByTime"
TIME_ATTRIBUTE = "time"

# A query for a page first reads as many items as the page has. Each further call reads more, finally 1 MB.
_LIMIT_GROWTH = 4
_MAX_LIMIT = 1_000
# The limits of BatchGetItem and BatchWriteItem (Amazon DynamoDB API reference).
_MAX_KEYS_PER_BATCH = 100
_MAX_WRITES_PER_BATCH = 25

Item = dict[str, Any]
"""The attributes of an item by name, as DynamoDB's attribute values: ``{"v": {"N": "1"}}``."""


class Table:
    """The table for one request. ``calls`` is the number of calls to DynamoDB."""

    def __init__(self, client: DynamoDBClient, name: str, deadline: Deadline) -> None:
        self._client = client
        self._name = name
        self.deadline = deadline
        self._calls = 0
        self._lock = Lock()  # bulk operations run in parallel

    @property
    def calls(self) -> int:
        return self._calls

    def _count_call(self) -> None:
        with self._lock:
            self._calls += 1

    @property
    def name(self) -> str:
        return self._name

    def with_deadline(self, deadline: Deadline) -> Table:
        """Return the same table with another deadline. Its calls are counted separately."""
        return Table(self._client, self._name, deadline)

    def get(self, partition: str, sort: str) -> Item | None:
        """Return an item, by a strongly consistent read."""
        response = self._call_with_retries(
            self._client.get_item, TableName=self._name, Key=primary_key(partition, sort), ConsistentRead=True
        )
        item: Item | None = response.get("Item")
        return item

    def get_all(self, partition: str, sorts: list[str], attributes: Sequence[str] = ()) -> list[Item]:
        """Return those of the items that exist, in any order, by a call for each 100 keys."""
        found_items: list[Item] = []
        remaining = [primary_key(partition, sort) for sort in sorts]
        attempt = 0
        while remaining:
            batch, remaining = remaining[:_MAX_KEYS_PER_BATCH], remaining[_MAX_KEYS_PER_BATCH:]
            request = {self._name: {"Keys": batch, "ConsistentRead": True, **_projection(attributes)}}
            response = self._call_with_retries(self._client.batch_get_item, RequestItems=request)
            found_items += response["Responses"].get(self._name, [])
            if unprocessed := response.get("UnprocessedKeys", {}).get(self._name):
                remaining = unprocessed["Keys"] + remaining
                self.deadline.pause(attempt)
                attempt += 1
        return found_items

    def query(
        self,
        partition: str,
        key_range: KeyRange,
        attributes: Sequence[str] = (),
        *,
        index: str | None = None,
        after: Item | None = None,
        backwards: bool = False,
        limit: int | None = None,
        containing: Sequence[tuple[str, str]] = (),
    ) -> Iterator[Item]:
        """Yield the items of a range in order, after the primary key ``after``. Calls are made as items are drawn.

        The first call reads ``limit`` items, each further one more, up to 1 MB. An ``index`` lags behind the table.
        ``containing`` are names of set attributes, each with a member: only items that have one of the members are
        returned, although all are read.
        """
        pages = self.query_pages(
            partition,
            key_range,
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
        key_range: KeyRange,
        attributes: Sequence[str] = (),
        *,
        index: str | None = None,
        after: Item | None = None,
        backwards: bool = False,
        limit: int | None = None,
        containing: Sequence[tuple[str, str]] = (),
    ) -> Iterator[tuple[Sequence[Item], bool]]:
        """Yield the items of each call of :meth:`query`, and whether more may follow."""
        if key_range.is_empty:
            return
        request = {**self._range(partition, key_range, index, attributes), "ScanIndexForward": not backwards}
        if containing:
            request["FilterExpression"] = " OR ".join(f"contains(#h{n}, :h{n})" for n in range(len(containing)))
            for number, (name, member) in enumerate(containing):
                request["ExpressionAttributeNames"][f"#h{number}"] = name
                request["ExpressionAttributeValues"][f":h{number}"] = {"S": member}
        while True:
            start = _start_after(request, index, after, backwards=backwards)
            bound = {} if limit is None else {"Limit": limit}
            response = self._call_with_retries(self._client.query, **(request | start), **bound)
            after = response.get("LastEvaluatedKey")
            yield response["Items"], after is not None
            if after is None:
                return
            limit = limit * _LIMIT_GROWTH if limit is not None and limit < _MAX_LIMIT else None

    def query_counts(
        self,
        partition: str,
        key_range: KeyRange,
        *,
        index: str | None = None,
        after: Item | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[tuple[int, Item | None]]:
        """Yield the number of items that each call has counted, and the key after which others follow, or ``None``.

        At most ``limit`` items are counted in all. Each call reads up to 1 MB and returns no items.
        """
        if key_range.is_empty:
            return
        request = {
            **self._range(partition, key_range, index, ()),
            "Select": "COUNT",
            "ScanIndexForward": not backwards,
        }
        while limit is None or limit > 0:
            start = _start_after(request, index, after, backwards=backwards)
            bound = {} if limit is None else {"Limit": limit}
            response = self._call_with_retries(self._client.query, **(request | start), **bound)
            number, after = int(response["Count"]), response.get("LastEvaluatedKey")
            yield number, after
            if after is None:
                return
            limit = None if limit is None else limit - number

    def _range(
        self, partition: str, key_range: KeyRange, index: str | None, attributes: Sequence[str]
    ) -> dict[str, Any]:
        projection = _projection(attributes)
        names = {**projection.pop("ExpressionAttributeNames", {}), "#sort": _sort_attribute(index)}
        return {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk AND #sort BETWEEN :first AND :last",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                ":pk": {"S": partition},
                ":first": {"S": key_range.first},
                ":last": {"S": key_range.last},
            },
            **({"ConsistentRead": True} if index is None else {"IndexName": index}),
            **projection,
        }

    def put_nontransactional(self, item: Item, delete: Sequence[Item]) -> bool:
        """Write an item, and delete up to 24 others by key, in one attempt. Return whether the item was written.

        Raises what the SDK does.
        """
        self._count_call()
        deletes = [{"DeleteRequest": {"Key": key}} for key in delete[: _MAX_WRITES_PER_BATCH - 1]]
        requests = [{"PutRequest": {"Item": item}}, *deletes]
        response = self._client.batch_write_item(RequestItems={self._name: requests})  # type: ignore[dict-item]
        unprocessed = response.get("UnprocessedItems", {}).get(self._name, [])
        return not any("PutRequest" in request for request in unprocessed)

    def write_all(self, put: Sequence[Item] = (), delete: Sequence[Item] = ()) -> None:
        """Write items and delete others by key, outside transactions, by a call for each 25, until all is done."""
        remaining: list[Any] = [{"PutRequest": {"Item": item}} for item in put]
        remaining += [{"DeleteRequest": {"Key": key}} for key in delete]
        attempt = 0
        while remaining:
            batch, remaining = remaining[:_MAX_WRITES_PER_BATCH], remaining[_MAX_WRITES_PER_BATCH:]
            response = self._call_with_retries(self._client.batch_write_item, RequestItems={self._name: batch})
            if unprocessed := response.get("UnprocessedItems", {}).get(self._name):
                remaining = unprocessed + remaining
                self.deadline.pause(attempt)
                attempt += 1

    def transact(self, actions: list[dict[str, Any]], client_request_token: str) -> None:
        """Make one attempt at a transaction. Raise what the SDK raises."""
        self._count_call()
        self._client.transact_write_items(TransactItems=actions, ClientRequestToken=client_request_token)  # type: ignore[arg-type]

    def update(self, partition: str, sort: str, **expression: Any) -> Item:
        """Make one attempt at an update outside transactions, and return the new item. Raises what the SDK does."""
        self._count_call()
        key = primary_key(partition, sort)
        response = self._client.update_item(TableName=self._name, Key=key, ReturnValues="ALL_NEW", **expression)
        return response["Attributes"]

    def _call_with_retries(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """Make a call that can be repeated: a read, or a write that has the same effect if it is made twice."""
        self.deadline.check()
        attempt = 0
        while True:
            self._count_call()
            try:
                return call(**arguments)
            except (ClientError, *NO_RESPONSE_ERRORS) as error:
                if not (is_outcome_unknown(error) or is_throttled(error)):
                    raise
                self._pause(attempt, error)
            attempt += 1

    def _pause(self, attempt: int, cause: Exception) -> None:
        """Wait before the next attempt. Raise :class:`Unavailable` with its ``cause`` if the time is up."""
        try:
            self.deadline.pause(attempt)
        except Unavailable as unavailable:
            raise unavailable from cause


def _sort_attribute(index: str | None) -> str:
    return "sk" if index is None else TIME_ATTRIBUTE


def _start_after(request: dict[str, Any], index: str | None, after: Item | None, *, backwards: bool) -> dict[str, Any]:
    """Return the arguments by which ``request`` starts after a key.

    The range starts there, too. DynamoDB does not need that, but dynoxide otherwise reads the range from its beginning.
    """
    if after is None:
        return {}
    bound = ":last" if backwards else ":first"
    values = request["ExpressionAttributeValues"] | {bound: after[_sort_attribute(index)]}
    return {"ExpressionAttributeValues": values, "ExclusiveStartKey": after}


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    """Return the arguments for the attributes to return, with placeholders, since many names are reserved words."""
    if not attributes:
        return {}
    names = {f"#{name}": name for name in attributes}
    return {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}
