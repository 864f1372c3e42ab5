"""A user, and functions that apply the operations of a PATCH to it."""

from typing import Any

import pytest

from scim.protocol.errors import ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import PatchRequest, parse_message
from scim.protocol.patch.apply import apply_patch
from scim.protocol.schema import ResourceType, load_user_type
from scim.protocol.stored_values.constraints import check_constraints
from scim.protocol.stored_values.immutability import check_immutable
from tests.endpoint import CORE, ENTERPRISE

MANAGER = f"{ENTERPRISE}:manager"
EXTENSION = "urn:example:2.0:User"
TYPE = load_user_type().with_extensions(
    [
        {
            "id": EXTENSION,
            "name": "Example",
            "attributes": [
                {"name": "Business Unit", "type": "string"},
                {"name": "Level", "type": "integer"},
                {"name": "Tags", "type": "string", "multiValued": True},
                {"name": "Badge", "type": "string", "mutability": "immutable"},
                {
                    "name": "Seat",
                    "type": "complex",
                    "subAttributes": [
                        {"name": "room", "type": "string", "required": True},
                        {"name": "floor", "type": "integer"},
                        {"name": "house", "type": "string", "mutability": "readOnly"},
                    ],
                },
            ],
        }
    ]
)

WORK = {"value": "bjensen@example.com", "type": "work", "primary": True}
HOME = {"value": "babs@jensen.org", "type": "home"}
NAME = {"familyName": "Jensen", "givenName": "Barbara"}
USER: dict[str, Any] = {
    "schemas": [CORE, ENTERPRISE, EXTENSION],
    "userName": "bjensen",
    "title": "Guide",
    "active": True,
    "name": NAME,
    "emails": [WORK, HOME],
    ENTERPRISE: {"department": "Tours", "manager": {"value": "1", "$ref": "../Users/1"}},
    EXTENSION: {"Business Unit": "Sales", "Tags": ["a", "b"], "Badge": "7"},
}

Operation = dict[str, Any]


def apply(
    user: dict[str, Any],
    *operations: Operation,
    resource_type: ResourceType = TYPE,
    strict: bool = False,
    leniencies: LeniencyTracker | None = None,
) -> dict[str, Any]:
    """Apply the operations, and check the result as :class:`scim.service.resources.crud.ResourceService` does."""
    leniencies = leniencies or LeniencyTracker(strict)
    request = parse_message(PatchRequest, {"schemas": [PatchRequest.urn], "Operations": list(operations)}, leniencies)
    patched = apply_patch(user, request.operations, resource_type, leniencies)
    check_immutable(user, patched, resource_type)
    check_constraints(user, patched, resource_type)
    return patched


def diff_after(*operations: Operation, user: dict[str, Any] = USER, strict: bool = False) -> dict[str, Any]:
    """Apply the operations and return the members that differ, ``None`` for removed ones."""
    after = apply(user, *operations, strict=strict)
    return {name: after.get(name) for name in {**user, **after} if after.get(name) != user.get(name)}


def catch_error(*operations: Operation, strict: bool = False) -> ScimError:
    with pytest.raises(ScimError) as error:
        apply(USER, *operations, strict=strict)
    return error.value


def add(path: str, value: Any) -> Operation:
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: Any) -> Operation:
    return {"op": "replace", "path": path, "value": value}


def remove(path: str, value: Any = ...) -> Operation:
    return {"op": "remove", "path": path} | ({} if value is ... else {"value": value})


def in_enterprise(**members: Any) -> dict[str, Any]:
    return {ENTERPRISE: {**USER[ENTERPRISE], **members}}


def in_extension(members: dict[str, Any]) -> dict[str, Any]:
    return {EXTENSION: {**USER[EXTENSION], **members}}
