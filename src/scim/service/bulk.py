"""Bulk: many operations in one request, each a transaction and a status of its own (RFC 7644 section 3.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from scim.protocol.dialect import Dialect
from scim.protocol.errors import (
    InternalError,
    InvalidSyntax,
    InvalidValue,
    NotFound,
    PayloadTooLarge,
    ScimError,
    Unavailable,
    UnresolvedReference,
)
from scim.protocol.messages import BULK_RESPONSE, BulkOperation, BulkRequest, read_message
from scim.service.context import Context
from scim.service.limits import MAX_OPERATIONS
from scim.service.preconditions import Preconditions
from scim.service.resources import Resources
from scim.service.stored import Presentation, Stored

_REFERENCE = "bulkId:"
# An operation is not begun unless it could take as long as the slowest are seen to.
_TIME_FOR_OPERATION_S = 2.0

Result = dict[str, Any]


@dataclass(slots=True)
class Bulk:
    """The operations of one bulk request. ``report`` is told of faults that are not the client's."""

    resources: Mapping[str, Resources]
    """The resources by the lower-case name of their endpoint, such as ``users``."""
    context: Context
    report: Callable[[Exception], None]
    _ids: dict[str, str | None] = field(default_factory=dict)
    """The ids that POST operations made, by ``bulkId``; ``None`` for one that failed."""

    def run(self, body: Any) -> dict[str, Any]:
        """The bulk response. Raises :class:`InvalidSyntax`, :class:`InvalidValue`, :class:`PayloadTooLarge`."""
        request = read_message(BulkRequest, body, self.context.dialect)
        if len(request.operations) > MAX_OPERATIONS:
            raise PayloadTooLarge(f"A bulk request has at most {MAX_OPERATIONS} operations: send several requests.")
        results: list[Result] = []
        failed = 0
        for sent in request.operations:
            result, error = self._attempt(sent)
            results.append(result)
            failed += error is not None
            if request.failonerrors is not None and failed >= request.failonerrors:
                break
        return {"schemas": [BULK_RESPONSE], "Operations": results}

    def _attempt(self, sent: Any) -> tuple[Result, ScimError | None]:
        """The result of one operation, and the error if it failed: one failing operation stops no other."""
        result = _named(sent)
        context = replace(self.context, dialect=Dialect(strict=self.context.dialect.strict))
        error: ScimError
        try:
            self._run(read_message(BulkOperation, sent, context.dialect), context, result)
        except ScimError as raised:
            error = raised
        except Exception as fault:  # noqa: BLE001  # one operation's fault must not hide what the others did
            self.report(fault)
            error = InternalError(f"The operation failed; give the request id {self.context.request_id} to support.")
        else:
            return result, None
        finally:
            self.context.dialect.absorb(context.dialect)
        if isinstance(bulk_id := result.get("bulkId"), str):
            self._ids.setdefault(bulk_id, None)
        return result | {"status": str(error.status), "response": error.body()}, error

    def _run(self, operation: BulkOperation, context: Context, result: Result) -> None:
        """Carry an operation out, and tell in ``result`` as much of it as is known, also where it fails."""
        if self.context.deadline.remaining_s() < _TIME_FOR_OPERATION_S:
            raise Unavailable("The time for this bulk request was used up before this operation: send it again.")
        resources, resource_id = self._target(operation)
        resources = replace(resources, context=context)
        locate = Presentation(resources.resource_type, context.base_url).location
        if resource_id is not None:
            result["location"] = locate(resource_id)
        stored, status = self._write(resources, operation, resource_id)
        result["status"] = str(status.value)
        if stored is not None:
            result |= {"location": locate(stored.id), "version": stored.etag}

    def _write(
        self, resources: Resources, operation: BulkOperation, resource_id: str | None
    ) -> tuple[Stored | None, HTTPStatus]:
        data = self._resolved(operation.data)
        preconditions = Preconditions.parse(operation.version, None)
        match operation.method, resource_id:
            case "POST", None:
                return self._create(resources, operation.bulkid, data), HTTPStatus.CREATED
            case "PUT", str(found):
                return resources.replace(found, data, preconditions), HTTPStatus.OK
            case "PATCH", str(found):
                return resources.patch(found, data, preconditions), HTTPStatus.OK
            case "DELETE", str(found):
                resources.delete(found, preconditions)
                return None, HTTPStatus.NO_CONTENT
        raise InvalidValue("POST goes to a resource type such as /Users; PUT, PATCH and DELETE go to one of its ids.")

    def _create(self, resources: Resources, bulk_id: str | None, data: Any) -> Stored:
        if not bulk_id:
            raise InvalidSyntax("A POST operation needs a bulkId, by which its result is told.")
        if bulk_id in self._ids:
            raise InvalidValue("Another operation of this request has the same bulkId.")
        created = resources.create(data)
        self._ids[bulk_id] = created.id
        return created

    def _target(self, operation: BulkOperation) -> tuple[Resources, str | None]:
        endpoint, _, resource_id = operation.path.strip("/").partition("/")
        resources = self.resources.get(endpoint.lower())
        if resources is None or "/" in resource_id:
            raise NotFound("The operation's path names nothing that is served here; use /Users or /Users/<id>.")
        return resources, self._resolve(resource_id) if resource_id else None

    def _resolved(self, value: Any) -> Any:
        """``value`` with the ids for the ``bulkId`` references in it (section 3.7.2)."""
        if isinstance(value, dict):
            return {name: self._resolved(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._resolved(element) for element in value]
        return self._resolve(value) if isinstance(value, str) else value

    def _resolve(self, text: str) -> str:
        if not text.startswith(_REFERENCE):
            return text
        found = self._ids.get(text.removeprefix(_REFERENCE))
        if found is None:
            raise UnresolvedReference("The operation refers to a bulkId of no earlier operation that has succeeded.")
        return found


def _named(sent: Any) -> Result:
    """What names an operation in the answer: its method and its ``bulkId``."""
    members = {name.lower(): value for name, value in sent.items()} if isinstance(sent, dict) else {}
    named = {"method": members.get("method"), "bulkId": members.get("bulkid")}
    return {name: value for name, value in named.items() if isinstance(value, str)}
