"""Parse and check preconditions: ``If-Match`` and ``If-None-Match`` (RFC 7644 section 3.14, RFC 9110 section 13)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scim.protocol.errors import BadRequest, PreconditionFailed
from scim.service.model.stored_resource import format_etag

# RFC 9110 sections 8.8.3 and 5.6.1.2: a tag may contain commas, and a list may contain empty elements.
# The character class excludes characters, since a class of all allowed characters takes 5 ms to compile.
_ENTITY_TAG = r'(?:W/)?("[^\x00-\x20"\x7f]*")'
_VERSION = re.compile(r'"([0-9]+)(?:-[0-9a-f]+)?"')
"""An opaque tag of Muster (:func:`format_etag`), and the version in it."""
_ENTITY_TAGS = re.compile(rf"[\s,]*{_ENTITY_TAG}(?:\s*,[\s,]*{_ENTITY_TAG})*[\s,]*")


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The preconditions of a request.

    Each field has the opaque tags in a header, with their quotes. ``{"*"}`` matches any version. ``None`` means that
    the header is missing. Tags are compared weakly (RFC 9110 section 8.8.3.2), because all tags of Muster are weak.

    A write compares only the versions in the tags. So it does not fail if only a link of the user has changed, which
    the write keeps. A read compares whole tags, so that 304 always means that the response would be the same.
    """

    if_match: frozenset[str] | None = None
    if_none_match: frozenset[str] | None = None

    @classmethod
    def parse(cls, if_match: str | None, if_none_match: str | None) -> Preconditions:
        """Parse the headers. Raise :class:`BadRequest` if one is not a list of entity tags."""
        return cls(_parse_header(if_match, "If-Match"), _parse_header(if_none_match, "If-None-Match"))

    def check(self, version: int | None) -> None:
        """Raise :class:`PreconditionFailed` unless the current version meets the preconditions.

        ``version`` is ``None`` if there is no resource.
        """
        if self.if_match is not None and not _matches(self.if_match, version):
            if version is None:
                raise PreconditionFailed("There is no user yet that If-Match could match. Send the request without it.")
            raise PreconditionFailed("The user was changed since it was read. Read it again, then send the change.")
        if self.if_none_match is not None and _matches(self.if_none_match, version):
            raise PreconditionFailed("The user still has the version in If-None-Match.")

    def is_not_modified(self, etag: str) -> bool:
        """Return whether ``If-None-Match`` contains an entity tag. A GET is then answered with 304."""
        tags = self.if_none_match or frozenset()
        return "*" in tags or etag.removeprefix("W/") in tags


def _parse_header(header: str | None, name: str) -> frozenset[str] | None:
    """Return the opaque tags in a header, ``None`` if the header is missing. Raise :class:`BadRequest`."""
    if header is None:
        return None
    if header.strip() == "*":
        return frozenset("*")
    if not _ENTITY_TAGS.fullmatch(header):
        raise BadRequest(f"{name} must be * or a list of versions as in meta.version, such as {format_etag(1)}.")
    return frozenset(re.findall(_ENTITY_TAG, header))


def _matches(tags: frozenset[str], version: int | None) -> bool:
    """Return whether a tag contains this version."""
    versions = {match[1] for tag in tags if (match := _VERSION.fullmatch(tag))}
    return version is not None and ("*" in tags or str(version) in versions)
