"""Resolve the references of a user to links, and carry links over to its next version.

Links are stored next to the document, not in it. So the document stays the same when other users are created or
deleted, and a new link does not create a new version of the user. Responses show a link as a ``$ref`` (RFC 7643 section
2.4, :mod:`scim.service.references.ref_insertion`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from scim.protocol.references import find_references, iterate_references
from scim.protocol.resource import Resource
from scim.protocol.schema import ResourceType
from scim.service.model.identifiers import IDENTIFYING_ATTRIBUTES, hash_identifier
from scim.service.model.links import Link, UserLinks
from scim.service.model.stored_resource import StoredResource
from scim.service.references.ref_insertion import find_ref_position

_USER_ID = re.compile(r"[0-9a-f-]{36}")

ClientRefs = Mapping[tuple[str, str], str]
"""The ids of users in the ``$ref`` values of a client's request, by attribute and value of the reference."""


def resolve_links(
    resource: Resource, resource_type: ResourceType, find_target: Callable[[str, str], str | None]
) -> tuple[Link, ...]:
    """Return the links of a resource.

    ``find_target`` receives the attribute and the value of a reference. It returns the id of the user that the
    reference identifies, ``None`` if there is none.
    """
    references = find_references(resource, resource_type)
    targets = [find_target(reference.attribute, reference.value) for reference in references]
    return tuple(
        Link(reference.attribute, hash_identifier(reference.value), user_id, find_ref_position(resource, reference))
        for reference, user_id in zip(references, targets, strict=True)
        if user_id is not None
    )


def extract_client_refs(resource: Resource, resource_type: ResourceType, base_url: str) -> tuple[Resource, ClientRefs]:
    """Remove the ``$ref`` values that point to users of this service, and return the resource and these values.

    Clients send back the ``$ref`` values that they have read. They are not stored, since links replace them. Any other
    ``$ref`` is content, and stays in the resource.

    The values of all references are removed, even beyond the limit of :func:`find_references`. Which references are
    within the limit depends on the schemas and on the other values, and both can have changed since the client read.
    """
    client_refs: dict[tuple[str, str], str] = {}
    for reference in iterate_references(resource, resource_type):
        collection_url, _, user_id = (reference.ref or "").rpartition("/")
        if collection_url == f"{base_url}{resource_type.endpoint}" and _USER_ID.fullmatch(user_id):
            client_refs[reference.attribute, reference.value] = user_id
            resource = reference.replace_in(resource, _remove_ref)
    return resource, client_refs


def carry_over_links(
    links: UserLinks,
    resource: Resource,
    resource_type: ResourceType,
    client_refs: ClientRefs,
    before: Resource | None = None,
) -> UserLinks:
    """Return the links of the next version of a user.

    ``resource`` is its document, ``before`` is the present one, and ``links`` are the present links.

    - References that still exist keep their links.
    - Links of removed references are kept without a position. A link task publishes their removal and deletes them.
    - A ``$ref`` from the client becomes a link until a link task has resolved its reference.
    """
    links_before = links.links
    if not (links_before or client_refs):
        return UserLinks()
    user_ids = {(link.attribute, link.identifier_hash): link.user_id for link in links_before}
    carried_over = resolve_links(
        resource, resource_type, lambda attribute, value: user_ids.get((attribute, hash_identifier(value)))
    )
    current_references = {(link.attribute, link.identifier_hash) for link in carried_over}
    removed = [
        replace(link, position=None)
        for link in links.published_links
        if (link.attribute, link.identifier_hash) not in current_references
    ]
    # A client that changes a reference may send back the $ref of the old value, which does not apply to the new value.
    references_before = find_references(before or {}, resource_type)
    unchanged = {(reference.attribute, hash_identifier(reference.value)) for reference in references_before}
    shown_before = {(link.attribute, link.user_id) for link in links_before}
    from_client = [
        replace(link, identifier_hash="")
        for link in resolve_links(resource, resource_type, lambda *reference: client_refs.get(reference))
        if (link.attribute, link.identifier_hash) not in current_references
        and ((link.attribute, link.identifier_hash) in unchanged or (link.attribute, link.user_id) not in shown_before)
    ]
    return UserLinks(links=(*carried_over, *removed, *from_client))


def list_changed_link_attributes(before: Iterable[Link], after: Iterable[Link]) -> list[str]:
    """Return the names of the attributes whose links differ between two versions."""
    old, new = _group_user_ids_by_attribute(before), _group_user_ids_by_attribute(after)
    return [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]


def may_affect_links(before: StoredResource | None, after: StoredResource | None, resource_type: ResourceType) -> bool:
    """Return whether a change of a user may affect links, its own or those of other users.

    It may if it changes an identifier of the user, or if the user has references or links. For a user with references
    every change counts, not only a change of a reference. One reason is that a schema may turn an attribute into a
    reference later: a user that was stored before gets its links with its next change.
    """
    if before is None or after is None:
        return True
    if any(before.resource.get(name) != after.resource.get(name) for name in IDENTIFYING_ATTRIBUTES):
        return True
    return any(user.links_json or find_references(user.resource, resource_type) for user in (before, after))


def find_reference_hashes(user: StoredResource | None, resource_type: ResourceType) -> frozenset[str]:
    """Return the hashes of the identifiers in the references of a user; an empty set if there is no user."""
    references = find_references(user.resource, resource_type) if user else ()
    return frozenset(hash_identifier(reference.value) for reference in references)


def _group_user_ids_by_attribute(links: Iterable[Link]) -> Mapping[str, list[str]]:
    user_ids: dict[str, list[str]] = {}
    for link in links:
        user_ids.setdefault(link.attribute, []).append(link.user_id)
    return user_ids


def _remove_ref(value: dict[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in value.items() if name != "$ref"}
