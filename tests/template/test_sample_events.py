"""The sample events in ``events/`` have the format of API Gateway, and the functions can process them."""

import base64
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from handlers.health import HealthHandler
from local.api_gateway.event import Request, build_event
from local.api_gateway.routes import Routes
from local.emulator.sample_customer import create_customer, read_setup
from local.emulator.sample_event import SampleEvent, build_outcome, list_sample_events
from local.services.messaging import Messaging
from scim.auth import token_format
from scim.auth.master_key.key_ring import KeyPurpose
from scim.settings import Settings
from tests.emulator.sample_outcomes import find_deviation
from tests.endpoint import REFERENCES, LambdaContext, load
from tests.events.schemas import validate
from tests.handlers.conftest import redirect_log
from tests.template.deployment import (
    DEPLOYMENT,
    FUNCTIONS,
    HOOK,
    LOG_AND_TRACE,
    READ_STREAM,
    ROOT,
    build_changes_handler,
    build_links_handler,
)
from tests.template_reader import Permission
from tests.tokens import MASTER, MASTER_KEY

EVENTS = sorted((ROOT / "events").glob("*.json"))
ALL_FUNCTIONS = {spec.name: spec for spec in DEPLOYMENT.read_all_functions(REFERENCES, {})}
TOKEN = read_setup("customer")["token"]
with_sample_events = pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)


def _request(event: Mapping[str, Any]) -> Request:
    """Return the HTTP request of an event, without the headers that API Gateway adds."""
    http = event["requestContext"]["http"]
    added = {"content-length", "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    headers = tuple((name, value) for name, value in event["headers"].items() if name not in added)
    body = event.get("body", "").encode()
    content = base64.b64decode(body, validate=True) if event["isBase64Encoded"] else body
    return Request(http["method"], event["rawPath"], event["rawQueryString"], headers, content, http["sourceIp"])


def _remove_deployment(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event without the values that depend on the deployment: account, API id, port and trace."""
    context = event["requestContext"]
    gateways = ("x-amzn-trace-id", "x-forwarded-port", "x-forwarded-proto")
    return {
        **event,
        "headers": {name: value for name, value in event["headers"].items() if name not in gateways},
        "requestContext": {name: value for name, value in context.items() if name not in ("accountId", "apiId")},
    }


@with_sample_events
def test_sample_event_has_format_of_gateway(path: Path) -> None:
    event = json.loads(path.read_text())
    context = event["requestContext"]
    routes = Routes(route for spec in FUNCTIONS.values() for route in spec.routes)
    match = routes.select(context["http"]["method"], event["rawPath"])
    assert match is not None
    sent = datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC)
    expected = build_event(_request(event), event["rawPath"], match, sent, context["requestId"])
    assert _remove_deployment(expected) == _remove_deployment(event)


@with_sample_events
def test_sample_body_is_json(path: Path) -> None:
    request = _request(json.loads(path.read_text()))
    assert bool(request.body) == (request.method in ("POST", "PUT", "PATCH"))
    assert not request.body or json.loads(request.body)["schemas"]


@with_sample_events
def test_sample_event_has_sample_token(path: Path) -> None:
    headers = json.loads(path.read_text())["headers"]
    if path.stem == "rejected-token":
        token = token_format.parse_token(headers["authorization"].removeprefix("Bearer "))
        assert token is not None
        assert token.matches_key(MASTER.get_signing_key(KeyPurpose.TOKEN))
    else:
        has_none = path.stem.startswith(("missing-token", "admin"))
        assert headers.get("authorization") == (None if has_none else f"Bearer {TOKEN}")


def test_sample_customer_has_master_key_of_tests() -> None:
    assert read_setup("customer")["masterKey"] == MASTER_KEY


def test_all_routes_have_sample_event() -> None:
    served = {json.loads(path.read_text())["routeKey"] for path in EVENTS}
    assert served == {route.key for spec in FUNCTIONS.values() for route in spec.routes}


PUBLISH_EVENTS = {
    Permission("events:PutEvents"),
    Permission("sqs:SendMessage"),
    Permission("dynamodb:BatchWriteItem", "E#*"),
}


@pytest.fixture
def customer(settings: Settings) -> Iterator[None]:
    """The customer and the users of the sample events."""
    create_customer(settings)
    yield
    name = settings.secret_prefix + read_setup("customer")["id"]
    boto3.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def log(aws: None) -> Iterator[io.StringIO]:
    """The log lines of the functions."""
    stream = io.StringIO()
    with redirect_log(stream):
        yield stream


def run(event: SampleEvent, bus: Messaging, log: io.StringIO) -> dict[str, Any]:
    """Invoke the handler of an event, and return the outcome."""
    spec = event.select_function(ALL_FUNCTIONS.values())
    handlers: dict[str, Callable[[], Any]] = {
        "ChangesFunction": build_changes_handler,
        "LinksFunction": build_links_handler,
        "HealthFunction": HealthHandler,
    }
    handler = handlers.get(spec.name, lambda: load(spec.handler))()
    content = event.content | ({"SecretId": find_secret_arn()} if "SecretId" in event.content else {})
    log.truncate(log.seek(0))
    result = handler(content, LambdaContext())
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return build_outcome(result, lines, *(read_lines(path) for path in (bus.events, bus.dead_letters)))


def find_secret_arn() -> str:
    return str(boto3.client("secretsmanager").describe_secret(SecretId="muster/tenants/acme")["ARN"])


def read_lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("event", list_sample_events(), ids=lambda event: event.name)
@pytest.mark.usefixtures("customer")
def test_sample_event_has_expected_outcome(
    event: SampleEvent, bus: Messaging, used_permissions: set[Permission], log: io.StringIO
) -> None:
    """``make invoke`` compares the same outcomes with those of the built functions."""
    for preceding in event.preceding:
        run(preceding, bus, log)
    used_permissions.clear()
    outcome = run(event, bus, log)
    assert find_deviation(event, outcome) is None
    assert used_permissions <= DEPLOYMENT.list_permissions(event.select_function(ALL_FUNCTIONS.values()).name)


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("customer")
def test_header_names_are_case_insensitive(path: Path, bus: Messaging, log: io.StringIO) -> None:
    """The local gateway of the SAM CLI keeps the case of header names, API Gateway sends them in lower case."""
    event = SampleEvent(path)
    event.content["headers"] = {name.title(): value for name, value in event.content["headers"].items()}
    assert find_deviation(event, run(event, bus, log)) is None


def test_sample_events_have_expected_outcomes_and_no_more() -> None:
    expected = {path.relative_to(ROOT / "events/expected") for path in (ROOT / "events/expected").rglob("*.json")}
    assert expected == {event.path.relative_to(ROOT / "events") for event in list_sample_events()}


def test_all_functions_have_sample_event() -> None:
    """The hook has none: there is no local CodeDeploy to which it could report."""
    functions = {event.select_function(ALL_FUNCTIONS.values()).name for event in list_sample_events()}
    assert functions == ALL_FUNCTIONS.keys() - {HOOK}


@pytest.mark.usefixtures("customer")
def test_unreadable_record_needs_exactly_permissions_of_function(
    bus: Messaging, used_permissions: set[Permission], log: io.StringIO
) -> None:
    outcome = run(SampleEvent(ROOT / "events/stream/unreadable-record.json"), bus, log)
    validate(outcome["events"][0])
    assert LOG_AND_TRACE | {
        Permission(action) for action in READ_STREAM
    } | used_permissions == DEPLOYMENT.list_permissions("ChangesFunction")
    assert used_permissions == PUBLISH_EVENTS
