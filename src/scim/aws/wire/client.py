"""Clients of DynamoDB and Secrets Manager, with the methods of botocore's clients that users, bulk and discovery need.

Source: Amazon DynamoDB developer guide, "DynamoDB low-level API".
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic_core import from_json, to_json

from scim.aws.config import ClientConfig
from scim.aws.errors import CallNotSent, ErrorResponse, NoResponse
from scim.aws.response_damage import NO_JSON_OBJECT, find_transfer_damage
from scim.aws.wire.connections import ConnectionPool, HttpResponse, NoHttpResponse
from scim.aws.wire.credentials import CredentialSource, NoCredentials
from scim.aws.wire.endpoints import Service, ServiceEndpoint
from scim.aws.wire.signing import Signer

_UNQUOTED_IN_TRACE_ID = "-=;:+&[]{}\"',"


@dataclass(frozen=True, slots=True)
class _Protocol:
    """The version of AWS's JSON protocol that a service speaks, and the prefix of its operations."""

    content_type: str
    target_prefix: str


_PROTOCOLS = {
    Service.DYNAMODB: _Protocol("application/x-amz-json-1.0", "DynamoDB_20120810"),
    Service.SECRETS_MANAGER: _Protocol("application/x-amz-json-1.1", "secretsmanager"),
}


class WireClient:
    """Makes calls to one service, one attempt for each. Threads share it.

    A client opens no connection and loads no credentials before its first call.
    """

    def __init__(
        self,
        service: Service,
        region: str,
        endpoint: ServiceEndpoint,
        config: ClientConfig,
        credentials: CredentialSource,
        ca_bundle: str = "",
    ) -> None:
        protocol = _PROTOCOLS[service]
        self.service = service
        self._credentials = credentials
        self._pool = ConnectionPool(endpoint, config.connect_timeout_s, config.read_timeout_s, ca_bundle)
        self._signer = Signer(service, region, endpoint.authority, endpoint.path)
        self._content_type = protocol.content_type
        self._target_prefix = protocol.target_prefix
        self._head = (
            f"POST {endpoint.path} HTTP/1.1\r\n"
            f"Host: {endpoint.authority}\r\n"
            f"Content-Type: {protocol.content_type}\r\n"
            f"User-Agent: {_build_user_agent()}\r\n"
        )

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call, and return the parsed response. Raise :class:`scim.aws.errors.AwsError`."""
        request = self._build_request(operation, to_json(arguments))
        try:
            response = self._pool.send(request)
        except NoHttpResponse as error:
            raise NoResponse(operation, error.code, str(error)) from error
        document = _parse_document(operation, response)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise _build_error(operation, response.status, document)
        return document

    def _build_request(self, operation: str, body: bytes) -> bytes:
        try:
            credentials = self._credentials.get()
        except NoCredentials as error:
            raise CallNotSent(operation, error.code, str(error)) from error
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        target = f"{self._target_prefix}.{operation}"
        authorization = self._signer.sign(credentials, date, self._content_type, target, body)
        token = "" if credentials.token is None else f"X-Amz-Security-Token: {credentials.token}\r\n"
        head = (
            f"{self._head}X-Amz-Target: {target}\r\nX-Amz-Date: {date}\r\n{token}Authorization: {authorization}\r\n"
            f"{_build_trace_header()}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class DynamoDBWireClient(WireClient):
    """The calls of the store. Arguments and responses are those of botocore, without ``ResponseMetadata``."""

    def get_item(self, **arguments: Any) -> dict[str, Any]:
        """Read an item."""
        return self.call("GetItem", arguments)

    def batch_get_item(self, **arguments: Any) -> dict[str, Any]:
        """Read items by their keys."""
        return self.call("BatchGetItem", arguments)

    def query(self, **arguments: Any) -> dict[str, Any]:
        """Read the items of a range."""
        return self.call("Query", arguments)

    def batch_write_item(self, **arguments: Any) -> dict[str, Any]:
        """Write and delete items without a transaction."""
        return self.call("BatchWriteItem", arguments)

    def transact_write_items(self, **arguments: Any) -> dict[str, Any]:
        """Write and delete items in a transaction."""
        return self.call("TransactWriteItems", arguments)

    def update_item(self, **arguments: Any) -> dict[str, Any]:
        """Update an item."""
        return self.call("UpdateItem", arguments)


class SecretsManagerWireClient(WireClient):
    """The call with which the functions read tokens and the master key."""

    def get_secret_value(self, **arguments: Any) -> dict[str, Any]:
        """Read a version of a secret. ``CreatedDate`` is a time in UTC."""
        response = self.call("GetSecretValue", arguments)
        if "CreatedDate" in response:
            response["CreatedDate"] = datetime.fromtimestamp(response["CreatedDate"], UTC)
        return response


def _parse_document(operation: str, response: HttpResponse) -> dict[str, Any]:
    """Return the JSON object in the body of a response. It can be empty if the status is 500 or higher.

    Raise :class:`NoResponse` if the response is damaged.
    """
    damage = find_transfer_damage(response.status, response.headers, response.body)
    if damage is None:
        try:
            document = from_json(response.body)
        except ValueError:
            document = None
        if isinstance(document, dict):
            return document
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return {}
        damage = NO_JSON_OBJECT
    raise NoResponse(operation, "DamagedResponse", f"The response is damaged: {damage}.")


def _build_error(operation: str, status: int, document: Mapping[str, Any]) -> ErrorResponse:
    """Return the error in a response. Its code is the status if AWS has sent none."""
    # The forms of a code are "com.amazonaws.dynamodb.v20120810#Name", "Name" and "Name:URL".
    code = str(document.get("__type", status)).partition(":")[0].rpartition("#")[2]
    return ErrorResponse(
        operation,
        code,
        str(document.get("message", document.get("Message", ""))),
        status=status,
        cancellation_reasons=document.get("CancellationReasons") or (),
        item=document.get("Item"),
    )


def _build_trace_header() -> str:
    """Return the header that connects the call with the invocation of the function in X-Ray."""
    trace_id = os.environ.get("_X_AMZN_TRACE_ID")
    if not trace_id or "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return ""
    return f"X-Amzn-Trace-Id: {quote(trace_id, safe=_UNQUOTED_IN_TRACE_ID)}\r\n"


def _build_user_agent() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    environment = os.environ.get("AWS_EXECUTION_ENV", "")
    return f"muster lang/python#{version}" + (f" exec-env/{environment}" if environment else "")
