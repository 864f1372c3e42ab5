"""Lease permits out of a tenant's bucket (:mod:`scim.service.model.rate_limit.bucket`).

A lease is one conditional ``UpdateItem``. Another one follows only if the state that the caller knew is outdated.
"""

from __future__ import annotations

from scim.aws.errors import ErrorResponse, NoResponse
from scim.service.model.rate_limit.bucket import BucketUnavailable, Lease, LeaseRequest, RateLimit
from scim.store.rate_limit import keys
from scim.store.table import Item, Table

_FULL_AT = "full_at"
_DECIMALS = 6
_MAX_ATTEMPTS = 3
_AVAILABLE_SHARE = 10
# A bucket whose item is deleted is full. DynamoDB deletes items at any time after their ttl.
_EXPIRES_AFTER_S = 86_400


class DynamoDBPermitStore:
    """The buckets of all tenants: the adapter for :class:`scim.service.ports.PermitStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def lease(self, tenant_id: str, request: LeaseRequest, limit: RateLimit, now: float) -> Lease:
        """Take up to ``wanted`` permits, or none if the bucket has fewer than ``needed``.

        If few are left, take at most a tenth of them, so that other environments get some too. Raise
        :class:`BucketUnavailable`.
        """
        full_at = request.known_full_at
        for _ in range(_MAX_ATTEMPTS):
            is_full = full_at is None or full_at < now
            returned = 0 if is_full else request.returned
            available = limit.count_available(full_at, now) + returned
            if available < request.needed and not request.can_owe:
                return Lease(0, full_at)
            permits = max(request.needed, min(request.wanted, available // _AVAILABLE_SHARE))
            taken_s = (permits - returned) / limit.rate
            latest = None if request.can_owe else now + limit.burst / limit.rate - taken_s
            expires = now + limit.window_s + max(taken_s, 0.0) + _EXPIRES_AFTER_S
            is_leased, full_at = self._advance(tenant_id, is_full, taken_s, latest, now, expires)
            if is_leased:
                return Lease(permits, full_at)
        return Lease(0, full_at)

    def _advance(
        self, tenant_id: str, is_full: bool, taken_s: float, latest: float | None, now: float, expires: float
    ) -> tuple[bool, float | None]:
        """Move the time at which the bucket is full, if the bucket is full as assumed and has enough permits.

        ``latest`` is the last time at which it has enough permits, ``None`` if it does not need any. Return whether the
        time was moved, and the time that is stored now.
        """
        values: Item = {":now": _encode(now), ":ttl": {"N": str(int(expires))}}
        if is_full:
            update, condition = "full_at = :new", "attribute_not_exists(full_at) OR full_at < :now"
            values[":new"] = _encode(now + taken_s)
        else:
            update, condition = "full_at = full_at + :taken", "full_at >= :now"
            values[":taken"] = _encode(taken_s)
            if latest is not None:
                condition += " AND full_at <= :latest"
                values[":latest"] = _encode(latest)
        try:
            item = self._table.update_once(
                keys.bucket_partition(tenant_id),
                keys.BUCKET_KEY,
                UpdateExpression=f"SET {update}, #ttl = :ttl",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ErrorResponse as error:
            if error.code != "ConditionalCheckFailedException":
                raise BucketUnavailable from error
            return False, _decode(error.item or {})
        except NoResponse as error:
            raise BucketUnavailable from error
        return True, _decode(item)


def _encode(seconds: float) -> Item:
    return {"N": f"{seconds:.{_DECIMALS}f}"}


def _decode(item: Item) -> float | None:
    return float(item[_FULL_AT]["N"]) if _FULL_AT in item else None
