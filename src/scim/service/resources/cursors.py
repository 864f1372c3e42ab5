"""Cursors (RFC 9865): a client's place in the pages of a query, kept by the client.

Nothing is stored for one. It holds ids and digests and no personal value, it is sealed, so that none can be made up,
and it is good for the tenant and the query that it was given out for, and for an hour.
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

# Version and direction, size of a page, total at the first page, digest of the query; then 24 bytes an anchor.
_HEAD = struct.Struct(">BHI8s")
_ANCHOR = struct.Struct(">16s8s")
_FORWARDS, _BACKWARDS = 0x10, 0x11


@dataclass(frozen=True, slots=True)
class CursorCodec:
    """Makes and reads the cursors of one tenant's query."""

    signer: CursorSigner
    tenant_id: str
    query: str

    def decode(self, text: str, count: int | None) -> tuple[CursorPosition, int]:
        """Where a cursor leads, and the size of the page; empty text is the first page.

        Raises :class:`InvalidCursor`, :class:`ExpiredCursor`, :class:`InvalidCount`.
        """
        if count is not None and not 0 <= count <= MAX_RESULTS:
            raise InvalidCount(f"count must be from 0 to {MAX_RESULTS} with a cursor.")
        if not text:
            return CursorPosition(), MAX_RESULTS if count is None else count
        opened = self.signer.verify(self.tenant_id, text)
        if opened is None or len(opened.content) < _HEAD.size:
            raise InvalidCursor("The cursor is none of this service: begin with an empty one, then send nextCursor.")
        if opened.age_s > CURSOR_TIMEOUT_S:
            raise ExpiredCursor(f"A cursor can be used for {CURSOR_TIMEOUT_S} seconds: start again with an empty one.")
        direction, size, total, query = _HEAD.unpack_from(opened.content)
        if query != self._digest:
            raise InvalidCursor("The cursor belongs to another query: filter and sort must stay as they were.")
        if count is not None and count != size:
            raise InvalidCount(f"count was {size} when the cursor was given out: it must stay the same.")
        anchors = [
            PageBoundary(str(UUID(bytes=each)), own) for each, own in _ANCHOR.iter_unpack(opened.content[_HEAD.size :])
        ]
        return CursorPosition(anchors, direction == _BACKWARDS, total), size

    def encode(
        self, anchors: Sequence[PageBoundary] | None, total: int, count: int, *, backwards: bool = False
    ) -> str | None:
        """The cursor that leads beside the anchors; none without any."""
        if anchors is None:
            return None
        head = _HEAD.pack(_BACKWARDS if backwards else _FORWARDS, count, total, self._digest)
        packed = (_ANCHOR.pack(UUID(each.id).bytes, each.digest) for each in anchors)
        return self.signer.sign(self.tenant_id, head + b"".join(packed))

    @property
    def _digest(self) -> bytes:
        return sha256(self.query.encode()).digest()[:8]
