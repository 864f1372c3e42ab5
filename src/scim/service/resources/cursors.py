"""Encode and decode cursors (RFC 9865): positions in the pages of a query.

A cursor contains the whole position, so the server stores nothing. It consists of ids and digests, without personal
data. It is signed, so clients cannot forge it. It is valid for one hour, and only for its tenant and its query.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from scim.protocol.errors import ExpiredCursor, InvalidCount, InvalidCursor
from scim.service.limits import CURSOR_TIMEOUT_S, MAX_RESULTS
from scim.service.model.query import CursorPosition, PageBoundary
from scim.service.ports import CursorSigner

# The header: direction, page size, total at the first page, digest of the query. 24 bytes for each boundary follow.
_HEADER = struct.Struct(">BHI8s")
_BOUNDARY = struct.Struct(">16s8s")
_FORWARDS, _BACKWARDS = 0x10, 0x11
"""The values of the direction. They also contain the version of the format."""


@dataclass(frozen=True, slots=True)
class CursorCodec:
    """Encodes and decodes the cursors of a query of one tenant.

    ``query_text`` is :attr:`scim.service.model.query.Query.canonical_text`.
    """

    signer: CursorSigner
    tenant_id: str
    query_text: str

    def decode(self, cursor: str, count: int | None) -> tuple[CursorPosition, int]:
        """Return the position in a cursor, and the page size. An empty cursor is the position of the first page.

        ``count`` is the page size in the request, ``None`` if it is missing. Raise :class:`InvalidCursor`,
        :class:`ExpiredCursor` and :class:`InvalidCount`.
        """
        if count is not None and not 0 <= count <= MAX_RESULTS:
            raise InvalidCount(f"With a cursor, count must be from 0 to {MAX_RESULTS}.")
        if not cursor:
            return CursorPosition(), MAX_RESULTS if count is None else count
        verified = self.signer.verify(self.tenant_id, cursor)
        if verified is None or len(verified.content) < _HEADER.size:
            raise InvalidCursor("The cursor is not valid. Start with an empty cursor, then send nextCursor.")
        if verified.age_s > CURSOR_TIMEOUT_S:
            raise ExpiredCursor(
                f"The cursor has expired. It is valid for {CURSOR_TIMEOUT_S} seconds. Start again with an empty cursor."
            )
        direction, size, total, query_digest = _HEADER.unpack_from(verified.content)
        if query_digest != self._query_digest:
            raise InvalidCursor(
                "The cursor belongs to another query. Send the same filter and sort order with each page."
            )
        if count is not None and count != size:
            raise InvalidCount(f"The cursor was issued for count={size}. Send the same count with each page.")
        boundaries = [
            PageBoundary(str(UUID(bytes=resource_id)), digest)
            for resource_id, digest in _BOUNDARY.iter_unpack(verified.content[_HEADER.size :])
        ]
        return CursorPosition(boundaries, direction == _BACKWARDS, total), size

    def encode(
        self, boundaries: Sequence[PageBoundary] | None, total: int, count: int, *, is_backwards: bool = False
    ) -> str | None:
        """Return the cursor of the page after the boundaries, or before them if ``is_backwards``.

        ``total`` is the number of matching resources, ``count`` is the page size. Return ``None`` if ``boundaries`` is
        ``None``: there is no such page.
        """
        if boundaries is None:
            return None
        header = _HEADER.pack(_BACKWARDS if is_backwards else _FORWARDS, count, total, self._query_digest)
        packed = (_BOUNDARY.pack(UUID(boundary.id).bytes, boundary.digest) for boundary in boundaries)
        return self.signer.sign(self.tenant_id, header + b"".join(packed))

    @property
    def _query_digest(self) -> bytes:
        return sha256(self.query_text.encode()).digest()[:8]
