"""Call the DynamoDB table for one request: count the calls, and retry them until the request's deadline.

The SDK's own retries are off. They would sleep for seconds under throttling, they do not know the deadline, and they do
not cover transaction conflicts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from scim.aws.errors import AwsError, can_be_repeated
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.store.calls.arguments import build_limit, build_projection
from scim.store.calls.background_call import BackgroundCall
from scim.store.keys import KeyRange, primary_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


# The global secondary index, and the attribute that is its sort key.
TIME_INDEX = "ByTime"
TIME_ATTRIBUTE = "time"

# The first call of a query has the limit of the caller. The limit of each next call is larger, then there is none.
_LIMIT_GROWTH = 4
_MAX_GROWING_LIMIT = 1_000
# The limits of BatchGetItem and BatchWriteItem (Amazon DynamoDB API reference).
_MAX_KEYS_PER_BATCH = 100
_MAX_WRITES_PER_BATCH = 25

Item = dict[str, Any]
"""The attributes of an item by name, as DynamoDB attribute values, such as ``{"v": {"N": "1"}}``."""


class Table:
    """The table, for one request.

    Methods named ``…_once`` make one attempt and raise :class:`AwsError`. All others repeat a call if its outcome is
    unknown or DynamoDB throttled it. After the deadline they raise :class:`Unavailable`.

    ``restored_at`` is when the table was restored from a backup, in seconds since 1970, 0 for never.
    """

    def __init__(self, client: DynamoDBClient, name: str, deadline: Deadline, restored_at: int = 0) -> None:
        self._client = client
        self._name = name
        self.deadline = deadline
        self.restored_at = restored_at
        self._calls = 0
        self._lock = Lock()  # bulk operations call the table in parallel

    @property
    def calls(self) -> int:
        """Return the number of calls to DynamoDB so far, including retries."""
        return self._calls

    def _count_call(self) -> None:
        with self._lock:
            self._calls += 1

    @property
    def name(self) -> str:
        """Return the name of the table in DynamoDB."""
        return self._name

    @property
    def version_floor(self) -> int:
        """The lowest version of a user who was created before the restore.

        The users in a restored table have versions that clients and consumers of events may have seen with other
        content. So every version up to the time of the restore counts as this time, and the next one is above it. A
        user would need more than one change a second, on average since the restore before, to have had a higher version
        (docs/decisions/storage/versions-after-a-restore.md).
        """
        return self.restored_at

    def with_deadline(self, deadline: Deadline) -> Table:
        """Return the same table with another deadline and a separate count of calls."""
        return Table(self._client, self._name, deadline, self.restored_at)

    def get(self, partition_key: str, sort_key: str) -> Item | None:
        """Return the item with this primary key, or ``None``. The read is strongly consistent."""
        response = self._call_with_retries(
            self._client.get_item, TableName=self._name, Key=primary_key(partition_key, sort_key), ConsistentRead=True
        )
        item: Item | None = response.get("Item")
        return item

    def get_all(self, partition_key: str, sort_keys: list[str], attributes: Sequence[str] = ()) -> list[Item]:
        """Return the items with these sort keys that exist, as :meth:`get_by_keys` does."""
        return self.get_by_keys([primary_key(partition_key, sort_key) for sort_key in sort_keys], attributes)

    def get_by_keys(self, primary_keys: Sequence[Item], attributes: Sequence[str] = ()) -> list[Item]:
        """Return the items with these primary keys that exist, in any order. Make one call for every 100 keys.

        ``attributes`` are the attributes to return; empty means all. The reads are strongly consistent.
        """
        found_items: list[Item] = []
        remaining = list(primary_keys)
        attempt = 0
        while remaining:
            batch, remaining = remaining[:_MAX_KEYS_PER_BATCH], remaining[_MAX_KEYS_PER_BATCH:]
            request = {self._name: {"Keys": batch, "ConsistentRead": True, **build_projection(attributes)}}
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
        contains: tuple[str, str] | None = None,
        charge_unused: Callable[[int], None] | None = None,
    ) -> Generator[Item]:
        """Yield the items in a range of sort keys, in order. Make the calls as the caller consumes items.

        Args:
            partition_key: the partition to read.
            key_range: the range of sort keys, or of ``time`` for the index.
            attributes: the attributes to return; empty means all.
            index_name: the index to read instead of the table. Only reads of the table are strongly consistent.
            after: the primary key to start after; for an index, also with the key of the index.
            is_backwards: whether to read in descending order.
            limit: the number of items that the first call reads. Later calls read more, up to 1 MB.
            contains: a set attribute and a member. Only items with this member are returned, but all items are read
                and paid for.
            charge_unused: if it is given, each call that reads up to 1 MB begins in another thread, while the caller
                consumes the items of the call before. If the caller stops early, the last call was made in vain.
                This function then gets the number of items that it has read.
        """
        pages = self.query_pages(
            partition_key,
            key_range,
            attributes,
            index_name=index_name,
            after=after,
            is_backwards=is_backwards,
            limit=limit,
            contains=contains,
            charge_unused=charge_unused,
        )
        with closing(pages):
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
        contains: tuple[str, str] | None = None,
        charge_unused: Callable[[int], None] | None = None,
    ) -> Generator[tuple[Sequence[Item], bool]]:
        """Yield, for each call of :meth:`query`, the items that it returns, and whether more may follow."""
        if key_range.is_empty:
            return
        request = {
            **self._build_range(partition_key, key_range, index_name, attributes),
            "ScanIndexForward": not is_backwards,
        }
        if contains is not None:
            request["FilterExpression"] = "contains(#set, :member)"
            attribute, member = contains
            request["ExpressionAttributeNames"]["#set"] = attribute
            request["ExpressionAttributeValues"][":member"] = {"S": member}
        arguments = _build_page_arguments(request, index_name, after, limit, is_backwards=is_backwards)
        response = self._call_with_retries(self._client.query, **arguments)
        while (after := response.get("LastEvaluatedKey")) is not None:
            limit = limit * _LIMIT_GROWTH if limit is not None and limit < _MAX_GROWING_LIMIT else None
            arguments = _build_page_arguments(request, index_name, after, limit, is_backwards=is_backwards)
            if charge_unused is None or limit is not None or not self.deadline.has_time():
                yield response["Items"], True
                response = self._call_with_retries(self._client.query, **arguments)
                continue
            next_call = BackgroundCall(partial(self._call_once, self._client.query, **arguments))
            try:
                yield response["Items"], True
            except GeneratorExit:
                if unused := next_call.discard():
                    charge_unused(len(unused["Items"]))
                raise
            response = self._call_with_retries(self._client.query, first_attempt=next_call.get_result, **arguments)
        yield response["Items"], False

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
        """Count items without returning them. Arguments are those of :meth:`query`.

        Yield, for each call, the number of items that it counts, and the key to continue after (``None``: no more
        items). Each call counts up to 1 MB of items. All calls together count at most ``limit`` items.
        """
        if key_range.is_empty:
            return
        request = {
            **self._build_range(partition_key, key_range, index_name, ()),
            "Select": "COUNT",
            "ScanIndexForward": not is_backwards,
        }
        while limit is None or limit > 0:
            arguments = _build_page_arguments(request, index_name, after, limit, is_backwards=is_backwards)
            response = self._call_with_retries(self._client.query, **arguments)
            number, after = int(response["Count"]), response.get("LastEvaluatedKey")
            yield number, after
            if after is None:
                return
            limit = None if limit is None else limit - number

    def _build_range(
        self, partition_key: str, key_range: KeyRange, index_name: str | None, attributes: Sequence[str]
    ) -> dict[str, Any]:
        """Return the arguments of a ``Query`` call for a range of keys."""
        projection = build_projection(attributes)
        names = {**projection.pop("ExpressionAttributeNames", {}), "#sort": _get_sort_attribute(index_name)}
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
        """Write an item and delete up to 24 others by key, in one call. Return whether the item was written."""
        self._count_call()
        deletes = [{"DeleteRequest": {"Key": key}} for key in delete[: _MAX_WRITES_PER_BATCH - 1]]
        requests = [{"PutRequest": {"Item": item}}, *deletes]
        response = self._client.batch_write_item(RequestItems={self._name: requests})  # type: ignore[dict-item]
        unprocessed = response.get("UnprocessedItems", {}).get(self._name, [])
        return not any("PutRequest" in request for request in unprocessed)

    def write_all(self, put: Sequence[Item] = (), delete: Sequence[Item] = ()) -> None:
        """Write items and delete others by key, without a transaction. Make one call for every 25 of them."""
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
        """Send a transaction. ``actions`` are the elements of ``TransactItems``."""
        self._count_call()
        self._client.transact_write_items(TransactItems=actions, ClientRequestToken=client_request_token)  # type: ignore[arg-type]

    def update_once(self, partition_key: str, sort_key: str, **expression: Any) -> Item:
        """Update an item without a transaction, and return all its new attributes.

        ``expression`` are the other arguments of ``UpdateItem``.
        """
        self._count_call()
        key = primary_key(partition_key, sort_key)
        response = self._client.update_item(TableName=self._name, Key=key, ReturnValues="ALL_NEW", **expression)
        return response["Attributes"]

    def _call_once(self, call: Callable[..., Any], **arguments: Any) -> Any:
        self._count_call()
        return call(**arguments)

    def _call_with_retries(
        self, call: Callable[..., Any], first_attempt: Callable[[], Any] | None = None, **arguments: Any
    ) -> Any:
        """Make a call that is safe to repeat: a read, or an idempotent write.

        ``first_attempt`` returns or raises the outcome of the first attempt, if that has begun already.
        """
        if first_attempt is None:
            self.deadline.require_time()
        attempt = 0
        while True:
            try:
                if first_attempt is not None and attempt == 0:
                    return first_attempt()
                return self._call_once(call, **arguments)
            except AwsError as error:
                if not can_be_repeated(error):
                    raise
                self._pause(attempt, error)
            attempt += 1

    def _pause(self, attempt: int, cause: Exception) -> None:
        """Wait before the next attempt. Raise :class:`Unavailable`, caused by ``cause``, if the deadline has passed."""
        try:
            self.deadline.pause(attempt)
        except Unavailable as unavailable:
            raise unavailable from cause


def _get_sort_attribute(index_name: str | None) -> str:
    return "sk" if index_name is None else TIME_ATTRIBUTE


def _build_page_arguments(
    request: dict[str, Any], index_name: str | None, after: Item | None, limit: int | None, *, is_backwards: bool
) -> dict[str, Any]:
    """Return the arguments of ``Query`` for the items of ``request`` after a key."""
    return request | _build_start(request, index_name, after, is_backwards=is_backwards) | build_limit(limit)


def _build_start(
    request: dict[str, Any], index_name: str | None, after: Item | None, *, is_backwards: bool
) -> dict[str, Any]:
    """Return the arguments that make ``request`` start after a key.

    They also narrow the range. DynamoDB does not need that, but dynoxide otherwise reads the range from its beginning.
    """
    if after is None:
        return {}
    bound = ":last" if is_backwards else ":first"
    values = request["ExpressionAttributeValues"] | {bound: after[_get_sort_attribute(index_name)]}
    return {"ExpressionAttributeValues": values, "ExclusiveStartKey": after}
