"""The messages of RFC 7644: PatchOp, SearchRequest and BulkRequest."""

from typing import Any

import pytest

from scim.protocol.errors import InvalidSyntax, InvalidValue, ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import (
    MAX_PATCH_OPERATIONS,
    BulkOperation,
    BulkRequest,
    Message,
    PatchRequest,
    SearchRequest,
    parse_message,
)

REMOVE = {"op": "remove", "path": "title"}


def catch_error(message_class: type[Message], body: Any, *, strict: bool = False) -> ScimError:
    with pytest.raises(ScimError) as error:
        parse_message(message_class, body, LeniencyTracker(strict))
    return error.value


def patch(**members: Any) -> dict[str, Any]:
    return {"schemas": [PatchRequest.urn], "Operations": [REMOVE]} | members


def search(**members: Any) -> dict[str, Any]:
    return {"schemas": [SearchRequest.urn], **members}


@pytest.mark.parametrize(
    "body",
    [
        {"schemas": [PatchRequest.urn], "Operations": [{"op": "replace", "path": "title", "value": "Guide"}]},
        {"SCHEMAS": [PatchRequest.urn], "operations": [{"OP": "Replace", "Path": "title", "VALUE": "Guide"}]},
        {
            "schemas": [str(PatchRequest.urn).upper()],
            "Operations": [{"op": "REPLACE", "path": "title", "value": "Guide"}],
        },
        {"Operations": [{"op": "replace", "path": "title", "value": "Guide"}]},
        patch(Operations=[{"op": "replace", "path": "title", "value": "Guide", "comment": "x"}], unknown=1),
    ],
)
def test_patch_names_are_case_insensitive(body: dict[str, Any]) -> None:
    (operation,) = parse_message(PatchRequest, body, LeniencyTracker()).operations

    assert (operation.op, operation.path, operation.value) == ("replace", "title", "Guide")


@pytest.mark.parametrize(
    ("operation", "has_value"),
    [
        ({"op": "replace", "path": "title", "value": None}, True),
        ({"op": "replace", "path": "title", "value": ""}, True),
        ({"op": "replace", "path": "title"}, False),
    ],
)
def test_patch_value_of_null(operation: dict[str, Any], has_value: bool) -> None:
    (patch_operation,) = parse_message(PatchRequest, patch(Operations=[operation]), LeniencyTracker()).operations

    assert patch_operation.has_value is has_value


@pytest.mark.parametrize("body", [None, [], "x", 1, True])
def test_body_is_not_an_object(body: Any) -> None:
    assert isinstance(catch_error(PatchRequest, body), InvalidSyntax)


@pytest.mark.parametrize(
    "body",
    [
        patch(schemas=[]),
        patch(schemas=["urn:ietf:params:scim:schemas:core:2.0:User"]),
        patch(schemas=PatchRequest.urn),
        patch(schemas=[1]),
        patch(schemas={}),
        {"schemas": [SearchRequest.urn], "Operations": [REMOVE]},
    ],
)
def test_wrong_schemas(body: dict[str, Any]) -> None:
    actual = catch_error(PatchRequest, body)

    assert isinstance(actual, InvalidSyntax)
    assert str(PatchRequest.urn) in actual.detail


@pytest.mark.parametrize(
    ("body", "error", "member"),
    [
        ({"schemas": [PatchRequest.urn]}, InvalidSyntax, "Operations"),
        (patch(Operations=[]), InvalidSyntax, "Operations"),
        (patch(Operations=[{"path": "title"}]), InvalidSyntax, "Operations[0].op"),
        (patch(Operations=[REMOVE, {"op": "move", "path": "title"}]), InvalidSyntax, "Operations[1].op"),
        (patch(Operations=[{"op": None, "path": "title"}]), InvalidSyntax, "Operations[0].op"),
        (patch(Operations=[REMOVE, "x"]), InvalidSyntax, "Operations[1]"),
        (patch(Operations=REMOVE), InvalidValue, "Operations"),
        (patch(Operations=[{"op": "remove", "path": 1}]), InvalidValue, "Operations[0].path"),
        (patch(Operations=[REMOVE] * (MAX_PATCH_OPERATIONS + 1)), InvalidValue, "Operations"),
    ],
)
def test_error_names_the_invalid_member(body: dict[str, Any], error: type[ScimError], member: str) -> None:
    actual = catch_error(PatchRequest, body)

    assert isinstance(actual, error)
    assert actual.detail.startswith((f"{member} is ", f"{member} must ", f"{member} can "))


@pytest.mark.parametrize(
    "body",
    [
        {"schemas": [PatchRequest.urn], "Schemas": [PatchRequest.urn], "Operations": [REMOVE]},
        {"schemas": [PatchRequest.urn], "Operations": [REMOVE], "operations": [REMOVE]},
        patch(Operations=[{"op": "remove", "Op": "remove", "path": "title"}]),
    ],
)
def test_duplicate_member(body: dict[str, Any]) -> None:
    assert isinstance(catch_error(PatchRequest, body), InvalidSyntax)


def test_error_does_not_contain_values() -> None:
    assert "secret" not in catch_error(PatchRequest, patch(Operations=[{"op": "secret", "path": "title"}])).detail


def test_search_defaults() -> None:
    assert vars(parse_message(SearchRequest, search(), LeniencyTracker())) == {
        "attributes": (),
        "excludedattributes": (),
        "filter": None,
        "sortby": None,
        "sortorder": "ascending",
        "startindex": None,
        "count": None,
        "cursor": None,
    }


def test_search_names_are_case_insensitive() -> None:
    body = search(STARTINDEX=0, Count=-1, sortby="userName", SortOrder="Descending", Attributes=["userName"])

    message = parse_message(SearchRequest, body, LeniencyTracker())

    assert (message.startindex, message.count, message.sortby, message.sortorder) == (0, -1, "userName", "descending")
    assert message.attributes == ["userName"]


@pytest.mark.parametrize(
    "members",
    [{"count": "1"}, {"count": 1.5}, {"startIndex": True}, {"filter": 1}, {"attributes": "userName"}, {"sortBy": []}],
)
def test_search_with_wrong_types(members: dict[str, Any]) -> None:
    assert isinstance(catch_error(SearchRequest, search(**members)), InvalidValue)


def test_unknown_sort_order() -> None:
    assert isinstance(catch_error(SearchRequest, search(sortOrder="random")), InvalidSyntax)


def test_bulk_operations_are_not_validated() -> None:
    body = {"schemas": [BulkRequest.urn], "failOnErrors": 1, "Operations": [{"method": "POST"}, "x", None]}

    message = parse_message(BulkRequest, body, LeniencyTracker())

    assert (message.failonerrors, message.operations) == (1, [{"method": "POST"}, "x", None])


@pytest.mark.parametrize("count", [0, -1])
def test_fail_on_errors_is_at_least_one(count: int) -> None:
    body = {"schemas": [BulkRequest.urn], "failOnErrors": count, "Operations": [{}]}

    assert isinstance(catch_error(BulkRequest, body), InvalidValue)


def test_bulk_operation_names_are_case_insensitive() -> None:
    members = {"Method": "post", "PATH": "/Users", "bulkId": "qwerty", "data": {"userName": "Alice"}}

    operation = parse_message(BulkOperation, members, LeniencyTracker())

    assert (operation.method, operation.path, operation.bulkid, operation.data) == (
        "POST",
        "/Users",
        "qwerty",
        {"userName": "Alice"},
    )


@pytest.mark.parametrize("members", [{"method": "GET", "path": "/Users"}, {"method": "POST"}, {"path": "/Users"}])
def test_bulk_operation_without_method_or_path(members: dict[str, Any]) -> None:
    assert isinstance(catch_error(BulkOperation, members), InvalidSyntax)
