"""List the references of a user, and the users who refer to it, for people who look at the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from scim.protocol.references import Reference, find_references
from scim.protocol.schema import ResourceType
from scim.service.model.identifiers import hash_identifier, identify_user
from scim.service.model.links import Link, UserLinks
from scim.service.model.stored_resource import StoredResource
from scim.service.ports import LinkStore
from scim.service.references.ref_insertion import find_ref_position

MAX_REFERRERS = 50
"""The maximum number of users who refer to a user that are listed."""
_MAX_IDENTIFIERS = 10
"""The maximum number of identifiers by which they are searched: one query for each."""


@dataclass(frozen=True, slots=True)
class UserReference:
    """A reference of a user: the attribute, its value, and the user that it identifies.

    ``user`` is ``None`` while the reference waits: no user, or more than one, has the value as an identifier.
    """

    attribute: str
    value: str
    user: StoredResource | None


@dataclass(frozen=True, slots=True)
class Referrer:
    """A user who refers to another one, and the attributes that do. ``is_resolved`` is false if one of them waits."""

    user: StoredResource
    attributes: Sequence[str]
    is_resolved: bool


@dataclass(frozen=True, slots=True)
class UserReferences:
    """The references of a user, and some users who refer to it. ``has_more_referrers`` says whether there are more."""

    references: Sequence[UserReference]
    referrers: Sequence[Referrer]
    has_more_referrers: bool


def load_references(store: LinkStore, user: StoredResource, resource_type: ResourceType) -> UserReferences:
    """Return the references of a user, and at most 50 users who refer to it.

    A user has at most 50 resolved references. The referrers are searched by the first 10 identifiers of the user. So
    there are at most 12 calls to DynamoDB.
    """
    user_ids = [_find_user_id(reference, user) for reference in find_references(user.resource, resource_type)]
    targets = store.get_all({user_id for user_id in user_ids if user_id is not None})
    references = [
        UserReference(reference.attribute, reference.value, targets.get(user_id or ""))
        for reference, user_id in zip(find_references(user.resource, resource_type), user_ids, strict=True)
    ]
    identifiers = dict.fromkeys([user.id, *(value for _, value in identify_user(user.resource).identifiers)])
    hashes = list(dict.fromkeys(map(hash_identifier, identifiers)))
    referrer_ids = dict.fromkeys(
        referrer_id
        for identifier_hash in hashes[:_MAX_IDENTIFIERS]
        for referrer_id in store.list_referrers(identifier_hash, "", MAX_REFERRERS + 1)
    )
    referring_users = store.get_all(list(islice(referrer_ids, MAX_REFERRERS)))
    referrers = (_describe_referrer(other, user, hashes, resource_type) for other in referring_users.values())
    return UserReferences(
        references,
        sorted((referrer for referrer in referrers if referrer.attributes), key=lambda referrer: referrer.user.id),
        len(referrer_ids) > MAX_REFERRERS or len(hashes) > _MAX_IDENTIFIERS,
    )


def _describe_referrer(
    other: StoredResource, user: StoredResource, hashes: Sequence[str], resource_type: ResourceType
) -> Referrer:
    """Return how another user refers to ``user``. It has no attributes if the other user does not do so any more."""
    own = [
        reference
        for reference in find_references(other.resource, resource_type)
        if _find_user_id(reference, other) == user.id or hash_identifier(reference.value) in hashes
    ]
    return Referrer(
        other,
        list(dict.fromkeys(reference.attribute for reference in own)),
        all(_find_user_id(reference, other) == user.id for reference in own),
    )


def _find_user_id(reference: Reference, owner: StoredResource) -> str | None:
    """Return the id of the user to which a reference of ``owner`` is linked, ``None`` if it is not linked."""
    links = UserLinks.parse(owner.links_json).links
    return next((link.user_id for link in links if _belongs_to(link, reference, owner)), None)


def _belongs_to(link: Link, reference: Reference, owner: StoredResource) -> bool:
    """Return whether a link is that of a reference. Until a task has resolved it, only its position shows that."""
    if link.attribute != reference.attribute:
        return False
    if link.identifier_hash:
        return link.identifier_hash == hash_identifier(reference.value)
    return link.position is not None and link.position == find_ref_position(owner.resource, reference)
