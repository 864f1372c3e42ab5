"""Create, get, replace, patch and delete resources of any type (RFC 7644 sections 3.3 to 3.6).

The store writes only if the version that was read is still the current one. If it is not, the change is applied again
to the current version, unless the client's preconditions forbid that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from scim.protocol.errors import NotFound, Rule, UniquenessError
from scim.protocol.messages import PatchOperation, PatchRequest, parse_message
from scim.protocol.patch.apply import apply_patch
from scim.protocol.resource import Resource, list_changed_attributes, parse_resource
from scim.protocol.schema import ResourceType
from scim.protocol.stored_values.constraints import check_constraints
from scim.protocol.stored_values.duplicates import merge_sent_duplicates
from scim.protocol.stored_values.immutability import check_immutable
from scim.protocol.stored_values.nonconforming import hide_nonconforming, preserve_unwritable
from scim.protocol.values.unique_value import check_changed_unique_value
from scim.service.deadline import RetryCause
from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.links import UserLinks
from scim.service.model.stored_resource import NotUnique, StoredResource, VersionConflict
from scim.service.model.timestamps import format_rfc3339
from scim.service.ports import ResourceStore
from scim.service.references.links import ClientRefs, carry_over_links, extract_client_refs
from scim.service.resources.context import ServiceContext
from scim.service.resources.preconditions import Preconditions
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.sent_attributes import list_sent_attributes

T = TypeVar("T")

ANY_VERSION = Preconditions()
"""The preconditions of a request without ``If-Match`` and ``If-None-Match``."""


@dataclass(frozen=True, slots=True)
class ResourceService:
    """Creates, reads and writes the resources of one type, for one request."""

    resource_type: ResourceType
    store: ResourceStore
    context: ServiceContext

    @property
    def renderer(self) -> ResourceRenderer:
        """The renderer of the resources, with the SCIM URL of the request."""
        return ResourceRenderer(self.resource_type, self.context.base_url)

    def get(self, resource_id: str, preconditions: Preconditions = ANY_VERSION) -> StoredResource:
        """Return a resource. The caller must check ``If-None-Match``.

        Raise :class:`NotFound`, and :class:`PreconditionFailed` if ``If-Match`` does not match.
        """
        stored = self._get_current(resource_id)
        Preconditions(if_match=preconditions.if_match).check(stored.version)
        return stored

    def create(
        self, body: Any, preconditions: Preconditions = ANY_VERSION, *, resource_id: str | None = None
    ) -> StoredResource:
        """Create a resource, and return it. If ``active`` is missing in the body, it is set to true.

        ``resource_id`` is the id of the new resource, ``None`` for a random one. Raise the errors of
        :func:`parse_resource`, :class:`PreconditionFailed` and :class:`UniquenessError`.
        """
        preconditions.check(None)
        created, change = self.build_creation(body, resource_id or self.context.new_id())
        self._write(None, created, change)
        return created

    def build_creation(self, body: Any, resource_id: str) -> tuple[StoredResource, ChangeRecord]:
        """Return a new resource and its change record, without writing them. Raise the errors of :meth:`create`."""
        resource = parse_resource(body, self.resource_type, self.context.leniencies)
        if "active" in self.resource_type.core_schema.attributes:
            resource.setdefault("active", True)
        merge_sent_duplicates({}, resource, self.resource_type)
        resource, client_refs = self._extract_client_refs(resource)
        check_constraints({}, resource, self.resource_type)
        document, now = _with_id(resource_id, resource), format_rfc3339(self.context.now())
        links = carry_over_links(UserLinks(), document, self.resource_type, client_refs)
        created = StoredResource.from_resource(
            document, version=1, created=now, modified=now, active_since=now, links_json=links.to_json()
        )
        return created, self._build_change(Operation.CREATE, {}, resource, now, self._list_sent_attributes(body))

    def replace(self, resource_id: str, body: Any, preconditions: Preconditions = ANY_VERSION) -> StoredResource:
        """Replace a resource, and return the new version. If ``active`` is missing in the body, it is unchanged.

        Raise the errors of :meth:`create`, :class:`NotFound` and :class:`MutabilityError`.
        """
        resource = parse_resource(body, self.resource_type, self.context.leniencies, is_new=False)
        revise = partial(self._revise_by_replacement, resource)
        return self._update(resource_id, preconditions, Operation.REPLACE, revise, self._list_sent_attributes(body))

    def patch(self, resource_id: str, body: Any, preconditions: Preconditions = ANY_VERSION) -> StoredResource:
        """Apply the operations of a PATCH to a resource, and return the new version.

        Raise the errors of :func:`parse_message` and :func:`apply_patch`, :class:`NotFound`,
        :class:`PreconditionFailed` and :class:`UniquenessError`.
        """
        operations = parse_message(PatchRequest, body, self.context.leniencies).operations
        revise = partial(self._revise_by_patch, operations)
        return self._update(resource_id, preconditions, Operation.PATCH, revise, self._list_sent_attributes(body))

    def delete(self, resource_id: str, preconditions: Preconditions = ANY_VERSION) -> None:
        """Delete a resource. Raise :class:`NotFound` and :class:`PreconditionFailed`."""
        self._retry_on_conflict(resource_id, preconditions, self._write_deletion)

    def _revise_by_replacement(self, resource: Resource, current: Resource) -> Resource:
        unique = self.resource_type.unique_attribute
        check_changed_unique_value(unique, current, resource, self.context.leniencies)
        merge_sent_duplicates(current, resource, self.resource_type)
        return _keep_active(current, resource)

    def _revise_by_patch(self, operations: Sequence[PatchOperation], current: Resource) -> Resource:
        require_time = self.context.deadline.require_time
        return apply_patch(current, operations, self.resource_type, self.context.leniencies, require_time)

    def _update(
        self,
        resource_id: str,
        preconditions: Preconditions,
        operation: Operation,
        revise: Callable[[Resource], Resource],
        attributes_sent: Sequence[str],
    ) -> StoredResource:
        """Write the resource that ``revise`` returns for the current one, and return the new version.

        If they are equal, write nothing and return the current version.
        """
        write = partial(self._write_revision, operation, revise, attributes_sent)
        return self._retry_on_conflict(resource_id, preconditions, write)

    def _retry_on_conflict(
        self, resource_id: str, preconditions: Preconditions, write: Callable[[StoredResource], T]
    ) -> T:
        """Call ``write`` with the current version, and return its result. Repeat this after a version conflict."""
        attempt = 0
        while True:
            current = self._get_current(resource_id)
            preconditions.check(current.version)
            try:
                return write(current)
            except VersionConflict:
                self.context.deadline.pause(attempt, RetryCause.CONFLICT)
                attempt += 1

    def _write_revision(
        self,
        operation: Operation,
        revise: Callable[[Resource], Resource],
        attributes_sent: Sequence[str],
        before: StoredResource,
    ) -> StoredResource:
        """Write the next version of a resource, and return it. If nothing changes, return ``before``.

        ``revise`` receives what a GET returns: the values that conform to the current schemas, and the ``$ref`` of
        links. All other stored values are kept.
        """
        stored = _without_id_and_meta(before.resource)
        current = hide_nonconforming(stored, self.resource_type)
        rendered = _without_id_and_meta(self.renderer.render(before)) if before.links_json else current
        revised, client_refs = self._extract_client_refs(revise(rendered))
        check_immutable(current, revised, self.resource_type)
        check_constraints(current, revised, self.resource_type)
        document = preserve_unwritable(stored, revised, self.resource_type)
        visible = hide_nonconforming(document, self.resource_type)
        change = self._build_change(operation, current, visible, format_rfc3339(self.context.now()), attributes_sent)
        if not change.attributes_changed:
            return before
        after = self._build_version(before, _with_id(before.id, document), client_refs, change)
        self._write(before, after, change)
        return after

    def _build_version(
        self, before: StoredResource, document: Resource, client_refs: ClientRefs, change: ChangeRecord
    ) -> StoredResource:
        """Return the version after ``before``."""
        is_unchanged = change.participation is Participation.UNCHANGED
        active_since = before.active_since if is_unchanged else change.at
        links_before = UserLinks.parse(before.links_json)
        links = carry_over_links(links_before, document, self.resource_type, client_refs, before.resource)
        return StoredResource.from_resource(
            document,
            version=before.version + 1,
            created=before.created,
            modified=change.at,
            active_since=active_since,
            links_json=links.to_json(),
        )

    def _write_deletion(self, before: StoredResource) -> None:
        visible = hide_nonconforming(before.resource, self.resource_type)
        self._write(before, None, self._build_change(Operation.DELETE, visible, {}, format_rfc3339(self.context.now())))

    def _write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        """Write a change to the store.

        Raise :class:`UniquenessError`, :class:`VersionConflict`, and :class:`DeactivationsHeld` if the brake refuses a
        deactivation.
        """
        is_deactivation = change.participation is Participation.LEFT
        try:
            with self.context.deactivation_guard.admit() if is_deactivation else nullcontext():
                self.store.write(before, after, change)
        except NotUnique:
            raise build_uniqueness_error(self.resource_type) from None

    def _get_current(self, resource_id: str) -> StoredResource:
        stored = self.store.get(resource_id)
        if stored is None:
            raise NotFound(f"There is no {self.resource_type.name} with this id.", rule=Rule.UNKNOWN_USER)
        return stored

    def _extract_client_refs(self, resource: Resource) -> tuple[Resource, ClientRefs]:
        return extract_client_refs(resource, self.resource_type, self.context.base_url)

    def _list_sent_attributes(self, body: Any) -> list[str]:
        return list_sent_attributes(body, self.resource_type)

    def _build_change(
        self, operation: Operation, before: Resource, after: Resource, now: str, attributes_sent: Sequence[str] = ()
    ) -> ChangeRecord:
        """Return the change record. ``before`` is empty for a creation. ``after`` is empty for a deletion."""
        described_resource = after or before
        return ChangeRecord(
            at=now,
            operation=operation,
            attributes_changed=list_changed_attributes(before, after, self.resource_type),
            participation=_compare_active(before, after),
            actor="scim",
            request_id=self.context.request_id,
            leniencies=self.context.leniencies.used,
            resource_type=self.resource_type.name,
            user_name=described_resource[self.resource_type.unique_attribute.name],
            external_id=described_resource.get("externalId"),
            active=after.get("active") is True,
            ignored=self.context.leniencies.ignored,
            attributes_sent=attributes_sent,
        )


def build_uniqueness_error(resource_type: ResourceType) -> UniquenessError:
    """Return the error for a value of the unique attribute that another resource has."""
    name = resource_type.unique_attribute.name
    return UniquenessError(
        f"Another {resource_type.name} has this {name} (case does not matter). Look it up with a filter on {name} and "
        "update it, or send another value."
    )


def _without_id_and_meta(resource: Resource) -> Resource:
    """Return a resource without the attributes that clients cannot write."""
    return {name: value for name, value in resource.items() if name not in ("id", "meta")}


def _with_id(resource_id: str, resource: Resource) -> Resource:
    """Return a resource with its id. ``schemas`` comes first: rendering reads it at the beginning of a document."""
    return {"schemas": resource["schemas"], "id": resource_id, **resource}


def _keep_active(before: Resource, after: Resource) -> Resource:
    """Return ``after``. If it lacks ``active``, add the value in ``before``.

    A PUT without ``active`` must not change whether the user is active.
    """
    return {**after, "active": before["active"]} if "active" in before and "active" not in after else after


def _compare_active(before: Resource, after: Resource) -> Participation:
    """Return whether a change makes the user active, inactive, or neither."""
    was_active, is_active = before.get("active") is True, after.get("active") is True
    if was_active == is_active:
        return Participation.UNCHANGED
    return Participation.JOINED if is_active else Participation.LEFT
