"""Open problems of a tenant, and the state of the users that decides which failures are still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scim.service.model.identifiers import Identifier
from scim.service.tenants.health import HealthState


@dataclass(frozen=True, slots=True)
class UserWriteState:
    """What is stored of a user. ``modified`` is the time of the last write (RFC 3339 in UTC)."""

    id: str
    is_active: bool
    modified: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Failures with the same cause that no success has followed.

    Attributes:
        cause: The rule that the requests violated and its attribute, such as ``required userName``, or the state of the
            health. It is the same as long as the problem is open.
        summary: The cause in one sentence, with the number of people. It names no person.
        remediation: What to change in the identity provider, in sentences.
        first_at: When it failed first since the last success (RFC 3339 in UTC), empty if that is unknown.
        last_at: When it failed last (RFC 3339 in UTC), empty if that is unknown.
        people_count: The number of people whose requests failed, 0 if the problem is not about people.
        request_count: The number of failed requests.
        people: The identifiers of the people whose requests failed last.
    """

    cause: str
    summary: str
    remediation: str
    first_at: str = ""
    last_at: str = ""
    people_count: int = 0
    request_count: int = 0
    people: Sequence[Identifier] = ()


@dataclass(frozen=True, slots=True)
class OpenProblems:
    """The open problems of a tenant, the most urgent first.

    If ``is_complete`` is false, only the newest failures were examined. There may then be more problems and people.
    """

    problems: Sequence[Problem] = ()
    is_complete: bool = True

    @property
    def count(self) -> str:
        """The number of problems, as text."""
        number = len(self.problems)
        return str(number) if self.is_complete else f"at least {number}"


@dataclass(frozen=True, slots=True)
class TenantProblems:
    """The health and the open problems of a tenant.

    ``user_names`` are the user names of the people that the requests identify only by their id, by id.
    """

    id: str
    health_state: HealthState
    open_problems: OpenProblems
    user_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_readable(self) -> bool:
        """Whether the tenant could be read: always true here, see ``UnreadableTenant``."""
        return True
