"""Invalid requests on all paths: the response is a SCIM error that names the problem, and nothing is written."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.endpoint import CORE, ENTERPRISE, SURVEY, Endpoint

Items = Callable[[], list[dict[str, Any]]]

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

NOT_JSON: dict[str, bytes] = {
    "empty": b"",
    "blank": b"  \n",
    "half an object": b'{"userName": "bob"',
    "two values": b"{} {}",
    "single quotes": b"{'userName': 'bob'}",
    "comma at the end": b'{"userName": "bob",}',
    "comment": b'{"userName": "bob"} // x',
    "UTF-16": '{"userName": "bob"}'.encode("utf-16"),
    "Latin-1": '{"userName": "bäb"}'.encode("latin-1"),
    "half of a surrogate pair": b'{"userName": "\\ud800"}',
    "half of a surrogate pair in a name": b'{"userName": "bob", "\\udfff": 1}',
    "half of a surrogate pair in UTF-8": b'{"userName": "\xed\xa0\x80"}',
    "NaN": b'{"userName": "bob", "x": NaN}',
    "infinity": b'{"userName": "bob", "x": -Infinity}',
    "number that is too large": b'{"userName": "bob", "x": 1e999}',
    "5,000 digits": b'{"userName": "bob", "x": ' + b"9" * 5_000 + b"}",
    "duplicate name": b'{"userName": "bob", "userName": "rob"}',
    "duplicate name in an object": b'{"userName": "bob", "name": {"givenName": "b", "givenName": "c"}}',
    "100,000 brackets": b"[" * 100_000,
    "100,000 closed brackets": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "33 levels": b'{"a":' * 33 + b"1" + b"}" * 33,
    "control character in a string": b'{"userName": "b\x00b"}',
    "string without end": b"[" + b"[]," * 40 + b'"' + b'\\"' * 500_000,
}
REQUESTS_WITH_BODY = [
    ("POST", "/Users"),
    ("PUT", "/Users/{id}"),
    ("PATCH", "/Users/{id}"),
    ("POST", "/Bulk"),
    ("POST", "/Users/.search"),
    ("POST", "/.search"),
]


@pytest.fixture
def alice(scim: Endpoint) -> dict[str, Any]:
    return scim.create(
        userName="alice",
        title="Chef",
        emails=[{"value": "a@example.com", "type": "work", "primary": True}],
        **{ENTERPRISE: {"department": "Kitchen"}},
    )


def check_error(response: tuple[int, dict[str, str], bytes], status: int, scim_type: str | None = None) -> str:
    """Check that a response is a SCIM error, and return its ``detail``."""
    body = json.loads(response[2])
    assert (response[0], response[1]["content-type"]) == (status, "application/scim+json")
    assert body.keys() - {"scimType"} == {"schemas", "status", "detail"}
    assert (body["schemas"], body["status"], body.get("scimType")) == ([ERROR], str(status), scim_type)
    detail: str = body["detail"]
    assert detail.endswith(".")
    assert "Traceback" not in detail
    return detail


@pytest.mark.parametrize("media_type", ["application/scim+json", "application/json"])
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_invalid_json_is_rejected(
    scim: Endpoint, alice: dict[str, Any], items: Items, body: bytes, media_type: str
) -> None:
    """API Gateway passes a body of the type ``application/json`` as text, and all others in base64."""
    before = items()

    for method, path in REQUESTS_WITH_BODY:
        response = scim.send(method, path.format(id=alice["id"]), {"content-type": media_type}, body)
        check_error(response, 400, "invalidSyntax")

    assert items() == before


@pytest.mark.parametrize("media_type", ["application/scim+json", "application/json"])
@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=iso-8859-1", "; charset=utf-16"])
@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_body_that_is_not_utf_8_is_rejected(
    scim: Endpoint, items: Items, encoding: str, charset: str, media_type: str
) -> None:
    """Windows PowerShell 5.1 sends ISO-8859-1. ``charset`` has no meaning (RFC 8259 section 11)."""
    body = f'{{"schemas": ["{CORE}"], "userName": "jörg", "displayName": "Jörg Müller"}}'
    before = items()

    response = scim.send("POST", "/Users", {"content-type": media_type + charset}, body.encode(encoding))

    detail = check_error(response, 400, "invalidSyntax")
    assert ("UTF-16" in detail) == encoding.startswith("utf")
    assert "UTF8.GetBytes" in detail
    assert items() == before


@pytest.mark.parametrize("media_type", ["application/scim+json", "application/json"])
@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=iso-8859-1"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf_8_is_accepted_with_any_charset(scim: Endpoint, encoding: str, charset: str, media_type: str) -> None:
    body = f'{{"schemas": ["{CORE}"], "userName": "jörg", "title": "J\ufffdrg"}}'

    status, _, created = scim.send("POST", "/Users", {"content-type": media_type + charset}, body.encode(encoding))

    assert (status, json.loads(created)["userName"], json.loads(created)["title"]) == (201, "jörg", "J\ufffdrg")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"userName=bob", 415),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ({"content-encoding": "gzip"}, b"\x1f\x8b", 415),
        ({}, b" " * 1_048_577, 413),
        ({"content-type": "text/plain"}, b" " * 1_048_577, 413),
    ],
)
def test_body_of_wrong_type_or_size_is_rejected(
    scim: Endpoint, alice: dict[str, Any], items: Items, headers: dict[str, str], body: bytes, status: int
) -> None:
    before = items()

    for method, path in REQUESTS_WITH_BODY:
        check_error(scim.send(method, path.format(id=alice["id"]), headers, body), status)

    assert items() == before


@pytest.mark.parametrize("body", ["[]", "7", '"userName"', "null", "true"])
def test_body_without_object_is_rejected(scim: Endpoint, alice: dict[str, Any], items: Items, body: str) -> None:
    before = items()

    for method, path in REQUESTS_WITH_BODY:
        check_error(scim.send(method, path.format(id=alice["id"]), body=body), 400, "invalidSyntax")

    assert items() == before


USERS: list[tuple[dict[str, Any], str]] = [
    ({"schemas": [CORE]}, "invalidValue"),
    ({"schemas": [CORE], "userName": ""}, "invalidValue"),
    ({"schemas": [CORE], "userName": None}, "invalidValue"),
    ({"schemas": [CORE], "userName": 7}, "invalidValue"),
    ({"schemas": [CORE], "userName": ["bob"]}, "invalidValue"),
    ({"schemas": [CORE], "userName": "b\u200bob"}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob\x07"}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "USERNAME": "rob"}, "invalidSyntax"),
    ({"schemas": CORE, "userName": "bob"}, "invalidValue"),
    ({"schemas": [7], "userName": "bob"}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "active": "maybe"}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "active": 1}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "name": "Bob"}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "name": {"givenName": 7}}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "emails": "b@example.com"}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "emails": {"value": "b@example.com"}}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "emails": ["b@example.com"]}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "emails": [{"value": v, "primary": True} for v in "ab"]}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", ENTERPRISE: "Kitchen"}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", ENTERPRISE: {"department": {}, "manager": 7}}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", SURVEY: {"Contract Level": "three"}}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "emails": [{"value": f"{n}@x"} for n in range(41)]}, "invalidValue"),
]


@pytest.mark.parametrize(("user", "scim_type"), USERS, ids=lambda value: str(value)[:60])
def test_invalid_user_is_rejected(
    scim: Endpoint, alice: dict[str, Any], items: Items, user: dict[str, Any], scim_type: str
) -> None:
    before = items()

    check_error(scim.send("POST", "/Users", body=json.dumps(user)), 400, scim_type)
    check_error(scim.send("PUT", f"/Users/{alice['id']}", body=json.dumps(user)), 400, scim_type)

    assert items() == before


def test_user_larger_than_an_item_is_413(scim: Endpoint, items: Items) -> None:
    before = items()
    user = {"schemas": [CORE], "userName": "bob", "title": "x" * 400_000}

    check_error(scim.send("POST", "/Users", body=json.dumps(user)), 413)

    assert items() == before


PATCHES: list[tuple[Any, str]] = [
    ([], "invalidSyntax"),
    ({"op": "replace"}, "invalidValue"),
    (["replace"], "invalidSyntax"),
    ([{}], "invalidSyntax"),
    ([{"op": "move", "path": "title"}], "invalidSyntax"),
    ([{"op": 7, "path": "title"}], "invalidSyntax"),
    ([{"op": "replace", "path": 7, "value": "x"}], "invalidValue"),
    ([{"op": "replace", "path": "title"}], "invalidValue"),
    ([{"op": "replace", "value": "Cook"}], "invalidValue"),
    ([{"op": "remove"}], "noTarget"),
    ([{"op": "replace", "path": "", "value": "x"}], "invalidPath"),
    ([{"op": "replace", "path": "emails[", "value": "x"}], "invalidPath"),
    ([{"op": "replace", "path": "emails[type]", "value": "x"}], "invalidPath"),
    ([{"op": "replace", "path": 'emails[type eq "work"', "value": "x"}], "invalidPath"),
    ([{"op": "replace", "path": "title eq 7", "value": "x"}], "invalidPath"),
    ([{"op": "replace", "path": 'emails[type sw "h"].value', "value": "x"}], "noTarget"),
    ([{"op": "replace", "path": "active", "value": "maybe"}], "invalidValue"),
    ([{"op": "replace", "path": "title", "value": 7}], "invalidValue"),
    ([{"op": "replace", "path": "name", "value": "Alice"}], "invalidValue"),
    ([{"op": "add", "path": "emails", "value": "b@example.com"}], "invalidValue"),
    ([{"op": "replace", "path": "id", "value": "7"}], "mutability"),
    ([{"op": "remove", "path": "meta"}], "mutability"),
    ([{"op": "replace", "path": "meta.version", "value": "7"}], "mutability"),
    ([{"op": "add", "path": "groups", "value": [{"value": "7"}]}], "mutability"),
    ([{"op": "remove", "path": "userName"}], "mutability"),
    ([{"op": "replace", "path": "userName", "value": ""}], "mutability"),
    ([{"op": "replace", "path": "userName", "value": "a\u200bl"}], "invalidValue"),
    ([{"op": "replace", "path": "title", "value": "Cook"}, {"op": "remove", "path": "userName"}], "mutability"),
]


@pytest.mark.parametrize(("operations", "scim_type"), PATCHES, ids=lambda value: str(value)[:60])
def test_invalid_patch_changes_nothing(
    scim: Endpoint, alice: dict[str, Any], items: Items, operations: Any, scim_type: str
) -> None:
    before = items()
    body = {"schemas": [PATCH_OP], "Operations": operations}

    check_error(scim.send("PATCH", f"/Users/{alice['id']}", body=json.dumps(body)), 400, scim_type)

    assert items() == before


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("filter=SOMEVALUE", "invalidFilter"),
        ("filter=userName", "invalidFilter"),
        ("filter=userName+eq", "invalidFilter"),
        ("filter=userName+is+%22bob%22", "invalidFilter"),
        ("filter=userName+eq+%22bob", "invalidFilter"),
        ("filter=(userName+pr", "invalidFilter"),
        ("filter=userName+pr)", "invalidFilter"),
        ("filter=userName+pr+and", "invalidFilter"),
        ("filter=email+eq+%22bob%22", "invalidFilter"),
        ("filter=active+eq+%22maybe%22", "invalidFilter"),
        ("filter=active+gt+true", "invalidFilter"),
        ("filter=meta.created+gt+%22yesterday%22", "invalidFilter"),
        ("filter=password+eq+%22x%22", "invalidFilter"),
        ("filter=" + "(" * 5_000 + "userName+pr" + ")" * 5_000, "invalidFilter"),
        ("filter=" + "not+(" * 2_000 + "userName+pr" + ")" * 2_000, "invalidFilter"),
        ("filter=userName+pr&filter=title+pr", "invalidValue"),
        ("filter=%ff", "invalidValue"),
        ("startIndex=one", "invalidValue"),
        ("startIndex=1.5", "invalidValue"),
        ("count=many", "invalidValue"),
        ("count=1e3", "invalidValue"),
        ("count=%D9%A3", "invalidValue"),
        ("sortBy=nothing", "invalidValue"),
        ("sortBy=name", "invalidValue"),
        ("sortBy=userName&sortOrder=upwards", "invalidSyntax"),
        ("attributes=user+name", "invalidValue"),
        ("attributes=emails%5B", "invalidValue"),
        ("excludedAttributes=a%40b", "invalidValue"),
    ],
)
def test_invalid_query_is_rejected(scim: Endpoint, query: str, scim_type: str) -> None:
    for path in ("/Users", "/"):
        check_error(scim.send("GET", f"{path}?{query}"), 400, scim_type)


@pytest.mark.parametrize(
    ("members", "scim_type"),
    [
        ({"schemas": [PATCH_OP]}, "invalidSyntax"),
        ({"filter": 7}, "invalidValue"),
        ({"filter": "userName eq"}, "invalidFilter"),
        ({"startIndex": "1"}, "invalidValue"),
        ({"count": 1.5}, "invalidValue"),
        ({"count": True}, "invalidValue"),
        ({"sortBy": ["userName"]}, "invalidValue"),
        ({"sortOrder": "upwards"}, "invalidSyntax"),
        ({"attributes": "userName"}, "invalidValue"),
        ({"attributes": [7]}, "invalidValue"),
        ({"count": 1, "COUNT": 2}, "invalidSyntax"),
    ],
)
def test_invalid_search_request_is_rejected(scim: Endpoint, members: dict[str, Any], scim_type: str) -> None:
    for path in ("/Users/.search", "/.search"):
        check_error(scim.send("POST", path, body=json.dumps({"schemas": [SEARCH]} | members)), 400, scim_type)


@pytest.mark.parametrize(
    "members",
    [
        {"Operations": []},
        {},
        {"Operations": [{"method": "DELETE", "path": "/Users/7"}], "schemas": [PATCH_OP]},
    ],
)
def test_invalid_bulk_request_changes_nothing(scim: Endpoint, members: dict[str, Any]) -> None:
    check_error(scim.send("POST", "/Bulk", body=json.dumps({"schemas": [BULK]} | members)), 400, "invalidSyntax")


@pytest.mark.parametrize("header", ["if-match", "if-none-match"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/Users"), ("GET", "/Users/{id}"), ("DELETE", "/Users/{id}")])
def test_malformed_precondition_is_rejected(
    scim: Endpoint, alice: dict[str, Any], items: Items, header: str, method: str, path: str
) -> None:
    before = items()
    body = json.dumps({"schemas": [CORE], "userName": "bob"}) if method == "POST" else None

    check_error(scim.send(method, path.format(id=alice["id"]), {header: "1"}, body), 400)

    assert items() == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Users/7", 404),
        ("GET", "/Nothing", 404),
        ("DELETE", "/Users", 405),
        ("POST", "/Schemas", 405),
        ("GET", "/Schemas?filter=id+pr", 403),
        ("GET", "/Me", 501),
        ("POST", "/Groups", 501),
    ],
)
def test_errors_outside_the_body_are_scim_errors(scim: Endpoint, method: str, path: str, status: int) -> None:
    check_error(scim.send(method, path), status)
