"""Validate the requests of all clients before they are sent to any service."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import botocore
from botocore.exceptions import ClientError

from local.constants import HOST
from local.validation import Violation, dynamodb, eventbridge, sqs
from scim.aws.botocore_client import convert_error
from scim.aws.wire.client import WireClient

BuildException = Callable[[str, Violation], Exception]
"""Returns the exception for an operation (its name) that violates a rule."""


def validate_clients(build_exception: BuildException) -> None:
    """Validate the requests of wire clients, and of the clients of all botocore sessions that are created from now on.

    An error of botocore that ``build_exception`` returns is converted for wire clients.
    """
    botocore.register_initializer(lambda session: _register(session.get_component("event_emitter"), build_exception))
    send = WireClient.call

    def validate_and_send(client: WireClient, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        for violation in _find_violations(client.service, operation, arguments):
            exception = build_exception(operation, violation)
            raise convert_error(exception, operation) if isinstance(exception, ClientError) else exception
        return send(client, operation, arguments)

    setattr(WireClient, "call", validate_and_send)  # noqa: B010  # mypy rejects an assignment to a method


def build_client_error(operation: str, violation: Violation) -> Exception:
    """Return the exception that botocore raises when AWS rejects a request."""
    error: Any = {
        "Error": {"Code": violation.code, "Message": violation.message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return ClientError(error, operation)


def _register(events: Any, build_exception: BuildException) -> None:
    def check(model: Any, params: Mapping[str, Any], **_: Any) -> None:
        service = model.service_model.service_name
        if service != "dynamodb" and urlsplit(params["url"]).hostname == HOST:
            return  # the local service validates it
        body = json.loads(params["body"] or b"{}")
        for violation in _find_violations(service, model.name, body):
            raise build_exception(model.name, violation)

    for service in ("dynamodb", "events", "sqs"):
        events.register(f"before-call.{service}", check)


def _find_violations(service: str, operation: str, request: Mapping[str, Any]) -> Iterator[Violation]:
    match service, operation:
        case "dynamodb", _:
            yield from dynamodb.check_request(operation, request)
        case "events", "PutEvents":
            yield from eventbridge.check_request(request)
            for entry in request["Entries"]:
                yield from eventbridge.check_entry(entry)
        case "sqs", _:
            yield from sqs.check_request(operation, request)
            if operation == "SendMessageBatch":
                for entry in request["Entries"]:
                    yield from sqs.check_message(entry)
