"""The selection of users that the address of the list contains: search, state, order and position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self, TypeVar
from urllib.parse import urlencode

from scim.service.model.query import ListOrder
from scim.service.model.stored_resource import StoredResource, UserState

_MAX_SEARCH_LENGTH = 200
_DESCENDING, _ASCENDING = "descending", "ascending"

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class UserSelection:
    """Which users a page of the list shows, and in which order.

    Attributes:
        search: An identifier, or a part of a name; empty for all users.
        state: Whether only active or only inactive users are shown.
        order: The order of the list.
        is_descending: Whether the order is reversed.
        after: The position after which the page begins.
        before: The position before which the page ends. At most one of the two positions is set.
    """

    search: str = ""
    state: UserState | None = None
    order: ListOrder = ListOrder.USER_NAME
    is_descending: bool = False
    after: str = ""
    before: str = ""

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> Self:
        """Return the selection in the parameters of an address. A value that is not known counts as missing."""
        order = _parse(ListOrder, parameters.get("sort", "")) or ListOrder.USER_NAME
        return cls(
            search=parameters.get("search", "").strip()[:_MAX_SEARCH_LENGTH],
            state=_parse(UserState, parameters.get("state", "")),
            order=order,
            is_descending=parameters.get("order", _get_default_direction(order)) == _DESCENDING,
            after=parameters.get("after", ""),
            before="" if "after" in parameters else parameters.get("before", ""),
        )

    def matches(self, user: StoredResource) -> bool:
        """Return whether a user has the state of the selection."""
        return self.state is None or user.state is self.state

    def with_state(self, state: UserState | None) -> UserSelection:
        """Return the first page of the selection with another state."""
        return replace(self, state=state, after="", before="")

    def with_order(self, order: ListOrder) -> UserSelection:
        """Return the first page in an order. Reverse the order if it is already that of the selection."""
        is_descending = not self.is_descending if order is self.order else _is_descending_by_default(order)
        return replace(self, order=order, is_descending=is_descending, after="", before="")

    def with_position(self, *, after: str = "", before: str = "") -> UserSelection:
        """Return another page of the selection."""
        return replace(self, after=after, before=before)

    def describe_order(self, order: ListOrder) -> str:
        """Return the value of ``aria-sort`` for the column of an order."""
        if order is not self.order:
            return "none"
        return _DESCENDING if self.is_descending else _ASCENDING

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that differ from those of the plain list."""
        direction = _DESCENDING if self.is_descending else _ASCENDING
        parameters = {
            "search": self.search,
            "state": self.state or "",
            "sort": "" if self.order is ListOrder.USER_NAME else self.order,
            "order": "" if direction == _get_default_direction(self.order) else direction,
            "after": self.after,
            "before": self.before,
        }
        return {name: value for name, value in parameters.items() if value}

    @property
    def query(self) -> str:
        """The query string of the selection with its question mark, empty for the plain list."""
        return f"?{urlencode(self.parameters)}" if self.parameters else ""


def _parse(enum: type[E], value: str) -> E | None:
    return enum(value) if value in list(enum) else None


def _is_descending_by_default(order: ListOrder) -> bool:
    """Return whether an order is reversed unless the person chooses otherwise: the newest changes come first."""
    return order is ListOrder.LAST_MODIFIED


def _get_default_direction(order: ListOrder) -> str:
    return _DESCENDING if _is_descending_by_default(order) else _ASCENDING
