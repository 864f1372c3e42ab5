"""Holds the requests of botocore's clients to AWS's rules, whatever answers them."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import botocore
from botocore.exceptions import ClientError

from local.constants import HOST
from local.validation import Violation, dynamodb, eventbridge, sqs

BuildException = Callable[[str, Violation], Exception]
"""Makes the exception of an operation that breaks a rule."""


def validate_clients(refuse: BuildException) -> None:
    """Watch the clients of all sessions of botocore that are made from now on, those of the functions included."""
    botocore.register_initializer(lambda session: _watch(session.get_component("event_emitter"), refuse))


def build_client_error(operation: str, violation: Violation) -> Exception:
    """Return what botocore raises where AWS refuses a request."""
    error: Any = {
        "Error": {"Code": violation.code, "Message": violation.message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return ClientError(error, operation)


def _watch(events: Any, refuse: BuildException) -> None:
    def check(model: Any, params: Mapping[str, Any], **_: Any) -> None:
        service = model.service_model.service_name
        if service != "dynamodb" and urlsplit(params["url"]).hostname == HOST:
            return  # the local service holds it to the same rules
        body = json.loads(params["body"] or b"{}")
        for violation in _violations(service, model.name, body):
            raise refuse(model.name, violation)

    for service in ("dynamodb", "events", "sqs"):
        events.register(f"before-call.{service}", check)


def _violations(service: str, operation: str, request: Mapping[str, Any]) -> Iterator[Violation]:
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
