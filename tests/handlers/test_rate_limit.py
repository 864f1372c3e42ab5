"""The rate limit as a client sees it: 429, the header fields, and what the log and the console say about it."""

import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from scim.service.model.audit.failure import FailureKind
from scim.service.model.rate_limit.bucket import BucketUnavailable
from scim.service.tenants.health import HealthState
from scim.store.rate_limit.permits import DynamoDBPermitStore
from tests.endpoint import Endpoint
from tests.handlers.conftest import Log
from tests.handlers.tenants import get_tenant_id, open_audit_log, start_environment

UseUp = Callable[..., None]

BURST = 1_000
RATE = 0.1


@pytest.fixture
def limited(scim: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """Return an endpoint with the smallest bucket. It is refilled so slowly that tests do not see it."""
    monkeypatch.setenv("RATE_LIMIT", str(RATE))
    monkeypatch.setenv("RATE_LIMIT_BURST", str(BURST))
    return start_environment(scim.token)


@pytest.fixture
def use_up(table: Any) -> Callable[[Endpoint, int], None]:
    """Return a function that leaves a number of permits in the bucket of a tenant."""

    def use_up(endpoint: Endpoint, remaining: int = 0) -> None:
        full_at = Decimal(str(round(time.time() + (BURST - remaining) / RATE, 3)))
        tenant_id = get_tenant_id(endpoint)
        table.put_item(Item={"pk": f"Q#{tenant_id}", "sk": "Q#bucket", "full_at": full_at})

    return use_up


def build_bulk(operations: int) -> dict[str, Any]:
    """Return a bulk request that creates users."""
    created = [
        {"method": "POST", "path": "/Users", "bulkId": str(number), "data": {"userName": f"user-{number}"}}
        for number in range(operations)
    ]
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": created}


def count_users(table: Any) -> int:
    return sum(item["pk"].startswith("T#") and item["sk"].startswith("U#") for item in table.scan()["Items"])


class TestRefusal:
    def test_write_over_the_limit_is_429(self, limited: Endpoint, use_up: UseUp, log: Log) -> None:
        user = limited.create(userName="ada@example.com")
        endpoint = start_environment(limited.token)
        use_up(limited)
        refused = endpoint.patch(user["id"], {"op": "replace", "path": "title", "value": "Engineer"})

        assert (refused.status, refused.headers["content-type"]) == (429, "application/scim+json")
        message = refused.json()
        assert (message["schemas"], message["status"]) == (["urn:ietf:params:scim:api:messages:2.0:Error"], "429")
        assert "0.1 writes a second after the first 1,000" in message["detail"]
        assert int(refused.headers["retry-after"]) >= 10
        assert (log.last["rule"], log.last["status"]) == ("rate-limit", 429)
        assert "T#" not in log.text

    def test_reads_are_not_limited(self, limited: Endpoint, use_up: UseUp) -> None:
        user = limited.create(userName="ada@example.com")
        endpoint = start_environment(limited.token)
        use_up(limited)
        reads = (f"/Users/{user['id']}", '/Users?filter=userName+eq+"ada@example.com"', "/Users", "/Schemas")

        assert [endpoint.request("GET", path).status for path in reads] == [200] * 4
        assert endpoint.request("DELETE", f"/Users/{user['id']}").status == 429

    def test_bulk_request_changes_nothing(self, limited: Endpoint, use_up: UseUp, table: Any) -> None:
        use_up(limited, 5)

        assert limited.request("POST", "/Bulk", build_bulk(6)).status == 429
        assert count_users(table) == 0
        assert limited.request("POST", "/Bulk", build_bulk(5)).status == 200
        assert count_users(table) == 5

    def test_other_tenants_are_not_affected(self, limited: Endpoint, use_up: UseUp, connect: Any) -> None:
        use_up(limited)
        other = start_environment(connect().token)

        assert limited.request("POST", "/Users", {"userName": "ada"}).status == 429
        assert other.create(userName="ada")["id"]

    def test_calls_of_other_tenants_are_the_same(
        self, limited: Endpoint, use_up: UseUp, connect: Any, log: Log
    ) -> None:
        """While a tenant is refused, its requests make no calls for a second, and those of others as many as before."""
        use_up(limited)
        other = start_environment(connect().token)
        fields = ("dynamodb_calls", "dynamodb_calls_auth", "dynamodb_calls_rate_limit")

        def count_calls() -> list[list[int]]:
            user_id = other.create()["id"]
            other.patch(user_id, {"op": "replace", "path": "title", "value": "Engineer"})
            other.request("GET", f"/Users/{user_id}")
            return [[line.get(name, 0) for name in fields] for line in log.lines[-3:]]

        other.create()
        before = count_calls()
        assert limited.request("POST", "/Users", {"userName": "ada"}).status == 429
        for _ in range(20):
            assert limited.request("POST", "/Users", {"userName": "ada"}).status == 429
            assert [log.last.get(name, 0) for name in fields] == [0, 0, 0]
        assert count_calls() == before

    def test_scan_is_refused_and_a_page_is_not(
        self, limited: Endpoint, use_up: UseUp, monkeypatch: pytest.MonkeyPatch, log: Log
    ) -> None:
        monkeypatch.setattr("scim.service.model.rate_limit.read_meter.RESOURCES_PER_PERMIT", 4)
        monkeypatch.setattr("scim.store.query.reader._CHECK_INTERVAL", 1)
        for number in range(4):
            limited.create(userName=f"user-{number}", title="Engineer")
        endpoint = start_environment(limited.token)
        scan = '/Users?filter=title+eq+"Engineer"'

        assert endpoint.request("GET", scan).status == 200
        assert log.last["permits"] == 1
        endpoint = start_environment(limited.token)
        use_up(limited)
        assert endpoint.request("GET", scan).status == 429
        assert endpoint.request("GET", "/Users?count=2").status == 200


class TestCalls:
    def test_most_writes_need_no_call_for_the_limit(self, scim: Endpoint, log: Log) -> None:
        endpoint = start_environment(scim.token)
        for number in range(12):
            endpoint.create(userName=f"user-{number}")
        lines = [line for line in log.lines if line["message"] == "request"]

        assert [line.get("dynamodb_calls_rate_limit", 0) for line in lines] == [1, *[0] * 9, 1, 0]
        assert {line["dynamodb_calls"] for line in lines} == {1}

    def test_get_takes_no_permit(self, scim: Endpoint, table: Any) -> None:
        user_id = scim.create()["id"]
        endpoint = start_environment(scim.token)
        before = [item for item in table.scan()["Items"] if item["pk"].startswith("Q#")]
        for _ in range(20):
            endpoint.request("GET", f"/Users/{user_id}")

        assert [item for item in table.scan()["Items"] if item["pk"].startswith("Q#")] == before

    def test_unavailable_bucket_refuses_nothing(
        self, limited: Endpoint, use_up: UseUp, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any) -> None:
            raise BucketUnavailable

        use_up(limited)
        monkeypatch.setattr(DynamoDBPermitStore, "lease", fail)
        limited.create()

        assert (log.last["status"], log.last["rate_limit_unavailable"]) == (201, 1)


class TestHeaders:
    def test_write_has_all_fields(self, scim: Endpoint) -> None:
        headers = start_environment(scim.token).request("POST", "/Users", {"userName": "ada"}).headers
        remaining = int(headers["x-rate-limit-remaining"])

        assert headers["ratelimit-policy"] == '"default";q=25000;w=1000'
        assert headers["ratelimit"] == f'"default";r={remaining};t=1'
        assert headers["x-rate-limit-limit"] == "25000"
        assert 24_990 <= remaining <= 25_000
        assert int(headers["x-rate-limit-reset"]) > 1_700_000_000
        assert "x-rate-limit-retry-after-seconds" not in headers

    def test_refusal_has_the_time_to_wait(self, limited: Endpoint, use_up: UseUp) -> None:
        use_up(limited)
        headers = limited.request("POST", "/Users", {"userName": "ada"}).headers
        wait = headers["retry-after"]

        assert headers["ratelimit"] == f'"default";r=0;t={wait}'
        assert headers["x-rate-limit-retry-after-seconds"] == wait
        assert headers["x-rate-limit-remaining"] == "0"

    def test_failed_write_has_them(self, scim: Endpoint) -> None:
        response = start_environment(scim.token).request("POST", "/Users", {})

        assert response.status == 400
        assert re.fullmatch(r'"default";r=\d+;t=1', response.headers["ratelimit"])

    def test_read_has_them_if_the_environment_knows_the_bucket(self, scim: Endpoint) -> None:
        endpoint = start_environment(scim.token)
        before = endpoint.request("GET", "/Users").headers
        endpoint.create()
        after = endpoint.request("GET", "/Users").headers

        assert ("ratelimit" in before, "ratelimit" in after) == (False, True)

    def test_request_without_valid_token_has_none(self, limited: Endpoint) -> None:
        limited.create()

        assert "ratelimit" not in limited.request("GET", "/Users", authorization="Bearer x").headers


class TestReports:
    def test_refusals_are_recorded_once_a_minute(
        self,
        limited: Endpoint,
        use_up: UseUp,
        failures: Callable[[], list[dict[str, Any]]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        use_up(limited)
        for number in range(50):
            limited.request("POST", "/Users", {"userName": f"user-{number}"})
        (record,) = failures()
        assert (record["rule"], record["count"]) == ("rate-limit", 1)
        later = time.time() + 61
        monkeypatch.setattr("handlers.http.application.time.time", lambda: later)
        use_up(limited)
        limited.request("POST", "/Users", {"userName": "user"})

        (record,) = failures()
        assert record["count"] == 51
        assert "user-" not in json.dumps(record, default=str)

    def test_tenant_is_not_failing(self, limited: Endpoint, use_up: UseUp) -> None:
        limited.create()
        endpoint = start_environment(limited.token)
        use_up(limited)
        for _ in range(10):
            assert endpoint.request("POST", "/Users", {"userName": "ada"}).status == 429
        health = open_audit_log(limited).get_health()

        assert health.state is HealthState.HEALTHY
        assert health.activity.failures.get_count(FailureKind.RATE_LIMITED) == 1
        (warning,) = health.warnings
        assert "rate limit" in warning

    def test_log_says_what_to_do(self, limited: Endpoint, use_up: UseUp) -> None:
        use_up(limited)
        limited.request("POST", "/Users", {"userName": "ada"})
        (entry,) = [entry for entry in open_audit_log(limited).read_page().entries if entry.kind == "failure"]

        assert "rate limit" in entry.summary
        assert "raise the limit" in entry.remediation

    def test_why_names_the_limit(self, limited: Endpoint, use_up: UseUp) -> None:
        use_up(limited)
        limited.request("POST", "/Users", {"userName": "ada"})

        assert "rate limit" in "\n".join(open_audit_log(limited).report_on_person("ada").diagnosis)

    def test_why_names_the_limit_for_a_user(
        self, limited: Endpoint, use_up: UseUp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The refused request is not recorded with the user. It is mentioned until the user changes again."""
        user = limited.create(userName="ada")
        endpoint = start_environment(limited.token)
        use_up(endpoint)
        operation = {"op": "replace", "path": "active", "value": False}
        assert endpoint.patch(user["id"], operation).status == 429
        for person in ("ada", user["id"]):
            (sentence,) = [line for line in self.why(limited, person) if "rate limit" in line]
            assert "At least 1 request of this customer failed with 429" in sentence

        use_up(endpoint, BURST)
        later = time.time() + 61
        monkeypatch.setattr("scim.wiring.runtime.current_time", lambda: later)
        assert start_environment(limited.token).patch(user["id"], operation).status == 200
        assert not any("rate limit" in line for line in self.why(limited, "ada"))

    @staticmethod
    def why(endpoint: Endpoint, person: str) -> list[str]:
        return list(open_audit_log(endpoint).report_on_person(person).diagnosis)
