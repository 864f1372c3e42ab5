"""What the services need to know about a request besides its body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scim.protocol.leniency import LeniencyTracker
from scim.service.deadline import Deadline
from scim.service.model.tenant import Tenant
from scim.service.ports import CursorSigner


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The context of one request. ``now`` returns the seconds since 1970, ``new_id`` a random lower-case UUID."""

    tenant: Tenant
    request_id: str
    base_url: str
    leniencies: LeniencyTracker
    deadline: Deadline
    cursor_signer: CursorSigner
    now: Callable[[], float]
    new_id: Callable[[], str]
