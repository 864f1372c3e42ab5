"""What the roles of the functions must be able to do, and what they must not.

The tests of the template evaluate its policies for these calls (tests/template), and the smoke test asks IAM.
"""

from collections.abc import Mapping
from typing import Any

Call = tuple[str, Mapping[str, Any]]
"""An operation of DynamoDB with its arguments."""

_ROTATION, _HEALTH = "RotationFunction", "HealthFunction"
_USER, _SETTINGS, _COUNTERS, _SESSION = "T#acme", "A#acme", "L#acme", "S#"
_LINK_ATTRIBUTES = ("doc", "created", "modified", "since", "time", "id", "normalization")


def build_action(part: str, partition: str, *attributes: str) -> dict[str, Any]:
    """Return an action of a transaction: ``Put``, ``Update``, ``Delete`` or ``ConditionCheck``."""
    values = {"pk": {"S": partition}, "sk": {"S": "x"}}
    if part == "Put":
        return {part: {"Item": values | {name: {"S": "x"} for name in attributes}}}
    update = {"UpdateExpression": f"SET {', '.join(f'{name} = :x' for name in attributes)}"}
    return {part: {"Key": values, **(update if part == "Update" else {})}}


def build_transaction(*actions: Mapping[str, Any]) -> Call:
    """Return the call of a transaction."""
    return "TransactWriteItems", {"TransactItems": list(actions)}


def _build_read(operation: str, partition: str, index: str = "") -> Call:
    arguments = build_action("Delete", partition)["Delete"]
    return operation, arguments | ({"IndexName": index} if index else {})


def _build_projected_read(*attributes: str) -> Call:
    """Return the call that reads some attributes of users."""
    request = {
        "Keys": [build_action("Delete", _USER)["Delete"]["Key"]],
        "ProjectionExpression": ",".join(f"#{name}" for name in attributes),
        "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
    }
    return "BatchGetItem", {"RequestItems": {"t": request}}


FORBIDDEN_CALLS: list[tuple[str, Call]] = [
    # Only the console and the rotation may write settings, and only the console sessions.
    *[
        (function, build_transaction(build_action(part, partition, "v")))
        for function in ("UsersFunction", "BulkFunction", "DiscoveryFunction", "LinksFunction", "ChangesFunction")
        for part in ("Put", "Update", "Delete")
        for partition in (_SETTINGS, _SESSION, "TENANTS", "W#acme")
    ],
    # Also not as a part of a transaction that is allowed.
    (
        "UsersFunction",
        build_transaction(
            build_action("Put", _USER), build_action("Update", _COUNTERS, "counts"), build_action("Put", _SETTINGS)
        ),
    ),
    (
        "LinksFunction",
        build_transaction(build_action("Update", _USER, "links"), build_action("Put", _SETTINGS, "v")),
    ),
    (_ROTATION, build_transaction(build_action("Put", _SETTINGS), build_action("Put", _USER))),
    ("AdminFunction", build_transaction(build_action("Put", _SETTINGS), build_action("Put", _USER))),
    # Only the functions of requests may write documents of users.
    *[
        (function, build_transaction(build_action(part, _USER, "doc")))
        for function in ("DiscoveryFunction", "LinksFunction", "ChangesFunction", _ROTATION, "AdminFunction")
        for part in ("Put", "Update", "Delete")
    ],
    # These attributes are in users and their lookup items, but not in change records.
    *[
        ("LinksFunction", build_transaction(build_action(part, _USER, attribute)))
        for part in ("Put", "Update")
        for attribute in _LINK_ATTRIBUTES
    ],
    # No function may write users outside of transactions, so no change is without its record.
    *[
        (function, (operation, arguments))
        for function in ("UsersFunction", "LinksFunction", "AdminFunction", _ROTATION, _HEALTH)
        for operation, arguments in (
            ("PutItem", build_action("Put", _USER, "links")["Put"]),
            ("UpdateItem", build_action("Update", _USER, "links")["Update"]),
            ("DeleteItem", build_action("Delete", _USER)["Delete"]),
            ("BatchWriteItem", {"RequestItems": {"t": [{"PutRequest": build_action("Put", _USER, "links")["Put"]}]}}),
        )
    ],
    ("UsersFunction", ("UpdateItem", build_action("Update", _COUNTERS, "counts")["Update"])),
    (_ROTATION, ("PutItem", build_action("Put", _SETTINGS, "v")["Put"])),
    # Only the console and the functions of requests and links may read users and sessions.
    *[
        (function, _build_read("GetItem", _USER))
        for function in ("DiscoveryFunction", "ChangesFunction", _ROTATION, _HEALTH)
    ],
    *[
        (function, _build_read("GetItem", _SESSION))
        for function in ("UsersFunction", "DiscoveryFunction", "ChangesFunction", "LinksFunction", _ROTATION, _HEALTH)
    ],
    # The health check reads users only without their documents, and writes only health records.
    (_HEALTH, _build_projected_read("sk", "doc")),
    (_HEALTH, ("UpdateItem", build_action("Update", _SETTINGS, "v")["Update"])),
    ("UsersFunction", ("Scan", {})),
]
"""Calls to DynamoDB that a function must not be able to make."""

REQUIRED_CALLS: list[tuple[str, Call]] = [
    *[
        (function, call)
        for function in ("UsersFunction", "BulkFunction")
        for call in (
            build_transaction(
                build_action("Put", _USER, "doc"),
                build_action("Update", _COUNTERS, "counts"),
                build_action("Delete", _USER),
            ),
            _build_read("GetItem", _USER),
            _build_read("Query", _USER, "ByTime"),
            _build_read("BatchWriteItem", _COUNTERS),
        )
    ],
    *[
        (function, call)
        for function in ("UsersFunction", "BulkFunction", "DiscoveryFunction")
        for call in (_build_read("GetItem", _SETTINGS), ("UpdateItem", build_action("Update", "R#acme", "x")["Update"]))
    ],
    (
        "LinksFunction",
        build_transaction(build_action("Update", _USER, "links"), build_action("Put", _USER, "links", "changed")),
    ),
    ("LinksFunction", _build_read("BatchWriteItem", "W#acme")),
    (_ROTATION, build_transaction(build_action("Put", _SETTINGS, "v"))),
    (
        "AdminFunction",
        build_transaction(build_action("Put", _SETTINGS, "v"), build_action("Put", "TENANTS", "x")),
    ),
    ("AdminFunction", _build_read("Query", "F#acme", "ByTime")),
    (_HEALTH, _build_projected_read("sk", "active", "modified")),
    (_HEALTH, ("UpdateItem", build_action("Update", "TENANTS", "health")["Update"])),
    ("AdminFunction", ("UpdateItem", build_action("Update", _SESSION, "attempts")["Update"])),
]
"""Calls to DynamoDB that a function makes. The real calls of the smoke test do not include those of the console."""
