"""One request from event to answer: who asks, what fails, and what the log says of it."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from handlers.http.application import ScimApplication
from handlers.http.response import Response
from handlers.http.routes import Endpoint as Route
from handlers.http.routes import RequestContext
from handlers.http.routes.all_routes import find_endpoint
from scim.protocol.errors import Unavailable
from tests.endpoint import ENVIRONMENT, Answer, Endpoint, LambdaContext
from tests.handlers.conftest import Log
from tests.handlers.events import REQUEST_ID, event
from tests.tokens import new_token

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
NOWHERE = "http://127.0.0.1:9"  # the port "discard", which nobody listens to


def ask(application: ScimApplication, token: str, *, seconds: float = 29.0, **sent: Any) -> dict[str, Any]:
    """What an application answers."""
    headers = {"authorization": f"Bearer {token}"}
    context: Any = LambdaContext(time.monotonic() + seconds)
    return application(event(headers=headers, **sent), context)


def serving(operation: Callable[[RequestContext], Response]) -> ScimApplication:
    """An application whose every path leads to one operation."""
    return ScimApplication(lambda *_: Route("Test", {"GET": operation}))


# Who asks


def secret(token: str) -> str:
    return ENVIRONMENT["SECRET_PREFIX"] + token.split("_")[1]


def expire(token: str) -> None:
    value = json.dumps({"token": token, "expires": time.time() - 1, "grace_s": 0})
    boto3.client("secretsmanager").put_secret_value(SecretId=secret(token), SecretString=value)


def await_deletion(token: str) -> None:
    boto3.client("secretsmanager").delete_secret(SecretId=secret(token), RecoveryWindowInDays=7)


def delete_settings(token: str) -> None:
    table = boto3.resource("dynamodb").Table(ENVIRONMENT["TABLE_NAME"])
    table.delete_item(Key={"pk": f"A#{token.split('_')[1]}", "sk": "A#settings"})


def header(form: str) -> Callable[[str], dict[str, str]]:
    return lambda token: {"authorization": form.format(token)}


def after(change: Callable[[str], None]) -> Callable[[str], dict[str, str]]:
    """The right header, after something has happened to the tenant."""

    def sent(token: str) -> dict[str, str]:
        change(token)
        return {"authorization": f"Bearer {token}"}

    return sent


UNAUTHORIZED: dict[str, Callable[[str], Mapping[str, str]]] = {
    "no header": header(""),
    "token without scheme": header("{}"),
    "Okta's probe": header("non-token"),
    "another scheme": header("Basic {}"),
    "no token": header("Bearer "),
    "wrong checksum": header("Bearer {}0"),
    "wrong token": lambda token: {"authorization": f"Bearer {new_token(token.split('_')[1])}"},
    "unknown tenant": lambda _: {"authorization": f"Bearer {new_token('never-connected')}"},
    "expired token": after(expire),
    "secret that awaits deletion": after(await_deletion),
    "tenant without settings": after(delete_settings),
}


def unauthorized(scim: Endpoint, method: str, path: str, headers: Mapping[str, str]) -> Answer:
    return Answer(*scim.send(method, path, headers, b"not read"))


@pytest.mark.parametrize("reason", UNAUTHORIZED)
def test_every_rejected_token_gets_the_same_401(scim: Endpoint, connect: Callable[[], Endpoint], reason: str) -> None:
    answer = unauthorized(scim, "GET", "/Users", UNAUTHORIZED[reason](scim.token))

    assert answer == unauthorized(connect(), "GET", "/Users", {"authorization": ""})
    assert answer.status == 401
    assert answer.headers == {"content-type": "application/scim+json", "www-authenticate": 'Bearer realm="SCIM"'}
    assert (answer.json()["schemas"], answer.json()["status"]) == ([ERROR], "401")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/Users"),
        ("DELETE", "/Users/7"),
        ("GET", "/ServiceProviderConfig"),
        ("POST", "/Schemas"),
        ("POST", "/Bulk"),
        ("GET", "/Groups"),
        ("GET", "/Nothing"),
        ("OPTIONS", "/Users"),
        ("GET", "/Users?filter=wrong"),
    ],
)
def test_authentication_precedes_routing(scim: Endpoint, method: str, path: str) -> None:
    refused = unauthorized(scim, "GET", "/Users", {"authorization": ""})

    assert unauthorized(scim, method, path, {"authorization": ""}) == refused


def test_repeatedly_rejected_token_is_429(scim: Endpoint) -> None:
    scim.request("GET", "/Users")
    revoked = {"authorization": f"Bearer {new_token(scim.token.split('_')[1])}"}

    answers = [unauthorized(scim, "GET", "/Users", revoked) for _ in range(4)]

    assert [answer.status for answer in answers] == [401] * 3 + [429]
    assert answers[-1].headers["retry-after"] == "10"
    assert (answers[-1].json()["schemas"], answers[-1].json()["status"]) == ([ERROR], "429")
    assert scim.request("GET", "/Users").status == 200


@pytest.mark.parametrize("service", ["SECRETS_MANAGER", "DYNAMODB"])
def test_unreachable_service_is_503(scim: Endpoint, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", NOWHERE)

    answer = ask(ScimApplication(find_endpoint), scim.token, seconds=1.5)

    assert answer["statusCode"] == 503
    assert int(answer["headers"]["Retry-After"]) > 0
    assert json.loads(answer["body"])["status"] == "503"


# What fails


def break_down(_: RequestContext) -> Response:
    raise RuntimeError("userName alice@example.com is not to be seen")


def refused_by_aws(_: RequestContext) -> Response:
    error: Any = {"Error": {"Code": "AccessDeniedException", "Message": "alice@example.com may not"}}
    raise ClientError(error, "GetItem")


@pytest.mark.parametrize("operation", [break_down, refused_by_aws])
def test_fault_is_500_with_the_request_id(scim: Endpoint, operation: Callable[[RequestContext], Response]) -> None:
    answer = ask(serving(operation), scim.token)

    assert (answer["statusCode"], json.loads(answer["body"])) == (
        500,
        {
            "schemas": [ERROR],
            "status": "500",
            "detail": f"The service had an internal error. Give the request id {REQUEST_ID} to support.",
        },
    )
    assert answer["headers"] == {"Content-Type": "application/scim+json"}


@pytest.mark.parametrize(
    ("operation", "kind", "code"),
    [(break_down, "RuntimeError", None), (refused_by_aws, "ClientError", "AccessDeniedException")],
)
def test_fault_is_logged_without_message(
    scim: Endpoint, log: Log, operation: Callable[[RequestContext], Response], kind: str, code: str | None
) -> None:
    ask(serving(operation), scim.token)

    fault, line = log.lines
    assert (fault["level"], fault["request_id"], fault["kind"], fault.get("code")) == ("ERROR", REQUEST_ID, kind, code)
    assert fault["traceback"][-1].startswith("test_application.py:")
    assert fault["traceback"][-1].endswith(f" {operation.__name__}")
    assert (line["level"], line["request_id"], line["status"]) == ("INFO", REQUEST_ID, 500)
    assert "alice" not in log.text


def test_missing_settings_are_500(scim: Endpoint, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    monkeypatch.delenv("TABLE_NAME")

    assert ask(ScimApplication(find_endpoint), scim.token)["statusCode"] == 500
    assert log.lines[0]["kind"] == "ValueError"


def test_error_carries_its_headers(scim: Endpoint) -> None:
    def wait(_: RequestContext) -> Response:
        raise Unavailable("Later.", headers={"Retry-After": "7"})

    answer = ask(serving(wait), scim.token)

    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "7")


def test_deadline_is_that_of_lambda(scim: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1_000.0
    monkeypatch.setattr("scim.wiring.runtime.time.monotonic", lambda: clock)
    left: list[float] = []

    def look(context: RequestContext) -> Response:
        nonlocal clock
        clock += 2.0
        left.append(context.service_context.deadline.remaining_s())
        return Response(200)

    ask(serving(look), scim.token, seconds=7.0)

    assert left == [5.0]


def test_scan_beyond_the_deadline_is_400_too_many(scim: Endpoint) -> None:
    scim.create()

    answer = ask(ScimApplication(find_endpoint), scim.token, seconds=4.9, query="filter=title+pr")

    assert (answer["statusCode"], json.loads(answer["body"])["scimType"]) == (400, "tooMany")


@pytest.mark.parametrize(
    ("public_url", "location"),
    [
        ("", "https://scim.example.com/scim/v2"),
        ("https://id.example.org", "https://id.example.org"),
        ("https://id.example.org/people/scim/v2", "https://id.example.org/people/scim/v2"),
    ],
)
def test_location_has_public_url_or_api_domain(
    scim: Endpoint, monkeypatch: pytest.MonkeyPatch, public_url: str, location: str
) -> None:
    monkeypatch.setenv("PUBLIC_URL", public_url)
    user = scim.create()

    answer = ask(ScimApplication(find_endpoint), scim.token, path=f"/Users/{user['id']}")

    assert json.loads(answer["body"])["meta"]["location"] == f"{location}/Users/{user['id']}"


@pytest.mark.parametrize("accept", ["application/json", "application/scim+json"])
def test_error_has_the_accepted_media_type(scim: Endpoint, accept: str) -> None:
    answers = [scim.request("GET", path, accept=accept) for path in ("/Users", "/Nothing")]

    assert [answer.headers["content-type"] for answer in answers] == [accept, accept]


# What the log says


def line(log: Log) -> dict[str, Any]:
    """The last line without what differs each time."""
    told = log.last
    for name in ("timestamp", "location", "xray_trace_id", "level", "message", "service"):
        told.pop(name, None)
    assert isinstance(told.pop("ms"), float)
    assert told.pop("request_id")
    return told


def test_request_has_one_line(scim: Endpoint, log: Log) -> None:
    scim.request("GET", '/Users?filter=userName+eq+"alice"')

    assert len(log.lines) == 1
    assert line(log) == {
        "method": "GET",
        "tenant": scim.token.split("_")[1],
        "operation": "GET Users",
        "plan": "index:userName",
        "users_read": 0,
        "leniencies": [],
        "dynamodb_calls": 1,
        "dynamodb_calls_auth": 2,
        "status": 200,
    }


def test_log_line_has_error_and_leniencies(scim: Endpoint, log: Log) -> None:
    scim.create(userName="alice")
    scim.request("POST", "/Users", {"userName": "ALICE", "active": "True"})

    assert line(log) == {
        "method": "POST",
        "tenant": scim.token.split("_")[1],
        "operation": "POST Users",
        "leniencies": ["missing-schemas", "string-boolean"],
        "dynamodb_calls": 1,
        "dynamodb_calls_auth": 0,
        "failures": 1,
        "scim_type": "uniqueness",
        "rule": "uniqueness",
        "status": 409,
    }


def test_log_line_of_rejected_token_has_no_tenant(scim: Endpoint, log: Log) -> None:
    scim.send("GET", "/Users", {"authorization": f"Bearer {new_token('never-connected')}"})

    assert line(log) == {"method": "GET", "rule": "token", "status": 401}


def test_log_line_has_the_gateways_request_id(scim: Endpoint, log: Log) -> None:
    ask(ScimApplication(find_endpoint), scim.token)

    assert log.last["request_id"] == REQUEST_ID
