"""Confirm that the links of a user are not those to which its references resolve.

Link tasks write links a little later than the users. So a user is left out while it, or a user that it links to, has
changed within the last hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from scim.protocol.references import find_references
from scim.service.maintenance.findings import Finding, FindingKind
from scim.service.model.identifiers import hash_identifier
from scim.service.model.links import UserLinks
from scim.service.model.stored_resource import StoredResource
from scim.service.references.links import list_changed_link_attributes, resolve_links
from scim.service.references.reference_resolver import ReferenceResolver
from scim.store.maintenance.check.context import CheckContext, CheckResult, Repair, is_same_version
from scim.store.maintenance.check.history import read_history

Targets = list[tuple[str, str | None]]
"""For each reference of a user: the hash of its identifier, and the id that its link leads to."""


def list_targets(context: CheckContext, user: StoredResource) -> Targets:
    """Return what the references of a user lead to.

    A link that belongs to no reference, and one whose ``$ref`` is at another position than it should be, has an empty
    hash. No identifier has it, so that the link is resolved again.
    """
    references = find_references(user.resource, context.resource_type)
    links = UserLinks.parse(user.links_json).links
    stored = {(link.attribute, link.identifier_hash): link.user_id for link in links}
    recomputed = resolve_links(
        user.resource,
        context.resource_type,
        lambda attribute, value: stored.get((attribute, hash_identifier(value))),
    )
    unexplained: Targets = [("", link.user_id) for link in links if link not in recomputed]
    hashes = {(reference.attribute, hash_identifier(reference.value)) for reference in references}
    return [*unexplained, *((identifier_hash, stored.get((name, identifier_hash))) for name, identifier_hash in hashes)]


def find_wrong_links(context: CheckContext, ids: Sequence[str]) -> Iterator[CheckResult]:
    """Yield which of the users have links that their references do not resolve to."""
    look_up = cache(ReferenceResolver(context.link_store, context.resource_type, context.now).look_up_user_id)
    user_items = context.get_user_items(ids)
    for user_id, item in user_items.items():
        user = context.parse(item)
        if user is None or context.is_recent(user.modified):
            continue
        before = UserLinks.parse(user.links_json).links
        links = resolve_links(user.resource, context.resource_type, lambda _, value: look_up(value))
        if links == before or _is_any_recent(context, {link.user_id for link in (*before, *links)}):
            continue
        if is_same_version(item, context.get_user_item(user_id)):
            attributes = ", ".join(list_changed_link_attributes(before, links)) or "position of the $ref"
            finding = Finding(FindingKind.LINK_WRONG, user_id, attributes)
            yield CheckResult(finding, Repair(resolved_user_id=user_id))


def _is_any_recent(context: CheckContext, ids: set[str]) -> bool:
    """Return whether one of the users was changed or deleted within the last hour."""
    user_items = context.get_user_items(ids)
    users = filter(None, map(context.parse, user_items.values()))
    if any(context.is_recent(user.modified) for user in users):
        return True
    histories = (
        read_history(context.table, context.tenant_id, user_id, context.now()) for user_id in ids - user_items.keys()
    )
    return any(history.last is not None and context.is_recent(history.last["at"]["S"]) for history in histories)
