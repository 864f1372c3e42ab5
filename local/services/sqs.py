"""The JSON protocol of Amazon SQS for the local queues, with the operations that the functions and the CLI use."""

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

from local.constants import ACCOUNT
from local.services.journaled_service import ServiceRequest, ServiceResponse
from local.services.queue_config import QueueConfig, build_queue_arn
from local.services.queue_store import StoredMessage
from local.services.queues import QueueError, Queues
from local.validation import Violation
from local.validation.sqs import check_message, check_request

Json = Mapping[str, Any]


class SqsService:
    """The service. ``url`` is its URL, with which queue URLs begin."""

    def __init__(self, queues: Queues, url: str) -> None:
        self._queues = queues
        self._url = url
        self._operations: Mapping[str, Callable[[Json], Json]] = {
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibility": self._change_visibility,
            "GetQueueAttributes": self._get_attributes,
            "GetQueueUrl": self._get_queue_url,
        }

    def __call__(self, request: ServiceRequest) -> ServiceResponse:
        """Return the response to a request."""
        name = request.target.rpartition(".")[2]
        operation = self._operations.get(name)
        if operation is None:
            return _build_error(Violation("AWS.SimpleQueueService.UnsupportedOperation", f"{name} is not supported."))
        parameters = json.loads(request.body)
        for violation in check_request(name, parameters):
            return _build_error(violation)
        try:
            return _build_response(200, operation(parameters))
        except QueueError as error:
            return _build_error(error.violation)

    def _find_queue(self, request: Json) -> QueueConfig:
        """Return the queue of a request. Only the last part of its URL is compared, because the port changes."""
        return self._queues.get_config(request.get("QueueUrl", "").rpartition("/")[2])

    def _send(self, request: Json) -> Json:
        queue = self._find_queue(request)
        for violation in check_message(request, queue.max_bytes):
            raise QueueError(violation)
        attributes = request.get("MessageAttributes") or {}
        message_id = self._queues.send(
            queue.name,
            request["MessageBody"],
            request.get("MessageGroupId"),
            attributes,
            request.get("DelaySeconds"),
        )
        return {
            "MessageId": message_id,
            "MD5OfMessageBody": _compute_md5(request["MessageBody"].encode()),
        } | _build_attributes_md5(attributes)

    def _send_batch(self, request: Json) -> Json:
        queue = self._find_queue(request)

        def send(entry: Json) -> Json:
            return self._send({**entry, "QueueUrl": queue.name})

        return _apply_to_entries(request, send)

    def _receive(self, request: Json) -> Json:
        names = {*request.get("MessageSystemAttributeNames", ()), *request.get("AttributeNames", ())}
        messages = self._queues.receive(
            self._find_queue(request).name,
            request.get("MaxNumberOfMessages", 1),
            request.get("VisibilityTimeout"),
            request.get("WaitTimeSeconds"),
        )
        if not messages:
            return {}
        return {
            "Messages": [_describe(message, names, request.get("MessageAttributeNames", ())) for message in messages]
        }

    def _delete(self, request: Json) -> Json:
        self._queues.delete(self._find_queue(request).name, request.get("ReceiptHandle", ""))
        return {}

    def _delete_batch(self, request: Json) -> Json:
        queue = self._find_queue(request)
        return _apply_to_entries(request, lambda entry: self._delete({**entry, "QueueUrl": queue.name}))

    def _change_visibility(self, request: Json) -> Json:
        receipt_handle, visibility = request.get("ReceiptHandle", ""), request["VisibilityTimeout"]
        self._queues.change_visibility(self._find_queue(request).name, receipt_handle, visibility)
        return {}

    def _get_attributes(self, request: Json) -> Json:
        queue = self._find_queue(request)
        visible, in_flight, delayed = self._queues.count(queue.name)
        attributes = {
            "ApproximateNumberOfMessages": visible,
            "ApproximateNumberOfMessagesNotVisible": in_flight,
            "ApproximateNumberOfMessagesDelayed": delayed,
            "DelaySeconds": queue.delay,
            "MaximumMessageSize": queue.max_bytes,
            "MessageRetentionPeriod": queue.retention,
            "QueueArn": queue.arn,
            "ReceiveMessageWaitTimeSeconds": queue.wait,
            "VisibilityTimeout": queue.visibility_timeout,
        }
        if queue.dead_letter_queue:
            policy = {
                "deadLetterTargetArn": build_queue_arn(queue.dead_letter_queue),
                "maxReceiveCount": queue.max_receives,
            }
            attributes["RedrivePolicy"] = json.dumps(policy)
        names = request.get("AttributeNames", ())
        selected = attributes if "All" in names else {name: attributes[name] for name in names if name in attributes}
        return {"Attributes": {name: str(value) for name, value in selected.items()}} if selected else {}

    def _get_queue_url(self, request: Json) -> Json:
        return {"QueueUrl": build_queue_url(self._url, self._queues.get_config(request.get("QueueName", "")).name)}


def build_queue_url(url: str, name: str) -> str:
    """Return the URL of a queue of the service at ``url``."""
    return f"{url}/{ACCOUNT}/{name}"


def build_system_attributes(message: StoredMessage) -> dict[str, str]:
    """Return the system attributes of a received message; times are in milliseconds."""
    attributes = {
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(round((message.received or 0) * 1_000)),
        "SenderId": ACCOUNT,
        "SentTimestamp": str(round(message.sent * 1_000)),
    }
    if message.group is not None:
        attributes["MessageGroupId"] = message.group
    if message.source is not None:
        attributes["DeadLetterQueueSourceArn"] = build_queue_arn(message.source)
    return attributes


def compute_body_md5(message: StoredMessage) -> str:
    """Return the MD5 digest of a message's body, in hexadecimal."""
    return _compute_md5(message.body.encode())


def _describe(message: StoredMessage, system_names: set[str], names: Any) -> Json:
    description: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "Body": message.body,
        "MD5OfBody": compute_body_md5(message),
    }
    system = build_system_attributes(message)
    if selected := system if "All" in system_names else {key: system[key] for key in system if key in system_names}:
        description["Attributes"] = selected
    if attributes := {key: value for key, value in message.attributes.items() if _is_named(key, names)}:
        description |= {"MessageAttributes": attributes} | _build_attributes_md5(attributes, "MD5OfMessageAttributes")
    return description


def _is_named(attribute: str, names: Any) -> bool:
    """Return whether the names include the attribute, by its name, by a prefix such as ``bar.*``, or by ``All``."""
    return any(
        name in ("All", attribute) or (name.endswith(".*") and attribute.startswith(name[:-2])) for name in names
    )


def _apply_to_entries(request: Json, apply: Callable[[Json], Json]) -> Json:
    """Return the response to a batch: apply the operation to each entry and collect results and errors."""
    successful: list[Json] = []
    failed: list[Json] = []
    for entry in request["Entries"]:
        try:
            successful.append({"Id": entry["Id"], **apply(entry)})
        except QueueError as error:
            violation = error.violation
            failed.append(
                {"Id": entry["Id"], "SenderFault": True, "Code": violation.code, "Message": violation.message}
            )
    response = {"Successful": successful, "Failed": failed}
    return {name: entries for name, entries in response.items() if entries}


def _compute_md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _build_attributes_md5(attributes: Json, name: str = "MD5OfMessageAttributes") -> dict[str, str]:
    """Return the digest of the attributes as a member of a response, or an empty dictionary if there are none.

    See Amazon SQS developer guide, "Calculating the MD5 message digest for message attributes".
    """
    content = b""
    for key, value in sorted(attributes.items()):
        is_binary = value["DataType"].startswith("Binary")
        data = base64.b64decode(value["BinaryValue"]) if is_binary else value["StringValue"].encode()
        for part in (key.encode(), value["DataType"].encode()):
            content += struct.pack("!I", len(part)) + part
        content += (b"\x02" if is_binary else b"\x01") + struct.pack("!I", len(data)) + data
    return {name: _compute_md5(content)} if attributes else {}


_CONTENT_TYPE = {"Content-Type": "application/x-amz-json-1.0"}


def _build_response(status: int, body: Json) -> ServiceResponse:
    return ServiceResponse(status, dict(_CONTENT_TYPE), json.dumps(body).encode())


def _build_error(violation: Violation) -> ServiceResponse:
    """Return an error response. A header has the error code of the older query protocol, which botocore reads."""
    body = {"__type": f"com.amazonaws.sqs#{violation.code.rpartition('.')[2]}", "message": violation.message}
    headers = _CONTENT_TYPE | {"x-amzn-query-error": f"{violation.code};Sender"}
    return ServiceResponse(400, headers, json.dumps(body).encode())
