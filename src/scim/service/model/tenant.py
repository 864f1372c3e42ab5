"""A tenant: a customer, with its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scim.protocol.schema import ResourceType, user_type
from scim.service.model.attribute_shapes import Shapes, find_partly_served
from scim.service.model.token import TokenState


@dataclass(frozen=True)
class Tenant:
    """A customer: its settings as the store has them. ``extensions`` are schema documents of its own, ``shapes`` those
    of all attributes that it ever had (:mod:`scim.service.model.attribute_shapes`).

    A tenant that is not ``connected`` keeps its users. ``version`` is the settings' own; each write takes the next.
    Invitations of another ``generation`` than this one are over, and so are the sessions that came of them.
    """

    id: str
    strict: bool = False
    extensions: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    shapes: Shapes = field(default_factory=dict)
    connected: bool = True
    token: TokenState = field(default_factory=TokenState)
    version: int = 1
    generation: int = 0

    @cached_property
    def resource_types(self) -> tuple[ResourceType, ...]:
        """What is served to this tenant."""
        if not self.extensions:
            return (user_type(),)
        return (user_type().extended(self.extensions, find_partly_served(self.shapes, self.extensions)),)
