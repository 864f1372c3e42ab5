"""Failed requests in the audit log, and their daily counts."""

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from scim.store.table import Table
from tests.endpoint import CORE, ENTERPRISE, ENVIRONMENT, Endpoint
from tests.handlers.conftest import Log
from tests.handlers.tenants import get_tenant_id
from tests.tokens import new_token

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
Failures = Callable[[], list[dict[str, Any]]]


def build_user(**attributes: Any) -> dict[str, Any]:
    return {"schemas": [CORE], **attributes}


@pytest.mark.parametrize(
    ("method", "path", "body", "operation", "status", "rule", "identifier"),
    [
        ("POST", "/Users", build_user(userName="bob", active="x"), "create", 400, "type", "bob"),
        ("POST", "/Users", build_user(externalId="e"), "create", 400, "required", "e"),
        ("PUT", "/Users/{id}", build_user(userName="ada", name=1), "replace", 400, "type", "ada"),
        ("PATCH", "/Users/{id}", {}, "patch", 400, "syntax", "{id}"),
        ("DELETE", "/Users/gone", None, "delete", 404, "unknown-user", "gone"),
        ("GET", "/Users/gone", None, "GET User", 404, "unknown-user", "gone"),
        ("GET", "/Users?filter=mail+eq+%22m@x%22", None, "GET Users", 400, "filter-attribute", "m@x"),
        ("POST", "/Users/.search", {"filter": 'mail eq "m@x"'}, "POST Users.search", 400, "filter-attribute", "m@x"),
        ("POST", "/Groups", {"displayName": "x"}, "POST Groups", 501, "groups", ""),
        ("POST", "/Bulk", {"schemas": [BULK]}, "POST Bulk", 400, "syntax", ""),
        ("DELETE", "/Schemas", None, "DELETE Schemas", 405, "method", ""),
        ("GET", "/nowhere", None, "GET unknown path", 404, "unknown-path", ""),
        ("GET", "/v1/Users", None, "GET unknown path", 400, "protocol-version", ""),
    ],
)
def test_failed_request_is_recorded(
    scim: Endpoint,
    failures: Failures,
    log: Log,
    method: str,
    path: str,
    body: Any,
    operation: str,
    status: int,
    rule: str,
    identifier: str,
) -> None:
    ada = scim.create(userName="ada")["id"]

    assert scim.request(method, path.replace("{id}", ada), body).status == status

    (record,) = failures()
    assert (record["operation"], record["status"], record["rule"]) == (operation, status, rule)
    assert record["identifier"] == identifier.replace("{id}", ada)
    assert (log.last["failures"], log.last["rule"]) == (1, rule)


def test_successful_requests_are_not_recorded(scim: Endpoint, failures: Failures) -> None:
    ada = scim.create(userName="ada")["id"]
    scim.request("GET", f"/Users/{ada}")
    scim.request("GET", "/Users?filter=userName+eq+%22unknown%22")
    scim.request("GET", "/Groups")
    scim.request("PUT", f"/Users/{ada}", build_user(userName="ada", departmentName="x"))
    scim.patch(ada, {"op": "replace", "path": "title", "value": "x"})
    scim.patch(ada, {"op": "replace", "path": "title", "value": "x"})
    scim.patch(ada, {"op": "remove", "path": "departmentName"})
    scim.patch(ada, {"op": "replace", "value": {"id": ada, "meta": {"version": "1"}, "departmentName": ""}})
    manager = {"value": "boss", "displayName": "The boss"}  # readOnly sub-attributes are ignored without a record
    scim.patch(ada, {"op": "replace", "path": f"{ENTERPRISE}:manager", "value": manager})
    scim.request("DELETE", f"/Users/{ada}")
    assert failures() == []


@pytest.mark.parametrize(
    ("operation", "ignored"),
    [
        ({"op": "Add", "path": "departmentName", "value": "x"}, ["departmentName"]),
        ({"op": "replace", "value": {"departmentName": "x", "title": "y"}}, ["departmentName"]),
        ({"op": "replace", "path": "name", "value": {"givenName": "x", "firstName": "y"}}, ["name.firstName"]),
        ({"op": "replace", "value": {"groups": [{"value": "x"}]}}, ["groups"]),
        ({"op": "replace", "path": "active", "value": ""}, ["active"]),
        ({"op": "replace", "value": {"urn:x:User": {"a": 1}}}, ["urn:x:User"]),
    ],
)
def test_partly_ignored_patch_is_a_no_op(
    scim: Endpoint, failures: Failures, log: Log, operation: dict[str, Any], ignored: list[str]
) -> None:
    ada = scim.create(userName="ada")["id"]

    assert scim.patch(ada, operation).status == 200

    (record,) = failures()
    assert (record["rule"], record["status"], record["left_out"]) == ("no-op", 200, ignored)
    assert log.last["no_ops"] == 1


def test_no_op_in_bulk_is_recorded(scim: Endpoint, failures: Failures) -> None:
    ada = scim.create(userName="ada")["id"]
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "departmentName", "value": "x"}],
    }
    operations = [{"method": "PATCH", "path": f"/Users/{ada}", "data": patch}]

    scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})

    (record,) = failures()
    assert (record["operation"], record["rule"], record["identifier"]) == ("patch", "no-op", ada)


def test_failed_bulk_operations_are_recorded(scim: Endpoint, failures: Failures, log: Log) -> None:
    names = ["ada", "bob", "ADA", "cid"]
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": name,
            "data": build_user(userName=name, active=name != "cid" or "x"),
        }
        for name in names
    ]
    operations += [{"method": "DELETE", "path": "/Users/gone"}, {"method": "HEAD"}, 3]  # type: ignore[list-item]

    scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations, "failOnErrors": 9})

    recorded = {(failure["operation"], failure["identifier"], failure["status"]) for failure in failures()}
    assert recorded == {
        ("create", "ADA", 409),
        ("create", "cid", 400),
        ("delete", "gone", 404),
        ("POST Bulk", "", 400),
    }
    assert log.last["failures"] == 5


@pytest.fixture
def expired(scim: Endpoint) -> Endpoint:
    """Return an endpoint with an expired token."""
    tenant = get_tenant_id(scim)
    value = json.dumps({"token": new_token(tenant), "expires": time.time() - 1, "grace_s": 0})
    boto3.client("secretsmanager").put_secret_value(SecretId=ENVIRONMENT["SECRET_PREFIX"] + tenant, SecretString=value)
    return Endpoint(json.loads(value)["token"])


class TestTokens:
    def test_invalid_tokens_are_counted_by_minute(
        self, expired: Endpoint, failures: Failures, log: Log, items: Callable[[], list[dict[str, Any]]]
    ) -> None:
        before = items()
        for name in ("ada", "bob", "cid"):
            assert expired.request("POST", "/Users", build_user(userName=name)).status == 401

        (record,) = failures()
        assert (record["sk"][:2], record["rule"]) == ("X#", "token-expired")
        assert record.keys() == {
            "pk",
            "sk",
            "rule",
            "request",
            "last",
            "time",
            "ttl",
            "count",
            "first",
            f"day#{record['last'][:10]}",
        }
        assert record["count"] == 1  # the next record, after a minute, includes the other two
        assert (log.last["rejected_tenant"], log.last["rule"]) == (expired.token.split("_")[1], "token-expired")
        assert items() == before

    def test_revoked_tokens_are_counted(
        self, connect: Callable[[], Endpoint], operator: Any, failures: Failures
    ) -> None:
        endpoint = connect()
        operator.tokens.revoke(endpoint.token.split("_")[1])
        assert endpoint.request("GET", "/Users").status == 401
        assert [record["rule"] for record in failures()] == ["token"]

    def test_requests_of_a_disconnected_tenant_are_not_recorded(
        self, connect: Callable[[], Endpoint], operator: Any, failures: Failures
    ) -> None:
        endpoint = connect()
        operator.disconnect(endpoint.token.split("_")[1])
        assert endpoint.request("GET", "/Users").status == 401
        assert failures() == []

    @pytest.mark.parametrize(
        "authorization",
        ["", "Bearer x", f"Bearer {new_token('unknown')}", "Basic YTpi"],
        ids=["none", "no token", "unknown tenant", "basic"],
    )
    def test_requests_without_tenant_are_not_recorded(
        self, scim: Endpoint, failures: Failures, log: Log, authorization: str
    ) -> None:
        assert scim.request("POST", "/Users", build_user(userName="ada"), authorization=authorization).status == 401
        assert failures() == []
        assert "rejected_tenant" not in log.last

    def test_malformed_token_of_uncached_tenant_is_not_recorded(
        self, scim: Endpoint, failures: Failures, log: Log
    ) -> None:
        assert scim.request("GET", "/Users", authorization=f"Bearer {scim.token[:-70]}").status == 401
        assert failures() == []
        assert "rejected_tenant" not in log.last
        assert "unverified_tenant" not in log.last


@pytest.fixture
def updates(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the sort keys of updates outside transactions. The first one is the token usage, once a minute."""
    updates: list[str] = []
    update = Table.update_once

    def count(self: Table, partition: str, sort: str, **expression: Any) -> Any:
        updates.append(sort)
        return update(self, partition, sort, **expression)

    monkeypatch.setattr(Table, "update_once", count)
    return updates


class TestUnavailableTable:
    def test_unrecorded_failure_changes_no_response(
        self, scim: Endpoint, failures: Failures, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def throttle(*_: object, **__: object) -> None:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "UpdateItem")

        body = build_user(userName="ada", active="x")
        expected = scim.request("POST", "/Users", body)
        monkeypatch.setattr(Table, "update_once", throttle)

        response = scim.request("POST", "/Users", body)

        assert (response.status, response.body) == (expected.status, expected.body)
        assert (log.last["failures"], log.last["unrecorded"]) == (1, 1)
        assert [record["count"] for record in failures()] == [1]

    def test_failure_takes_three_extra_calls(self, scim: Endpoint, log: Log, updates: list[str]) -> None:
        ada = scim.create(userName="ada")["id"]
        updates.clear()  # the first request also records the token usage
        scim.patch(ada, {"op": "replace", "path": "active", "value": "x"})
        assert ([sort[:2] for sort in updates], log.last["dynamodb_calls"]) == (["F#", "D#", "R#"], 1)

    def test_uncounted_failures_change_no_response(
        self, scim: Endpoint, failures: Failures, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        update = Table.update_once

        def throttle(self: Table, partition: str, sort: str, **expression: Any) -> Any:
            if sort.startswith("D#"):
                raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "UpdateItem")
            return update(self, partition, sort, **expression)

        monkeypatch.setattr(Table, "update_once", throttle)
        assert scim.request("POST", "/Users", build_user(userName="ada", active="x")).status == 400
        assert (len(failures()), log.last["uncounted"], "unrecorded" in log.last) == (1, 1, False)

    def test_unavailable_table_is_called_once(self, scim: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        sort_keys: list[str] = []
        scim.create()  # the first write also records the token usage, and leases permits

        def throttle(_: Table, __: str, sort: str, **___: Any) -> None:
            sort_keys.append(sort[:2])
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "UpdateItem")

        monkeypatch.setattr(Table, "update_once", throttle)
        scim.request("POST", "/Users", build_user(userName="ada", active="x"))
        assert sort_keys == ["F#"]


class TestDailyCounts:
    def test_failures_are_counted_by_kind_and_day(self, scim: Endpoint, daily_failures: Failures) -> None:
        ada = scim.create(userName="ada")["id"]
        scim.request("POST", "/Users", build_user(userName="bob", active="x"), user_agent="Okta SCIM Client 1.0.0")
        scim.patch(ada, {"op": "replace", "value": {"departmentName": "x"}})
        scim.request("GET", "/Users?filter=mail+eq+%22m@x%22")
        scim.request("POST", "/Groups", {"displayName": "x"})
        for _ in range(5):
            scim.request("PUT", f"/Users/{ada}", build_user(userName="ada", name=1))
        assert daily_failures() == [
            {
                "create": 1,
                "replace": 5,
                "no_ops": 1,
                "other_requests": 1,
                "unsupported": 1,
                "repeating_failures": 1,
                "provider": "okta",
            }
        ]

    def test_bulk_failures_are_counted_in_one_call(
        self, scim: Endpoint, daily_failures: Failures, updates: list[str]
    ) -> None:
        names = ["ada", "bob", "cid", "dan"]
        operations = [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": name,
                "data": build_user(userName=name, active=name == "dan" or "x"),
            }
            for name in names
        ]
        operations.append({"method": "DELETE", "path": "/Users/gone"})

        scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})

        assert daily_failures() == [{"create": 3, "delete": 1}]
        assert [sort[:2] for sort in updates].count("D#") == 1

    def test_rejected_tokens_are_counted_with_their_time(
        self, expired: Endpoint, failures: Failures, daily_failures: Failures
    ) -> None:
        expired.request("GET", "/Users", user_agent="Okta SCIM Client 1.0.0")
        (record,), (day,) = failures(), daily_failures()
        assert day == {"rejected_tokens": 1, "rejected_at": record["last"], "provider": "okta"}


class TestLogLine:
    def test_log_line_has_repeating_failure(self, scim: Endpoint, log: Log) -> None:
        for _ in range(5):
            scim.request("POST", "/Users", build_user(userName="ada", active="x"))
        assert [line.get("repeating_failures") for line in log.lines] == [None, None, None, None, 1]

    def test_log_line_has_users_read(self, scim: Endpoint, log: Log) -> None:
        for name in ("ada", "bob"):
            scim.create(userName=name, title=name)
        scim.request("GET", "/Users?filter=title+eq+%22ada%22")
        assert (log.last["plan"], log.last["users_read"]) == ("scan", 2)

    def test_log_line_has_the_fields_of_the_metrics(self, scim: Endpoint, log: Log) -> None:
        scim.request("POST", "/Users", {"active": "x"})
        scim.request("GET", "/Users")
        scim.request("POST", "/Bulk", {"Operations": [{"method": "DELETE", "path": "/Users/x"}]})
        failed, query, bulk = log.lines
        assert {"message", "operation", "status", "ms", "failures"} <= failed.keys()
        assert isinstance(failed["status"], int)
        assert (failed["message"], query["users_read"], bulk["operations"]) == ("request", 0, 1)
