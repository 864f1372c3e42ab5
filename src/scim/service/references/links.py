"""Links: whom the references of a user lead to.

A link stands beside the document and not in it: so the document stays exactly as the client sent it, whoever arrives
and whoever leaves, and a link is no new version. It shows as a ``$ref`` (RFC 7643 section 2.4), spliced into the
document at the place that was worked out when the link was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from scim.protocol.references import Reference, find_references
from scim.protocol.resource import Resource
from scim.protocol.schema import ResourceType
from scim.service.model.identifiers import IDENTIFYING_ATTRIBUTES, identifier_hash
from scim.service.model.resolved_references import ResolvedReference, ResolvedReferences
from scim.service.model.stored_resource import StoredResource, encode_json

# No canonical document holds a null, and in a string the quotes would be escaped.
_MARK = ',"$ref":null}'
_ID = re.compile(r"[0-9a-f-]{36}")

ClientRefs = Mapping[tuple[str, str], str]
"""For an attribute and its value the id of the user that a client says is meant."""


def resolve_links(
    user: StoredResource, resource_type: ResourceType, target: Callable[[str, str], str | None]
) -> tuple[ResolvedReference, ...]:
    """The links of a user, where ``target`` tells for an attribute's value which user it leads to, if any."""
    found = ((each, target(each.attribute, each.value)) for each in find_references(user.resource, resource_type))
    return tuple(
        ResolvedReference(each.attribute, identifier_hash(each.value), to, _place(user, each))
        for each, to in found
        if to is not None
    )


def extract_client_refs(resource: Resource, resource_type: ResourceType, base_url: str) -> tuple[Resource, ClientRefs]:
    """A resource without each ``$ref`` to a user under ``base_url``, and what these say.

    That is for links to say, and clients send back what they have read, now or long ago. Any other ``$ref`` is content.
    """
    claims: dict[tuple[str, str], str] = {}
    for each in find_references(resource, resource_type):
        beginning, _, user_id = (each.ref or "").rpartition("/")
        if beginning == f"{base_url}{resource_type.endpoint}" and _ID.fullmatch(user_id):
            claims[each.attribute, each.value] = user_id
            resource = each.revised(resource, _without_ref)
    return resource, claims


def carry_over_links(
    before: StoredResource | None, after: StoredResource, resource_type: ResourceType, claims: ClientRefs
) -> None:
    """Let the next version keep the links of the references that it keeps, and show what the client claims.

    Links whose reference is gone have no place any more, and stay until the change is followed and their end is told;
    then claims are looked up, too.
    """
    old = ResolvedReferences.read(before.links).links if before else ()
    if not (old or claims):
        return
    ids = {(each.attribute, each.identifier_hash): each.id for each in old}
    kept = resolve_links(after, resource_type, lambda attribute, value: ids.get((attribute, identifier_hash(value))))
    known = {(each.attribute, each.identifier_hash) for each in kept}
    ended = [replace(each, place=None) for each in old if (each.attribute, each.identifier_hash) not in known]
    said = resolve_links(after, resource_type, lambda *reference: claims.get(reference))
    # What was shown with the value before is no claim for the new one.
    known |= {(each.attribute, each.id) for each in old}
    new = [replace(each, identifier_hash="") for each in said if known.isdisjoint(_names(each))]
    after.links = ResolvedReferences(links=(*kept, *ended, *new)).text


def insert_refs(document: str, links: str, location: Callable[[str], str]) -> str:
    """The document with the ``$ref`` of each link; ``location`` gives the URL of a user by its id."""
    parts, done = [], 0
    for link in sorted(ResolvedReferences.read(links).links, key=lambda each: each.place or 0):
        if link.place is not None:
            parts += [document[done : link.place], f',"$ref":{encode_json(location(link.id))}']
            done = link.place
    return "".join([*parts, document[done:]])


def changed_attributes(before: Iterable[ResolvedReference], after: Iterable[ResolvedReference]) -> list[str]:
    """The names of the attributes whose links differ."""
    old, new = _targets(before), _targets(after)
    return [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]


def may_affect_links(before: StoredResource | None, after: StoredResource | None, resource_type: ResourceType) -> bool:
    """Return whether a change can alter anybody's links.

    It can if it alters by whom the user can be found, if the user refers to somebody, or if it has links. Every change
    of a user that refers to somebody counts, not only one of the reference: so a user that was stored before the schema
    made its attribute a reference is linked at its next change.
    """
    if before is None or after is None:
        return True
    if any(before.resource.get(name) != after.resource.get(name) for name in IDENTIFYING_ATTRIBUTES):
        return True
    return any(each.links or find_references(each.resource, resource_type) for each in (before, after))


def find_reference_hashes(user: StoredResource | None, resource_type: ResourceType) -> frozenset[str]:
    """Return the hashes of the identifiers by which a user refers to others; none without a user."""
    found = find_references(user.resource, resource_type) if user else ()
    return frozenset(identifier_hash(each.value) for each in found)


def _names(link: ResolvedReference) -> set[tuple[str, str]]:
    return {(link.attribute, link.identifier_hash), (link.attribute, link.id)}


def _targets(links: Iterable[ResolvedReference]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in links:
        found.setdefault(each.attribute, []).append(each.id)
    return found


def _place(user: StoredResource, reference: Reference) -> int | None:
    if not reference.has_room:
        return None
    return encode_json(reference.revised(user.resource, _marked)).index(_MARK)


def _marked(members: dict[str, Any]) -> dict[str, Any]:
    return {**members, "$ref": None}


def _without_ref(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name != "$ref"}
