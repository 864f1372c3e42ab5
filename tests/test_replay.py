"""The replay of exchanges, tested with a server whose responses are given."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue

from tests.invariants import CORE_USER, ERROR, LIST_RESPONSE, find_violation
from tests.json_matching import find_difference, merge_patch, resolve_pointer
from tests.replay import Deviation, Scenario, load, replay

SCIM = {"content-type": "application/scim+json"}


class Server:
    """Sends the given responses in order and records the requests. The response to DELETE is always 204."""

    def __init__(self, *responses: tuple[int, JsonValue]) -> None:
        self._responses = list(responses)
        self.requests: list[tuple[str, str, dict[str, str], JsonValue]] = []

    def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        self.requests.append((method, path, headers, json.loads(body) if body else None))
        if method == "DELETE":
            return 204, {}, b""
        status, content = self._responses.pop(0)
        location = {"Location": "/scim/v2/Users/7"} if status == 201 else {}
        return status, {"Content-Type": "application/scim+json", **location}, json.dumps(content).encode()


def build_user(**attributes: JsonValue) -> JsonValue:
    meta: JsonValue = {"resourceType": "User", "location": "/scim/v2/Users/7"}
    return {"schemas": [CORE_USER], "id": "7", "meta": meta, **attributes}


def build_scenario(*exchanges: JsonValue) -> Scenario:
    return Scenario.model_validate(
        {"provider": "p", "name": "n", "source": "s", "headers": {"A": "1"}, "exchanges": list(exchanges)}
    )


def build_create(expected: JsonValue = None) -> JsonValue:
    return {
        "request": {"method": "POST", "path": "/Users", "body": {"userName": "ada.${run}"}},
        "response": {"status": 201, "body": expected},
        "save": {"id": "/id", "user": ""},
    }


def test_saved_values_are_used_in_later_requests() -> None:
    server = Server((201, build_user(active=True)), (200, build_user(active=False)))
    put: JsonValue = {
        "request": {
            "method": "PUT",
            "path": "/Users/${id}",
            "headers": {"B": "${id}"},
            "body": {"$merge": ["${user}", {"active": False, "meta": None}]},
        },
        "response": {"status": 200, "body": {"id": "${id}", "active": False}},
    }

    replay(build_scenario(build_create(), put), server.send)

    assert server.requests[1] == (
        "PUT",
        "/Users/7",
        {"A": "1", "B": "7"},
        {"schemas": [CORE_USER], "id": "7", "active": False},
    )


def test_fresh_values_differ_between_replays() -> None:
    get: JsonValue = {
        "request": {"method": "GET", "path": "/${run}/${run}/${guid}/${guid.other}"},
        "response": {"status": 200},
    }
    server = Server((200, {}), (200, {}))

    replay(build_scenario(get), server.send)
    replay(build_scenario(get), server.send)

    first, second = (path.split("/")[1:] for _, path, _, _ in server.requests)
    assert first[0] == first[1]
    assert len({*first, *second}) == 6


@pytest.mark.parametrize("expected", [None, {"active": False}])
def test_created_users_are_deleted_after_deviation(expected: JsonValue) -> None:
    server = Server((201, build_user(active=True)))

    if expected is None:
        replay(build_scenario(build_create()), server.send)
    else:
        with pytest.raises(Deviation):
            replay(build_scenario(build_create(expected)), server.send)

    assert [(method, path) for method, path, _, _ in server.requests] == [("POST", "/Users"), ("DELETE", "/Users/7")]


def test_users_created_in_bulk_are_deleted() -> None:
    operations: JsonValue = [
        {"status": "201", "location": "https://example.com/scim/v2/Users/8"},
        {"status": "409", "location": "https://example.com/scim/v2/Users/9"},
        {"status": "400"},
    ]
    bulk: JsonValue = {"request": {"method": "POST", "path": "/Bulk", "body": {}}, "response": {"status": 200}}
    server = Server((200, {"Operations": operations}))

    replay(build_scenario(bulk), server.send)

    assert [path for _, path, _, _ in server.requests] == ["/Bulk", "/Users/8"]


def test_deviation_names_exchange_request_and_response() -> None:
    server = Server((201, build_user(name={"givenName": "Ada"})))

    with pytest.raises(Deviation) as raised:
        replay(build_scenario(build_create({"name": {"givenName": "Augusta"}})), server.send)

    lines = str(raised.value).splitlines()
    assert lines[0] == 'p, n, exchange 1: POST /Users: /name/givenName: expected "Augusta", got "Ada"'
    assert lines[1].startswith('  request: {"userName": "ada.')
    assert lines[2].startswith("  response: 201 {")


def test_different_responses_are_deviations() -> None:
    request: JsonValue = {"method": "GET", "path": "/Users/7"}
    responses: dict[str, JsonValue] = {
        "expected status 404, got 200": {"status": 404},
        "/id: must be absent": {"status": 200, "absent": ["/nickName", "/id"]},
        'header ETag: expected "1", got null': {"status": 200, "headers": {"ETag": "1"}},
    }
    for message, response in responses.items():
        with pytest.raises(Deviation, match=message):
            replay(build_scenario({"request": request, "response": response}), Server((200, build_user())).send)

    unsaved: JsonValue = {"request": request, "response": {"status": 200}, "save": {"x": "/x"}}
    with pytest.raises(Deviation, match="/x: expected a value to save, but it is missing"):
        replay(build_scenario(unsaved), Server((200, build_user())).send)


def test_unknown_member_of_scenario_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"provider": "p", "name": "n", "source": "s", "exchange": []}', encoding="utf-8")

    with pytest.raises(ValueError, match="json"):
        load(path)


@pytest.mark.parametrize(
    ("expected", "actual", "difference"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, None),
        ({"a": 1}, {"a": True}, "/a: expected 1, got true"),
        ({"a": 1}, {"a": 1.0}, "/a: expected 1, got 1.0"),
        ({"a": {}}, {"a": []}, "/a: expected {}, got []"),
        ({"a": {}}, {}, "/a: expected {}, but it is missing"),
        ([1, 2], [1], "/: expected [1, 2], got [1]"),
        ([1, {"b": 2}], [1, {"b": 3}], "/1/b: expected 2, got 3"),
        ([], {}, "/: expected [], got {}"),
        ({"$any": True}, None, None),
        ({"$type": "integer"}, 1, None),
        ({"$type": "integer"}, True, "/: expected a value of type integer, got true"),
        ({"$regex": "^a.$"}, "ab", None),
        ({"$regex": "^a.$"}, 1, "/: expected a match of ^a.$, got 1"),
        ({"$not": "a"}, "b", None),
        ({"$not": "a"}, "a", '/: must not be "a"'),
        ({"$unordered": [1, 2]}, [2, 1], None),
        ({"$unordered": [1]}, [1, 2], "/: unexpected [2]"),
        ({"$unordered": [1, 1]}, [1, 2], "/: expected 1 among [1, 2]"),
    ],
)
def test_difference_is_described(expected: JsonValue, actual: JsonValue, difference: str | None) -> None:
    assert find_difference(expected, actual) == difference


def test_json_pointers_reach_members_and_elements() -> None:
    assert resolve_pointer({"a/b": [{"~": 1}]}, "/a~1b/0/~0") == 1
    for pointer in ("/x", "/a~1b/1", "/a~1b/x", "/a~1b/0/~0/x"):
        with pytest.raises(LookupError):
            resolve_pointer({"a/b": [{"~": 1}]}, pointer)


def test_merge_patch_follows_rfc_7396() -> None:
    target: JsonValue = {"a": "b", "c": {"d": "e", "f": "g"}}
    assert merge_patch(target, {"a": "z", "c": {"f": None}}) == {"a": "z", "c": {"d": "e"}}
    assert merge_patch(target, ["c"]) == ["c"]
    assert merge_patch("x", {"a": {"b": None}}) == {"a": {}}


def build_check(status: int, body: JsonValue, **headers: str) -> Callable[[], str | None]:
    lower = SCIM | {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: find_violation("", status, lower, json.dumps(body).encode())


ERROR_BODY: JsonValue = {"schemas": [ERROR], "status": "404", "detail": "x"}
LIST_BODY: dict[str, JsonValue] = {"schemas": [LIST_RESPONSE], "totalResults": 1, "startIndex": 1}


@pytest.mark.parametrize(
    ("check", "is_valid"),
    [
        (build_check(200, build_user()), True),
        (build_check(200, build_user(password="x")), False),
        (build_check(200, build_user(id=7)), False),
        (build_check(200, build_user(meta={"resourceType": "User", "location": "/scim/v2/Users/8"})), False),
        (
            build_check(
                200, build_user(meta={"resourceType": "User", "location": "/scim/v2/Users/7", "version": "1"}), etag="2"
            ),
            False,
        ),
        (build_check(200, []), False),
        (build_check(200, {}, content_type="text/html"), False),
        (build_check(200, {}, content_type="application/json"), False),
        (build_check(201, build_user(), location="/scim/v2/Users/7"), True),
        (build_check(201, build_user()), False),
        (build_check(404, ERROR_BODY), True),
        (build_check(400, ERROR_BODY), False),
        (build_check(401, {"schemas": [ERROR], "status": "401", "detail": "x"}), False),
        (build_check(401, {"schemas": [ERROR], "status": "401", "detail": "x"}, www_authenticate="Bearer"), True),
        (build_check(200, {**LIST_BODY, "itemsPerPage": 1, "Resources": [build_user()]}), True),
        (build_check(200, {**LIST_BODY, "itemsPerPage": 100, "Resources": [build_user()]}), False),
        (build_check(200, {**LIST_BODY, "itemsPerPage": 1}), False),
        (build_check(200, {**LIST_BODY, "itemsPerPage": 1, "Resources": [build_user(password="x")]}), False),
        (lambda: find_violation("", 204, {}, b""), True),
        (lambda: find_violation("", 204, {}, b"{}"), False),
        (lambda: find_violation("", 200, SCIM, b"<html>"), False),
        (
            lambda: find_violation("application/json", 200, {"content-type": "application/json; charset=utf-8"}, b"{}"),
            True,
        ),
        (lambda: find_violation("application/json, application/scim+json", 200, SCIM, b"{}"), True),
    ],
)
def test_rules_for_responses(check: Callable[[], str | None], *, is_valid: bool) -> None:
    assert (check() is None) == is_valid
