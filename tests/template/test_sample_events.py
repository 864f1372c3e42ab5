"""The sample events in ``events/`` have the format of API Gateway, and the functions can process them."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.api_gateway.event import Request, build_event
from local.api_gateway.routes import Routes
from local.services.messaging import Messaging
from scim.auth import token_format
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.tenant import Tenant
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import LambdaContext, invoke, load
from tests.events.schemas import validate
from tests.template.deployment import DEPLOYMENT, FUNCTIONS, LOG_AND_TRACE, READ_STREAM, ROOT, build_changes_handler
from tests.template_reader import Permission

EVENTS = sorted((ROOT / "events").glob("*.json"))
TOKEN = "muster_acme_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_02db57a39b4fba2a592a968e79a022ac"
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
    has_none = path.stem.startswith(("missing-token", "admin"))
    assert headers.get("authorization") == (None if has_none else f"Bearer {TOKEN}")


def test_sample_token_is_well_formed() -> None:
    token = token_format.parse_token(TOKEN)
    assert token is not None
    assert token.tenant_id == "acme"


def test_all_routes_have_sample_event() -> None:
    served = {json.loads(path.read_text())["routeKey"] for path in EVENTS}
    assert served == {route.key for spec in FUNCTIONS.values() for route in spec.routes}


PUBLISH_EVENTS = {Permission("events:PutEvents"), Permission("sqs:SendMessage")}


def test_sample_events_need_permissions_of_functions_only(
    settings: Settings, used_permissions: set[Permission]
) -> None:
    secret = json.dumps({"token": TOKEN})
    boto3.client("secretsmanager").create_secret(Name=f"{settings.secret_prefix}acme", SecretString=secret)
    operator = build_operator_adapters(settings, "tests")
    operator.build_administration().tenant_store.write(
        None, Tenant("acme"), AuditEvent("1", "2026-01-31T09:30:00.000Z", AuditAction.CONNECT, "tests", {})
    )
    functions = {route.key: spec for spec in FUNCTIONS.values() for route in spec.routes}
    for path in EVENTS:
        used_permissions.clear()
        event = json.loads(path.read_text())
        function = functions[event["routeKey"]]
        status, *_ = invoke(load(function.handler), event)
        assert (status == 401) == (path.stem == "missing-token")
        assert used_permissions <= DEPLOYMENT.list_permissions(function.name), path.stem


def test_stream_sample_needs_exactly_permissions_of_function(
    settings: Settings, bus: Messaging, used_permissions: set[Permission]
) -> None:
    event = json.loads((ROOT / "events/stream/changes.json").read_text())
    assert build_changes_handler()(event, LambdaContext()) == {"batchItemFailures": []}
    (published,) = bus.events.read_text().splitlines()
    (letter,) = bus.queues.receive("DeadLetterQueue")
    validate(json.loads(published))
    assert json.loads(letter.body)["reason"] == "malformed: userName"
    assert LOG_AND_TRACE | {
        Permission(action) for action in READ_STREAM
    } | used_permissions == DEPLOYMENT.list_permissions("ChangesFunction")
    assert used_permissions == PUBLISH_EVENTS
