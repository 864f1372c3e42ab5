"""Compare the results of two implementations: equal, different on purpose, or different."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Request = str | list[dict[str, Any]]
"""A filter, or the operations of a PATCH."""


@dataclass(frozen=True)
class Rejection:
    """The result of a rejected request, with the ``scimType`` of the error."""

    scim_type: str | None


@dataclass(frozen=True)
class Case:
    """A request about some users, its two results, and the leniencies that ours used."""

    users: Sequence[dict[str, Any]]
    request: Request
    ours: Any
    theirs: Any
    leniencies: Sequence[str]


@dataclass(frozen=True)
class Difference:
    """A difference on purpose: the reason, the cases, and examples."""

    name: str
    reason: str
    applies: Callable[[Case], bool]
    examples: Sequence[Request]


@dataclass
class Tally:
    """The number of equal results, of different results by the name of the difference, and the unexplained cases."""

    equal: int = 0
    different: Counter[str] = field(default_factory=Counter)
    unexplained: list[Case] = field(default_factory=list)

    def __str__(self) -> str:
        names = "".join(f"\n    {count:6,} {name}" for name, count in sorted(self.different.items()))
        return (
            f"{self.equal:,} equal, {self.different.total():,} different on purpose, "
            f"{len(self.unexplained):,} different{names}"
        )


def compare(cases: Iterable[Case], differences: Sequence[Difference]) -> Tally:
    tally = Tally()
    for case in cases:
        if case.ours == case.theirs:
            tally.equal += 1
        elif names := [difference.name for difference in differences if difference.applies(case)]:
            tally.different[names[0]] += 1
        else:
            tally.unexplained.append(case)
    return tally
