"""Personal data is not in log lines, error details and records."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.endpoint import CORE, ENTERPRISE, SURVEY, Endpoint
from tests.handlers.conftest import Log

# No log line may contain either of them. An error may contain NAME: it helps to correct an attribute mapping.
PERSON = "zaphod"
NAME = "betelgeuse"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

USER = {
    "schemas": [CORE, ENTERPRISE],
    "userName": f"{PERSON}@example.com",
    "externalId": PERSON,
    "displayName": PERSON,
    "password": PERSON,
    "name": {"givenName": PERSON},
    "emails": [{"value": f"{PERSON}@example.com", "type": PERSON}],
    NAME: PERSON,
    f"urn:{NAME}": {NAME: PERSON},
    ENTERPRISE: {"department": PERSON, "manager": PERSON},
    SURVEY: {"Business Unit": PERSON},
}
WRONG_USERS: list[Any] = [
    USER,  # duplicate userName
    USER | {"schemas": PERSON},
    USER | {"schemas": [f"urn:{PERSON}"], "userName": None},
    USER | {"userName": f"{PERSON}\x07"},
    USER | {"active": PERSON},
    USER | {"name": PERSON},
    USER | {"emails": [PERSON]},
    USER | {SURVEY: {"Contract Level": PERSON}},
    USER | {SURVEY: {"Start Date": PERSON}},
    PERSON,
    [PERSON],
]
OPERATIONS: list[Any] = [
    {"op": "replace", "path": "title", "value": PERSON},
    {"op": "Replace", "value": {"displayName": PERSON, NAME: PERSON, f"urn:{NAME}:x": PERSON}},
    {"op": "add", "path": f'emails[type eq "{PERSON}2"].value', "value": f"{PERSON}2@example.com"},
    {"op": "replace", "path": NAME, "value": PERSON},
    {"op": "replace", "path": f"{PERSON}@example.com", "value": PERSON},
    {"op": "replace", "path": f'emails[{NAME} eq "{PERSON}"]', "value": PERSON},
    {"op": "replace", "path": f'emails[type sw "x{PERSON}"].value', "value": PERSON},
    {"op": "replace", "path": f'emails[type eq "{PERSON}', "value": PERSON},
    {"op": "replace", "path": "active", "value": PERSON},
    {"op": "replace", "path": "meta.version", "value": PERSON},
    {"op": PERSON, "path": PERSON, "value": PERSON},
    {"op": "remove", "path": "userName", "value": PERSON},
    PERSON,
]
QUERIES: list[dict[str, Any]] = [
    {"filter": f'userName eq "{PERSON}@example.com"'},
    {"filter": f"userName eq {PERSON}"},
    {"filter": f'displayName co "{PERSON}"', "sortBy": "displayName"},
    {"filter": f'{NAME} eq "{PERSON}"'},
    {"filter": f'userName {PERSON} "{PERSON}"'},
    {"filter": f'userName eq "{PERSON}'},
    {"filter": f'active eq "{PERSON}"'},
    {"filter": f'meta.created gt "{PERSON}"'},
    {"filter": NAME},
    {"sortBy": NAME},
    {"sortOrder": PERSON},
    {"startIndex": PERSON},
    {"count": PERSON},
    {"attributes": [NAME]},
    {"attributes": [f"{PERSON}@example.com"]},
    {"excludedAttributes": [NAME]},
    {NAME: PERSON},
]

# A change record may contain these values of a user because its event contains them (docs/build/events).
NAMES = {"userName", "externalId"}

Request = tuple[str, str, dict[str, str], str]


def build_requests(user_id: str) -> Iterator[Request]:
    """Generate requests that succeed and requests that fail."""

    def build_request(method: str, path: str, body: Any = None, **headers: str) -> Request:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return method, path, named, "" if body is None else json.dumps(body)

    for user in WRONG_USERS:
        yield build_request("POST", "/Users", user)
        yield build_request("PUT", f"/Users/{user_id}", user)
    for operation in OPERATIONS:
        yield build_request("PATCH", f"/Users/{user_id}", {"schemas": [PATCH_OP], "Operations": [operation]})
    for query in QUERIES:
        yield build_request("POST", "/.search", {"schemas": [SEARCH]} | query)
        value = "&".join(f"{name}={','.join(v) if isinstance(v, list) else v}" for name, v in query.items())
        yield build_request("GET", f"/Users?{value}".replace(" ", "+").replace('"', "%22"))
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": PERSON, "data": USER | {"userName": f"{PERSON}3"}},
        {"method": "PUT", "path": f"/Users/bulkId:{PERSON}", "data": USER},
        {"method": "PATCH", "path": f"/Users/bulkId:{PERSON}2", "data": PERSON},
        {"method": PERSON, "path": f"/{PERSON}", "version": PERSON, "data": PERSON},
    ]
    yield build_request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations, PERSON: PERSON})
    yield build_request("POST", "/Bulk", {"schemas": [PERSON], "Operations": PERSON})
    yield "POST", "/Users", {}, f'{{"userName": "{PERSON}" {PERSON}'
    for path in ("", "/Users", f"/Users/{PERSON}", "/Schemas", "/ResourceTypes", "/Groups"):
        yield build_request("GET", f"{path}/{PERSON}")
    yield build_request("GET", f"/ResourceTypes/{PERSON}?filter={PERSON}")
    for header in ("if-match", "if-none-match", "prefer", "accept", "content-type", "content-encoding", "user-agent"):
        yield build_request("PATCH", f"/Users/{user_id}", {"schemas": [PERSON]}, **{header: PERSON})
    for authorization in (PERSON, f"Basic {PERSON}", f"Bearer muster_{PERSON}_{PERSON}", f"Bearer {PERSON}"):
        yield build_request("GET", "/Users", authorization=authorization)
    yield build_request("DELETE", f"/Users/{user_id}", if_match=f'"{PERSON}"')


@pytest.fixture
def user_id(scim: Endpoint) -> str:
    """Create a user and return the id."""
    user_id: str = scim.request("POST", "/Users", USER).json()["id"]
    return user_id


def test_log_lines_have_no_personal_data(
    scim: Endpoint, user_id: str, log: Log, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    statuses = {scim.send(*request)[0] for request in build_requests(user_id)}

    assert {200, 400, 401, 404, 409, 412, 415} <= statuses
    assert 500 not in statuses
    assert len(log.lines) == len(list(build_requests(user_id)))
    printed = capfd.readouterr()
    written = (log.text + caplog.text + printed.out + printed.err).lower()
    assert [marker for marker in (PERSON, NAME) if marker in written] == []


def test_error_details_have_no_personal_data(scim: Endpoint, user_id: str) -> None:
    details = []
    for request in build_requests(user_id):
        status, _, body = scim.send(*request)
        document = json.loads(body or "{}")
        details += [document["detail"]] if status >= 400 else []
        details += [result["response"]["detail"] for result in document.get("Operations", []) if "response" in result]

    assert len(details) > 50
    assert [detail for detail in details if PERSON in detail.lower()] == []


def test_log_lines_have_no_tokens(scim: Endpoint, log: Log) -> None:
    for authorization in (f"Bearer {scim.token}", f"Basic {scim.token}", scim.token, f"Bearer {scim.token}0"):
        scim.send("GET", "/Users", {"authorization": authorization})

    secret = scim.token.split("_", 2)[2][:43]
    assert len(log.lines) == 4
    assert secret not in log.text


def test_change_record_has_only_names(scim: Endpoint, user_id: str, items: Callable[[], list[dict[str, Any]]]) -> None:
    scim.patch(user_id, {"op": "replace", "path": "displayName", "value": f"{PERSON} 2"})
    scim.request("DELETE", f"/Users/{user_id}")

    records = [item for item in items() if item["sk"].startswith("C#")]
    rest = [{name: record[name] for name in record.keys() - NAMES} for record in records]

    assert [record["operation"] for record in records] == ["create", "patch", "delete"]
    assert PERSON not in str(rest)


def test_deleted_user_leaves_only_expiring_names(
    scim: Endpoint, user_id: str, items: Callable[[], list[dict[str, Any]]]
) -> None:
    scim.request("DELETE", f"/Users/{user_id}")

    remaining = [item for item in items() if PERSON in str(item)]
    assert {item["sk"].partition("#")[0] for item in remaining} == {"C"}
    assert all("ttl" in item and PERSON not in str({**item, **dict.fromkeys(NAMES)}) for item in remaining)


# A failure may contain one identifier of the person, for searches.
IDENTIFIER_FIELDS = {"sk", "identifier"}


def test_failures_have_the_identifier_and_no_values(
    scim: Endpoint, user_id: str, failures: Callable[[], list[dict[str, Any]]]
) -> None:
    for request in build_requests(user_id):
        scim.send(*request)

    records = failures()

    # Attribute names of a client are kept, so that the attribute mapping can be corrected.
    names = {"sent", "left_out", "attribute", "detail"}
    assert len(records) > 30
    for record in records:
        rest = {name: value for name, value in record.items() if name not in IDENTIFIER_FIELDS | names | {"failure"}}
        names_only = {name: record.get(name) for name in names}
        assert PERSON not in json.dumps([rest, names_only], default=str).lower()
        assert NAME not in json.dumps(rest, default=str).lower()


def test_failures_are_kept_for_30_days(scim: Endpoint, failures: Callable[[], list[dict[str, Any]]]) -> None:
    scim.request("POST", "/Users", USER | {"active": PERSON})
    (record,) = failures()
    assert abs(int(record["ttl"]) - time.time() - 30 * 86_400) < 60


def test_other_identifiers_are_hashed(scim: Endpoint, failures: Callable[[], list[dict[str, Any]]]) -> None:
    user = {"userName": "u-1", "externalId": "e-secret", "emails": [{"value": "m-secret@example.com"}], "active": "x"}
    scim.request("POST", "/Users", user)
    (record,) = failures()
    assert record["identifier"] == "u-1"
    assert len(record["handles"]) == 3
    assert "secret" not in str(record)


ADDRESS = "secret.person@example.com"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": f'emails[value eq "{ADDRESS}"].value', "value": "x"},
        {"op": "replace", "path": f'groups[value eq "{ADDRESS}"].display', "value": "x"},
        {"op": "replace", "path": f'emails[display sw "{ADDRESS}"].value', "value": "x"},
    ],
)
def test_detail_of_failed_patch_has_no_path_values(scim: Endpoint, operation: dict[str, str]) -> None:
    response = scim.patch(scim.create()["id"], operation)
    assert response.status == 400
    assert ADDRESS not in response.json()["detail"]


@pytest.mark.parametrize(
    "text",
    [
        f'emails[value eq "{ADDRESS}"].type gt null',
        f'addresses[formatted eq "{ADDRESS}"] gt "x"',
        ADDRESS,
        f'"{ADDRESS}"',
    ],
)
def test_detail_of_failed_filter_has_no_values(scim: Endpoint, text: str) -> None:
    response = scim.request("POST", "/Users/.search", {"filter": text})
    assert (response.status, response.json()["scimType"]) == (400, "invalidFilter")
    assert ADDRESS not in response.json()["detail"]
