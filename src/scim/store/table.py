"""The DynamoDB table for one request: it counts its calls, and retries them until the request's deadline.

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


# The name of the global secondary index, and the attribute that is its sort key.
TIME_INDEX = "ByTime"
TIME_ATTRIBUTE = "time"

# The first call of a query reads as many items as the page has. Each further call reads more, up to 1 MB.
_LIMIT_GROWTH = 4
_MAX_LIMIT = 1_000
# The limits of BatchGetItem and BatchWriteItem (Amazon DynamoDB API reference).
_MAX_KEYS_PER_BATCH = 100
_MAX_WRITES_PER_BATCH = 25

Item = dict[str, Any]
"""The attributes of an item by name, as DynamoDB's attribute values: ``{"v": {"N": "1"}}``."""


class Table:
    """The table for one request.

    Methods named ``…_once`` make one attempt and raise what the SDK raises. All others repeat calls whose outcome is
    unknown or that DynamoDB has throttled, until the deadline; then they raise :class:`Unavailable`.
    """

    def __init__(self, client: DynamoDBClient, name: str, deadline: Deadline) -> None:
        self._client = client
        self._name = name
        self.deadline = deadline
        self._calls = 0
        self._lock = Lock()  # bulk operations run in parallel

    @property
    def calls(self) -> int:
        """Return the number of calls to DynamoDB."""
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

    def get(self, partition_key: str, sort_key: str) -> Item | None:
        """Return the item with this primary key by a strongly consistent read, ``None`` if there is none."""
        response = self._call_with_retries(
            self._client.get_item, TableName=self._name, Key=primary_key(partition_key, sort_key), ConsistentRead=True
        )
        item: Item | None = response.get("Item")
        return item

    def get_all(self, partition_key: str, sort_keys: list[str], attributes: Sequence[str] = ()) -> list[Item]:
        """Return the items that exist, in any order, by one call for each 100 sort keys."""
        found_items: list[Item] = []
        remaining = [primary_key(partition_key, sort_key) for sort_key in sort_keys]
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
        partition_key: str,
        key_range: KeyRange,
        attributes: Sequence[str] = (),
        *,
        index_name: str | None = None,
        after: Item | None = None,
        is_backwards: bool = False,
        limit: int | None = None,
        contains_any: Sequence[tuple[str, str]] = (),
    ) -> Iterator[Item]:
        """Yield the items of a range in order, after the primary key ``after``. Make calls as items are consumed.

        The first call reads ``limit`` items, each further one more, up to 1 MB. An index lags behind the table.
        ``contains_any`` are pairs of a set attribute and a member: all items are read, and only those that have
        at least one of these members are returned.
        """
        pages = self.query_pages(
            partition_key,
            key_range,
            attributes,
            index_name=index_name,
            after=after,
            is_backwards=is_backwards,
            limit=limit,
            contains_any=contains_any,
        )
        for items, _ in pages:
            yield from items

    def query_pages(
        self,
        partition_key: str,
        key_range: KeyRange,
        attributes: Sequence[str] = (),
        *,
        index_name: str | None = None,
        after: Item | None = None,
        is_backwards: bool = False,
        limit: int | None = None,
        contains_any: Sequence[tuple[str, str]] = (),
    ) -> Iterator[tuple[Sequence[Item], bool]]:
        """Yield the items that each call of :meth:`query` returns, and whether more may follow."""
        if key_range.is_empty:
            return
        request = {
            **self._build_range(partition_key, key_range, index_name, attributes),
            "ScanIndexForward": not is_backwards,
        }
        if contains_any:
            request["FilterExpression"] = " OR ".join(f"contains(#h{n}, :h{n})" for n in range(len(contains_any)))
            for n, (attribute, member) in enumerate(contains_any):
                request["ExpressionAttributeNames"][f"#h{n}"] = attribute
                request["ExpressionAttributeValues"][f":h{n}"] = {"S": member}
        while True:
            start = _build_start(request, index_name, after, is_backwards=is_backwards)
            bound = {} if limit is None else {"Limit": limit}
            response = self._call_with_retries(self._client.query, **(request | start), **bound)
            after = response.get("LastEvaluatedKey")
            yield response["Items"], after is not None
            if after is None:
                return
            limit = limit * _LIMIT_GROWTH if limit is not None and limit < _MAX_LIMIT else None

    def query_counts(
        self,
        partition_key: str,
        key_range: KeyRange,
        *,
        index_name: str | None = None,
        after: Item | None = None,
        is_backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[tuple[int, Item | None]]:
        """Yield the number of items that each call counts, and the key to continue after; ``None`` after the last call.

        At most ``limit`` items are counted in all. Each call reads up to 1 MB and returns no items.
        """
        if key_range.is_empty:
            return
        request = {
            **self._build_range(partition_key, key_range, index_name, ()),
            "Select": "COUNT",
            "ScanIndexForward": not is_backwards,
        }
        while limit is None or limit > 0:
            start = _build_start(request, index_name, after, is_backwards=is_backwards)
            bound = {} if limit is None else {"Limit": limit}
            response = self._call_with_retries(self._client.query, **(request | start), **bound)
            number, after = int(response["Count"]), response.get("LastEvaluatedKey")
            yield number, after
            if after is None:
                return
            limit = None if limit is None else limit - number

    def _build_range(
        self, partition_key: str, key_range: KeyRange, index_name: str | None, attributes: Sequence[str]
    ) -> dict[str, Any]:
        """Return the arguments of a query for a range of keys."""
        projection = _projection(attributes)
        names = {**projection.pop("ExpressionAttributeNames", {}), "#sort": _sort_attribute(index_name)}
        return {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk AND #sort BETWEEN :first AND :last",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                ":pk": {"S": partition_key},
                ":first": {"S": key_range.first},
                ":last": {"S": key_range.last},
            },
            **({"ConsistentRead": True} if index_name is None else {"IndexName": index_name}),
            **projection,
        }

    def put_and_delete_once(self, item: Item, delete: Sequence[Item]) -> bool:
        """Write an item, and delete up to 24 others by key. Return whether the item was written."""
        self._count_call()
        deletes = [{"DeleteRequest": {"Key": key}} for key in delete[: _MAX_WRITES_PER_BATCH - 1]]
        requests = [{"PutRequest": {"Item": item}}, *deletes]
        response = self._client.batch_write_item(RequestItems={self._name: requests})  # type: ignore[dict-item]
        unprocessed = response.get("UnprocessedItems", {}).get(self._name, [])
        return not any("PutRequest" in request for request in unprocessed)

    def write_all(self, put: Sequence[Item] = (), delete: Sequence[Item] = ()) -> None:
        """Write items, and delete others by key, outside transactions, by one call for each 25."""
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

    def transact_once(self, actions: list[dict[str, Any]], client_request_token: str) -> None:
        """Send a transaction. ``actions`` are the members of ``TransactItems``."""
        self._count_call()
        self._client.transact_write_items(TransactItems=actions, ClientRequestToken=client_request_token)  # type: ignore[arg-type]

    def update_once(self, partition_key: str, sort_key: str, **expression: Any) -> Item:
        """Update an item outside transactions, and return the new item."""
        self._count_call()
        key = primary_key(partition_key, sort_key)
        response = self._client.update_item(TableName=self._name, Key=key, ReturnValues="ALL_NEW", **expression)
        return response["Attributes"]

    def _call_with_retries(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """Make a call that is safe to repeat: a read, or a write that has the same effect if it is made twice."""
        self.deadline.require_time()
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


def _sort_attribute(index_name: str | None) -> str:
    return "sk" if index_name is None else TIME_ATTRIBUTE


def _build_start(
    request: dict[str, Any], index_name: str | None, after: Item | None, *, is_backwards: bool
) -> dict[str, Any]:
    """Return the arguments that make ``request`` start after a key.

    The range starts there, too. DynamoDB does not need that, but dynoxide otherwise reads the range from its beginning.
    """
    if after is None:
        return {}
    bound = ":last" if is_backwards else ":first"
    values = request["ExpressionAttributeValues"] | {bound: after[_sort_attribute(index_name)]}
    return {"ExpressionAttributeValues": values, "ExclusiveStartKey": after}


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    """Return the arguments for the attributes to return, with placeholders, since many names are reserved words."""
    if not attributes:
        return {}
    names = {f"#{name}": name for name in attributes}
    return {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}
