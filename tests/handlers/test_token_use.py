"""Recording of token usage, and log lines about tokens that expire soon."""

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Key
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError

from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import ENVIRONMENT, Endpoint
from tests.handlers.conftest import Log
from tests.handlers.tenants import get_tenant_id, start_environment

DAY_S = 86_400


@pytest.fixture
def last_use(table: Any) -> Callable[[str], Any]:
    def last_use(tenant_id: str) -> Any:
        items = table.query(KeyConditionExpression=Key("pk").eq(f"R#{tenant_id}"))["Items"]
        return max(items, key=lambda item: item["last_used"], default=None)

    return last_use


def test_token_use_is_recorded_with_its_version(
    scim: Endpoint, operator: TenantService, last_use: Callable[[str], Any]
) -> None:
    before = time.time()
    scim.request("GET", "/ServiceProviderConfig")

    use = last_use(get_tenant_id(scim))
    settings = operator.tenant_store.get(get_tenant_id(scim))

    assert settings is not None
    assert before <= use["last_used"] <= time.time()
    assert use["sk"] == f"R#{settings.token.version_id}"


def test_token_use_is_recorded_once_a_minute(scim: Endpoint, last_use: Callable[[str], Any]) -> None:
    scim.request("GET", "/Users")
    first = last_use(get_tenant_id(scim))

    assert start_environment(scim.token).request("GET", "/Users").status == 200
    assert last_use(get_tenant_id(scim)) == first

    boto3.resource("dynamodb").Table(ENVIRONMENT["TABLE_NAME"]).update_item(
        Key={"pk": first["pk"], "sk": first["sk"]},
        UpdateExpression="SET last_used = last_used - :minute",
        ExpressionAttributeValues={":minute": 60},
    )
    start_environment(scim.token).request("GET", "/Users")

    assert last_use(get_tenant_id(scim))["last_used"] > first["last_used"]


def test_invalid_token_is_not_recorded(scim: Endpoint, connect: Any, last_use: Callable[[str], Any]) -> None:
    other = connect()
    forged = Endpoint(scim.token[:-34] + ("B" if scim.token[-34] == "A" else "A") + scim.token[-33:])

    assert forged.request("GET", "/Users").status == 401
    assert (last_use(get_tenant_id(scim)), last_use(get_tenant_id(other))) == (None, None)


def make_older(use: Any, seconds: int) -> None:
    """Move a token usage into the past."""
    boto3.resource("dynamodb").Table(ENVIRONMENT["TABLE_NAME"]).update_item(
        Key={"pk": use["pk"], "sk": use["sk"]},
        UpdateExpression="SET last_used = last_used - :s, first_used = first_used - :s",
        ExpressionAttributeValues={":s": seconds},
    )


@pytest.mark.parametrize(
    ("method", "path", "is_write"),
    [
        ("GET", "/Users", False),
        ("GET", "/ServiceProviderConfig", False),
        ("POST", "/Users/.search", False),
        ("POST", "/Users", True),
        ("POST", "/Bulk", True),
        ("PATCH", "/Users/1", True),
        ("DELETE", "/Users/1", True),
    ],
)
def test_token_use_has_the_kind_of_request(
    scim: Endpoint, last_use: Callable[[str], Any], method: str, path: str, *, is_write: bool
) -> None:
    start_environment(scim.token).request(method, path, {} if method != "GET" else None)

    use = last_use(get_tenant_id(scim))
    assert (use["is_write"], use["first_is_write"]) == (is_write, is_write)


def test_first_use_of_a_token_is_kept(scim: Endpoint, last_use: Callable[[str], Any]) -> None:
    start_environment(scim.token).request("GET", "/Users", user_agent="Okta SCIM Client 1.0.0")
    make_older(first := last_use(get_tenant_id(scim)), 3_600)
    start_environment(scim.token).request("POST", "/Users", {}, user_agent="curl")
    later = last_use(get_tenant_id(scim))

    assert later["first_used"] == first["first_used"] - 3_600
    assert (later["first_is_write"], later["is_write"], later["user_agent"]) == (False, True, "curl")
    assert later["first_user_agent"] == "Okta SCIM Client 1.0.0"
    assert later["last_used"] >= first["last_used"]


class TestWrongScimUrl:
    def test_first_request_to_right_url_is_recorded(
        self, scim: Endpoint, last_use: Callable[[str], Any], calls: list[str]
    ) -> None:
        """It shows that the SCIM URL was corrected. Later requests are recorded once a minute, as usual."""
        scim.request("GET", "/Users/Users")
        wrong = last_use(get_tenant_id(scim))
        scim.request("GET", "/Users")
        right = last_use(get_tenant_id(scim))
        calls.clear()
        scim.request("GET", "/Users")

        assert (wrong["has_wrong_url"], right["has_wrong_url"]) == (True, False)
        assert right["last_used"] > wrong["last_used"]
        assert "UpdateItem" not in calls

    def test_it_is_recorded_in_another_environment(self, scim: Endpoint, last_use: Callable[[str], Any]) -> None:
        scim.request("GET", "/Users/Users")
        start_environment(scim.token).request("GET", "/ServiceProviderConfig")
        assert last_use(get_tenant_id(scim))["has_wrong_url"] is False

    def test_it_is_recorded_after_the_url_became_wrong(self, scim: Endpoint, last_use: Callable[[str], Any]) -> None:
        recorded = []
        for path in ("/Users", "/Users/Users", "/Users"):
            scim.request("GET", path)
            recorded.append(last_use(get_tenant_id(scim)))
        assert [use["has_wrong_url"] for use in recorded] == [False, True, False]
        assert [use["last_used"] for use in recorded] == sorted({use["last_used"] for use in recorded})

    def test_use_of_an_earlier_version_is_replaced(self, scim: Endpoint, last_use: Callable[[str], Any]) -> None:
        scim.request("GET", "/Users")
        use = last_use(get_tenant_id(scim))
        boto3.resource("dynamodb").Table(ENVIRONMENT["TABLE_NAME"]).update_item(
            Key={"pk": use["pk"], "sk": use["sk"]}, UpdateExpression="REMOVE has_wrong_url"
        )
        start_environment(scim.token).request("GET", "/Users")
        assert last_use(get_tenant_id(scim))["has_wrong_url"] is False


def test_new_token_has_its_own_first_use(
    scim: Endpoint, operator: TenantService, last_use: Callable[[str], Any]
) -> None:
    start_environment(scim.token).request("GET", "/Users")
    make_older(before := last_use(get_tenant_id(scim)), 3_600)
    issued = operator.tokens.rotate(get_tenant_id(scim), grace_s=0)
    start_environment(issued.token).request("GET", "/Users")
    use = last_use(get_tenant_id(scim))

    assert use["sk"] == f"R#{issued.version_id}" != before["sk"]
    assert use["first_used"] == use["last_used"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (
            ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""}}, "UpdateItem"),
            "ErrorResponse",
        ),
        (ReadTimeoutError(endpoint_url="https://dynamodb"), "NoResponse"),
    ],
)
def test_unrecorded_token_use_is_logged(
    scim: Endpoint, log: Log, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    call = vars(BaseClient)["_make_api_call"]

    def fail(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "UpdateItem":
            raise error
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", fail)

    assert start_environment(scim.token).request("GET", "/Users").status == 200
    assert [(line["message"], line.get("kind")) for line in log.lines] == [
        ("fault", kind),
        ("request", None),
    ]


@pytest.mark.parametrize(("days", "within"), [(29, 30), (6, 7), (0.5, 1), (31, None)])
def test_token_near_expiry_is_logged(
    scim: Endpoint, operator: TenantService, log: Log, days: float, within: int | None
) -> None:
    issued = operator.tokens.rotate(get_tenant_id(scim), grace_s=0, lifetime_s=days * DAY_S)
    endpoint = start_environment(issued.token)
    endpoint.request("GET", "/Users")
    endpoint.request("GET", "/Users")

    announced = [line for line in log.lines if line["message"] == "token expires"]

    assert [(line["level"], line["tenant"], line["within_days"]) for line in announced] == (
        [("WARNING", get_tenant_id(scim), within)] if within else []
    )
    assert issued.token not in log.text
