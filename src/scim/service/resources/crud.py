"""The use cases on single resources: create, get, replace, patch, delete (RFC 7644 sections 3.3 to 3.6).

Written for any resource type; what a type is stands in its schema. A write is decided by the store: it holds for the
version that was read. Where that has changed meanwhile, the change is worked out anew on what is there now, unless the
client said which version it meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from scim.protocol.errors import NotFound, Rule, UniquenessError
from scim.protocol.messages import PatchOperation, PatchRequest, parse_message
from scim.protocol.patch.apply import apply_patch
from scim.protocol.resource import Resource, list_changed_attributes, parse_resource
from scim.protocol.schema import ResourceType
from scim.protocol.stored_values.immutability import check_immutable
from scim.protocol.stored_values.unserved import hide_unserved, keep_unserved
from scim.service.deadline import RetryCause
from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.stored_resource import NotUnique, StoredResource, VersionConflict
from scim.service.ports import ResourceStore
from scim.service.references.links import ClientRefs, carry_over_links, extract_client_refs
from scim.service.resources.context import ServiceContext
from scim.service.resources.preconditions import Preconditions
from scim.service.resources.sent_attributes import list_sent_attributes

T = TypeVar("T")

ANY_VERSION = Preconditions()


@dataclass(frozen=True, slots=True)
class ResourceService:
    """The resources of one type, for one request."""

    resource_type: ResourceType
    store: ResourceStore
    context: ServiceContext

    def get(self, resource_id: str, preconditions: Preconditions = ANY_VERSION) -> StoredResource:
        """Raises :class:`NotFound`, :class:`PreconditionFailed` for ``If-Match``."""
        stored = self._current(resource_id)
        Preconditions(if_match=preconditions.if_match).check(stored.version)
        return stored

    def create(
        self, body: Any, preconditions: Preconditions = ANY_VERSION, *, resource_id: str | None = None
    ) -> StoredResource:
        """Raises what reading the body does, and :class:`UniquenessError`. Omitted ``active`` means true.

        ``resource_id`` is an id of our own making that was chosen beforehand.
        """
        resource = parse_resource(body, self.resource_type, self.context.dialect)
        preconditions.check(None)
        if "active" in self.resource_type.core.attributes:
            resource.setdefault("active", True)
        resource, claims = self._claimed(resource)
        resource_id, now = resource_id or self.context.new_id(), self.context.now()
        created = StoredResource.from_resource(_identified(resource_id, resource), 1, now, now, active_since=now)
        carry_over_links(None, created, self.resource_type, claims)
        try:
            self.store.write(None, created, self._change(Operation.CREATE, {}, resource, now, self._list_sent(body)))
        except NotUnique:
            raise self._duplicate() from None
        return created

    def replace(self, resource_id: str, body: Any, preconditions: Preconditions = ANY_VERSION) -> StoredResource:
        """Raises as :meth:`create`, :class:`NotFound` and :class:`Mutability`. Omitted ``active`` keeps its value."""
        resource = parse_resource(body, self.resource_type, self.context.dialect)

        def replaced(before: Resource) -> Resource:
            check_immutable(before, resource, self.resource_type)
            return _keeping_active(before, resource)

        return self._update(resource_id, Operation.REPLACE, replaced, preconditions, self._list_sent(body))

    def patch(self, resource_id: str, body: Any, preconditions: Preconditions = ANY_VERSION) -> StoredResource:
        """Raises what reading and applying the operations does, :class:`NotFound` and :class:`UniquenessError`."""
        operations = parse_message(PatchRequest, body, self.context.dialect).operations

        def patched(before: Resource) -> Resource:
            after = apply_patch(before, operations, self.resource_type, self.context.dialect)
            if any(map(_removes_active, operations)):
                return after
            kept = _keeping_active(before, after)
            if kept is not after:
                self.context.dialect.record_ignored("active", value=True)
            return kept

        return self._update(resource_id, Operation.PATCH, patched, preconditions, self._list_sent(body))

    def delete(self, resource_id: str, preconditions: Preconditions = ANY_VERSION) -> None:
        """Raises :class:`NotFound` and :class:`PreconditionFailed`."""

        def remove(before: StoredResource) -> None:
            current = hide_unserved(before.resource, self.resource_type)
            self.store.write(before, None, self._change(Operation.DELETE, current, {}, self.context.now()))

        self._write(resource_id, remove, preconditions)

    def _claimed(self, resource: Resource) -> tuple[Resource, ClientRefs]:
        return extract_client_refs(resource, self.resource_type, self.context.base_url)

    def _list_sent(self, body: Any) -> list[str]:
        return list_sent_attributes(body, self.resource_type)

    def _update(
        self,
        resource_id: str,
        operation: Operation,
        revise: Callable[[Resource], Resource],
        preconditions: Preconditions,
        sent: Sequence[str],
    ) -> StoredResource:
        """Write what ``revise`` makes of the current resource, unless that changes nothing.

        ``revise`` gets the values that are served. The other values stay in the document as they are.
        """

        def update(before: StoredResource) -> StoredResource:
            stored = {name: value for name, value in before.resource.items() if name != "id"}
            current = hide_unserved(stored, self.resource_type)
            revised, claims = self._claimed(revise(current))
            document = keep_unserved(stored, revised, self.resource_type)
            resource = hide_unserved(document, self.resource_type)
            change = self._change(operation, current, resource, self.context.now(), sent)
            if not change.attributes_changed:
                return before
            is_same = change.participation is Participation.UNCHANGED
            since = before.active_since if is_same else change.at
            after = StoredResource.from_resource(
                _identified(before.id, document), before.version + 1, before.created, change.at, since
            )
            carry_over_links(before, after, self.resource_type, claims)
            try:
                self.store.write(before, after, change)
            except NotUnique:
                raise self._duplicate() from None
            return after

        return self._write(resource_id, update, preconditions)

    def _write(self, resource_id: str, write: Callable[[StoredResource], T], preconditions: Preconditions) -> T:
        attempt = 0
        while True:
            before = self._current(resource_id)
            preconditions.check(before.version)
            try:
                return write(before)
            except VersionConflict:
                self.context.deadline.pause(attempt, RetryCause.CONFLICT)
                attempt += 1

    def _current(self, resource_id: str) -> StoredResource:
        if (stored := self.store.get(resource_id)) is None:
            raise NotFound(f"There is no {self.resource_type.name} with this id.", rule=Rule.UNKNOWN_USER)
        return stored

    def _duplicate(self) -> UniquenessError:
        name = self.resource_type.unique_attribute.name
        return UniquenessError(
            f"Another {self.resource_type.name} has this {name} (case does not matter). Look it up with a "
            f"filter on {name} and update it, or send another value."
        )

    def _change(
        self, operation: Operation, before: Resource, after: Resource, now: str, sent: Sequence[str] = ()
    ) -> ChangeRecord:
        return ChangeRecord(
            at=now,
            operation=operation,
            attributes_changed=list_changed_attributes(before, after, self.resource_type),
            participation=_participation(before, after),
            actor="scim",
            request_id=self.context.request_id,
            leniencies=self.context.dialect.used,
            resource_type=self.resource_type.name,
            user_name=(after or before)[self.resource_type.unique_attribute.name],
            external_id=(after or before).get("externalId"),
            active=after.get("active") is True,
            ignored=self.context.dialect.ignored,
            attributes_sent=sent,
        )


def _identified(resource_id: str, resource: Resource) -> Resource:
    return {"schemas": resource["schemas"], "id": resource_id, **resource}


def _removes_active(operation: PatchOperation) -> bool:
    """Whether the operation says in so many words that the attribute shall go."""
    return operation.op == "remove" and (operation.path or "").rpartition(":")[2].lower() == "active"


def _keeping_active(before: Resource, after: Resource) -> Resource:
    """Leaving ``active`` out of a PUT, or clearing it, must never suspend anyone, nor bring anyone back."""
    return {**after, "active": before["active"]} if "active" in before and "active" not in after else after


def _participation(before: Resource, after: Resource) -> Participation:
    """Return whether the change activates or deactivates the user. An empty resource is no user."""
    was_active, is_active = before.get("active") is True, after.get("active") is True
    if was_active == is_active:
        return Participation.UNCHANGED
    return Participation.JOINED if is_active else Participation.LEFT
