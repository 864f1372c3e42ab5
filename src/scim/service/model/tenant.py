"""A tenant: a customer, with its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scim.protocol.schema import ResourceType, load_user_type
from scim.service.model.attribute_types import AttributeTypes, find_reduced_schemas
from scim.service.model.token import TokenState


@dataclass(frozen=True)
class Tenant:
    """A customer and its stored settings.

    ``custom_schemas`` are the schema documents that extend its users, ``attribute_types`` the types of all custom
    attributes that it ever had (:mod:`scim.service.model.attribute_types`). A tenant that is not connected keeps its
    users. ``version`` is the version of the settings: each write increases it by one. Invitations and the sessions
    that they open end when ``invitation_epoch`` increases.
    """

    id: str
    is_strict: bool = False
    custom_schemas: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    attribute_types: AttributeTypes = field(default_factory=dict)
    is_connected: bool = True
    token: TokenState = field(default_factory=TokenState)
    version: int = 1
    invitation_epoch: int = 0

    @cached_property
    def resource_types(self) -> tuple[ResourceType, ...]:
        """Return the resource types that are served to this tenant, with its custom attributes."""
        if not self.custom_schemas:
            return (load_user_type(),)
        return (
            load_user_type().with_extensions(
                self.custom_schemas, find_reduced_schemas(self.attribute_types, self.custom_schemas)
            ),
        )
