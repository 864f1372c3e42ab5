"""Preconditions: ``If-Match`` and ``If-None-Match`` (RFC 7644 section 3.14, RFC 9110 section 13)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scim.protocol.errors import BadRequest, PreconditionFailed
from scim.service.model.stored_resource import etag

# RFC 9110 sections 8.8.3 and 5.6.1.2: a tag may have a comma in it, and a list may have empty elements.
# The class excludes characters, since one that lists all allowed characters takes 5 ms to compile.
_TAG = r'(?:W/)?("[^\x00-\x20"\x7f]*")'
_TAGS = re.compile(rf"[\s,]*{_TAG}(?:\s*,[\s,]*{_TAG})*[\s,]*")


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The opaque tags in the two headers, with their quotes; ``{"*"}`` is any version, ``None`` is no header.

    Tags are compared weakly (RFC 9110 section 8.8.3.2): all tags of this service are weak.
    """

    if_match: frozenset[str] | None = None
    if_none_match: frozenset[str] | None = None

    @classmethod
    def parse(cls, if_match: str | None, if_none_match: str | None) -> Preconditions:
        """Parse the headers. Raises :class:`BadRequest` if one is not a list of entity tags."""
        return cls(_parse(if_match, "If-Match"), _parse(if_none_match, "If-None-Match"))

    def check(self, version: int | None) -> None:
        """Raise :class:`PreconditionFailed` unless the current version meets them; ``None`` if there is no resource."""
        if self.if_match is not None and not _matches(self.if_match, version):
            raise PreconditionFailed("The user has changed since it was read: read it again, then send the change.")
        if self.is_not_modified(version):
            raise PreconditionFailed("If-None-Match names the version that the user has.")

    def is_not_modified(self, version: int | None) -> bool:
        """Return whether ``If-None-Match`` has the current version; then a GET is answered with 304."""
        return self.if_none_match is not None and _matches(self.if_none_match, version)


def _parse(header: str | None, name: str) -> frozenset[str] | None:
    if header is None:
        return None
    if header.strip() == "*":
        return frozenset("*")
    if not _TAGS.fullmatch(header):
        raise BadRequest(f"{name} must be * or a list of versions such as {etag(1)}, as meta.version has them.")
    return frozenset(re.findall(_TAG, header))


def _matches(tags: frozenset[str], version: int | None) -> bool:
    return version is not None and ("*" in tags or f'"{version}"' in tags)
