"""The context of a request: everything that the use cases need apart from its body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scim.protocol.leniency import LeniencyTracker
from scim.service.deactivation_guard import DeactivationGuard
from scim.service.deadline import Deadline
from scim.service.model.tenant import Tenant
from scim.service.ports import CursorSigner
from scim.service.rate_limit.limiter import RequestPermits


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The context of one request.

    ``base_url`` is the SCIM URL, without a slash at the end. ``now`` returns the seconds since 1970. ``new_id`` returns
    a random lower-case UUID.
    """

    tenant: Tenant
    request_id: str
    base_url: str
    leniencies: LeniencyTracker
    deadline: Deadline
    cursor_signer: CursorSigner
    deactivation_guard: DeactivationGuard
    permits: RequestPermits
    now: Callable[[], float]
    new_id: Callable[[], str]
