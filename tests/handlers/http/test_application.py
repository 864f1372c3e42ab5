"""A request from event to response: authentication, faults and the log line."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest

from handlers.http.application import ScimApplication
from handlers.http.response import Response
from handlers.http.routes import Endpoint as Route
from handlers.http.routes import RequestContext
from handlers.http.routes.all_routes import find_endpoint
from scim.aws.errors import ErrorResponse
from scim.protocol.errors import Unavailable
from tests.endpoint import ENVIRONMENT, Endpoint, LambdaContext
from tests.endpoint import Response as ReceivedResponse
from tests.handlers.conftest import Log
from tests.handlers.events import REQUEST_ID, build_event
from tests.handlers.tenants import get_tenant_id
from tests.tokens import new_token

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
NOWHERE = "http://127.0.0.1:9"  # the port "discard", where no process listens


def invoke(application: ScimApplication, token: str, *, seconds: float = 29.0, **members: Any) -> dict[str, Any]:
    """Return the response of an application."""
    headers = {"authorization": f"Bearer {token}"}
    context: Any = LambdaContext(time.monotonic() + seconds)
    return application(build_event(headers=headers, **members), context)


def build_application(operation: Callable[[RequestContext], Response]) -> ScimApplication:
    """Return an application that runs one operation for all paths."""
    return ScimApplication(lambda *_: Route("Test", {"GET": operation}))


def get_secret_name(token: str) -> str:
    return ENVIRONMENT["SECRET_PREFIX"] + token.split("_")[1]


def expire(token: str) -> None:
    value = json.dumps({"token": token, "expires": time.time() - 1, "grace_s": 0})
    boto3.client("secretsmanager").put_secret_value(SecretId=get_secret_name(token), SecretString=value)


def await_deletion(token: str) -> None:
    boto3.client("secretsmanager").delete_secret(SecretId=get_secret_name(token), RecoveryWindowInDays=7)


def delete_settings(token: str) -> None:
    table = boto3.resource("dynamodb").Table(ENVIRONMENT["TABLE_NAME"])
    table.delete_item(Key={"pk": f"A#{token.split('_')[1]}", "sk": "A#settings"})


def build_header(form: str) -> Callable[[str], dict[str, str]]:
    return lambda token: {"authorization": form.format(token)}


def build_header_after(change: Callable[[str], None]) -> Callable[[str], dict[str, str]]:
    """Return the valid header, after a change to the tenant."""

    def build(token: str) -> dict[str, str]:
        change(token)
        return {"authorization": f"Bearer {token}"}

    return build


UNAUTHORIZED: dict[str, Callable[[str], Mapping[str, str]]] = {
    "no token of Muster": build_header("Bearer 0123456789"),
    "wrong checksum": lambda token: {"authorization": f"Bearer {token[:-1]}{'1' if token[-1] == '0' else '0'}"},
    "wrong token": lambda token: {"authorization": f"Bearer {new_token(token.split('_')[1])}"},
    "unknown tenant": lambda _: {"authorization": f"Bearer {new_token('never-connected')}"},
    "expired token": build_header_after(expire),
    "secret that awaits deletion": build_header_after(await_deletion),
    "tenant without settings": build_header_after(delete_settings),
}


def send(scim: Endpoint, method: str, path: str, headers: Mapping[str, str]) -> ReceivedResponse:
    return ReceivedResponse(*scim.send(method, path, headers, b"not read"))


class TestAuthentication:
    @pytest.mark.parametrize("reason", UNAUTHORIZED)
    def test_rejected_tokens_get_the_same_401(
        self, scim: Endpoint, connect: Callable[[], Endpoint], reason: str
    ) -> None:
        response = send(scim, "GET", "/Users", UNAUTHORIZED[reason](scim.token))

        assert response == send(connect(), "GET", "/Users", {"authorization": "Bearer x"})
        assert response.status == 401
        assert response.headers == {
            "content-type": "application/scim+json",
            "www-authenticate": 'Bearer realm="SCIM", error="invalid_token"',
        }
        assert (response.json()["schemas"], response.json()["status"]) == ([ERROR], "401")

    @pytest.mark.parametrize("authorization", ["", "non-token", "Basic YTpi", "Bearer "], ids=str)
    def test_request_without_a_token_is_401_without_an_error_code(self, scim: Endpoint, authorization: str) -> None:
        """``non-token`` is what Okta's test suite sends (RFC 6750 section 3.1)."""
        response = send(scim, "GET", "/Users", {"authorization": authorization})

        assert (response.status, response.headers["www-authenticate"]) == (401, 'Bearer realm="SCIM"')
        assert (response.json()["schemas"], response.json()["status"]) == ([ERROR], "401")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/Users"),
            ("DELETE", "/Users/7"),
            ("POST", "/ServiceProviderConfig"),
            ("GET", "/ResourceTypes"),
            ("POST", "/Schemas"),
            ("POST", "/Bulk"),
            ("GET", "/Groups"),
            ("GET", "/Nothing"),
            ("OPTIONS", "/Users"),
            ("GET", "/Users?filter=wrong"),
        ],
    )
    def test_authentication_precedes_routing(self, scim: Endpoint, method: str, path: str) -> None:
        expected = send(scim, "GET", "/Users", {"authorization": ""})

        assert send(scim, method, path, {"authorization": ""}) == expected

    def test_repeatedly_rejected_token_is_429(self, scim: Endpoint) -> None:
        scim.request("GET", "/Users")
        revoked = {"authorization": f"Bearer {new_token(scim.token.split('_')[1])}"}

        responses = [send(scim, "GET", "/Users", revoked) for _ in range(4)]

        assert [response.status for response in responses] == [401] * 3 + [429]
        assert responses[-1].headers["retry-after"] == "10"
        assert (responses[-1].json()["schemas"], responses[-1].json()["status"]) == ([ERROR], "429")
        assert scim.request("GET", "/Users").status == 200

    @pytest.mark.parametrize("service", ["SECRETS_MANAGER", "DYNAMODB"])
    def test_unreachable_service_is_503(self, scim: Endpoint, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", NOWHERE)

        response = invoke(ScimApplication(find_endpoint), scim.token, seconds=1.5)

        assert response["statusCode"] == 503
        assert int(response["headers"]["Retry-After"]) > 0
        assert json.loads(response["body"])["status"] == "503"


def raise_runtime_error(_: RequestContext) -> Response:
    raise RuntimeError("userName alice@example.com must not be logged")


def raise_error_response(_: RequestContext) -> Response:
    raise ErrorResponse("GetItem", "AccessDeniedException", "alice@example.com may not")


class TestFaults:
    @pytest.mark.parametrize("operation", [raise_runtime_error, raise_error_response])
    def test_fault_is_500_with_the_request_id(
        self, scim: Endpoint, operation: Callable[[RequestContext], Response]
    ) -> None:
        response = invoke(build_application(operation), scim.token)

        assert (response["statusCode"], json.loads(response["body"])) == (
            500,
            {
                "schemas": [ERROR],
                "status": "500",
                "detail": f"The service had an internal error. Give the request id {REQUEST_ID} to support.",
            },
        )
        assert response["headers"] == {"Content-Type": "application/scim+json"}

    @pytest.mark.parametrize(
        ("operation", "kind", "code"),
        [(raise_runtime_error, "RuntimeError", None), (raise_error_response, "ErrorResponse", "AccessDeniedException")],
    )
    def test_fault_is_logged_without_message(
        self, scim: Endpoint, log: Log, operation: Callable[[RequestContext], Response], kind: str, code: str | None
    ) -> None:
        invoke(build_application(operation), scim.token)

        fault, line = log.lines
        assert (fault["level"], fault["request_id"], fault["kind"], fault.get("code")) == (
            "ERROR",
            REQUEST_ID,
            kind,
            code,
        )
        assert fault["traceback"][-1].startswith("test_application.py:")
        assert fault["traceback"][-1].endswith(f" {operation.__name__}")
        assert (line["level"], line["request_id"], line["status"]) == ("INFO", REQUEST_ID, 500)
        assert "alice" not in log.text

    def test_missing_settings_are_500(self, scim: Endpoint, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
        monkeypatch.delenv("TABLE_NAME")

        assert invoke(ScimApplication(find_endpoint), scim.token)["statusCode"] == 500
        assert log.lines[0]["kind"] == "ValueError"

    def test_error_carries_its_headers(self, scim: Endpoint) -> None:
        def wait(_: RequestContext) -> Response:
            raise Unavailable("Later.", headers={"Retry-After": "7"})

        response = invoke(build_application(wait), scim.token)

        assert (response["statusCode"], response["headers"]["Retry-After"]) == (503, "7")

    def test_deadline_is_lambdas(self, scim: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = 1_000.0
        monkeypatch.setattr("scim.wiring.runtime.time.monotonic", lambda: clock)
        times_left: list[float] = []

        def read_deadline(context: RequestContext) -> Response:
            nonlocal clock
            clock += 2.0
            times_left.append(context.service_context.deadline.remaining_s())
            return Response(200)

        invoke(build_application(read_deadline), scim.token, seconds=7.0)

        assert times_left == [5.0]

    @pytest.mark.parametrize(("threshold", "expected"), [(1, (400, "tooMany")), (1_000, (503, None))])
    def test_scan_beyond_the_deadline(
        self, scim: Endpoint, monkeypatch: pytest.MonkeyPatch, threshold: int, expected: tuple[int, str | None]
    ) -> None:
        """The filter is the reason only if the query has read many users."""
        monkeypatch.setattr("scim.store.query.reader.MIN_ENTRIES_OF_EXPENSIVE_QUERY", threshold)
        scim.create()

        response = invoke(ScimApplication(find_endpoint), scim.token, seconds=4.9, query="filter=title+pr")

        assert (response["statusCode"], json.loads(response["body"]).get("scimType")) == expected

    @pytest.mark.parametrize(
        ("public_url", "location"),
        [
            ("", "https://scim.example.com/scim/v2"),
            ("https://id.example.org", "https://id.example.org"),
            ("https://id.example.org/people/scim/v2", "https://id.example.org/people/scim/v2"),
        ],
    )
    def test_location_has_public_url_or_api_domain(
        self, scim: Endpoint, monkeypatch: pytest.MonkeyPatch, public_url: str, location: str
    ) -> None:
        monkeypatch.setenv("PUBLIC_URL", public_url)
        user = scim.create()

        response = invoke(ScimApplication(find_endpoint), scim.token, path=f"/Users/{user['id']}")

        assert json.loads(response["body"])["meta"]["location"] == f"{location}/Users/{user['id']}"

    @pytest.mark.parametrize("accept", ["application/json", "application/scim+json"])
    def test_error_has_the_accepted_media_type(self, scim: Endpoint, accept: str) -> None:
        responses = [scim.request("GET", path, accept=accept) for path in ("/Users", "/Nothing")]

        assert [response.headers["content-type"] for response in responses] == [accept, accept]


def read_line(log: Log) -> dict[str, Any]:
    """Return the last log line without the fields that differ each time."""
    fields = log.last
    for name in ("timestamp", "location", "xray_trace_id", "level", "message", "service"):
        fields.pop(name, None)
    assert isinstance(fields.pop("ms"), float)
    assert fields.pop("request_id")
    return fields


class TestLogLine:
    def test_request_has_one_line(self, scim: Endpoint, log: Log) -> None:
        scim.request("GET", '/Users?filter=userName+eq+"alice"')

        assert len(log.lines) == 1
        assert read_line(log) == {
            "method": "GET",
            "tenant": get_tenant_id(scim),
            "operation": "GET Users",
            "plan": "index:userName",
            "users_read": 0,
            "leniencies": [],
            "dynamodb_calls": 1,
            "dynamodb_calls_auth": 2,
            "status": 200,
        }

    def test_log_line_has_error_and_leniencies(self, scim: Endpoint, log: Log) -> None:
        scim.create(userName="alice")
        scim.request("POST", "/Users", {"userName": "ALICE", "active": "True"})

        assert read_line(log) == {
            "method": "POST",
            "tenant": get_tenant_id(scim),
            "operation": "POST Users",
            "leniencies": ["missing-schemas", "string-boolean"],
            "dynamodb_calls": 1,
            "dynamodb_calls_auth": 0,
            "failures": 1,
            "scim_type": "uniqueness",
            "rule": "uniqueness",
            "status": 409,
        }

    def test_log_line_of_rejected_token_has_no_tenant(self, scim: Endpoint, log: Log) -> None:
        scim.send("GET", "/Users", {"authorization": f"Bearer {new_token('never-connected')}"})

        assert read_line(log) == {"method": "GET", "rule": "token", "status": 401}

    def test_log_line_has_the_gateways_request_id(self, scim: Endpoint, log: Log) -> None:
        invoke(ScimApplication(find_endpoint), scim.token)

        assert log.last["request_id"] == REQUEST_ID
