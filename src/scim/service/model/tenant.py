"""Tenants: customers and their settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scim.protocol.schema import ResourceType, load_user_type
from scim.service.model.attribute_types import AttributeTypes, find_reduced_schemas
from scim.service.model.deactivations.brake import BrakeSettings
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.token import TokenState

TENANT_ID_PATTERN = re.compile(r"[a-z0-9-]{1,40}")

DEPLOYMENT_TEST_TENANT = "deployment-test"
"""The test customer with which new versions are tested before they receive traffic. Its changes are not published."""


@dataclass(frozen=True)
class Tenant:
    """A customer and its stored settings.

    Attributes:
        id: 1 to 40 lowercase letters, digits and hyphens.
        is_strict: Whether strict mode is on.
        custom_schemas: The schema documents that extend the tenant's users.
        attribute_types: The types of all custom attributes that the tenant has ever had
            (:mod:`scim.service.model.attribute_types`).
        is_connected: Whether the identity provider has access. A disconnected tenant keeps its users.
        token: The state of the tenant's token.
        version: The version of the settings. Each write increases it by one.
        invitation_epoch: When it increases, all earlier invitations and their sessions become invalid.
        is_purging: Whether a purge has begun. Then the settings cannot be changed any more.
        brake: Whether mass deactivations are refused.
        provider: The identity provider that was chosen by hand, ``None`` if it is detected by its requests.
    """

    id: str
    is_strict: bool = False
    custom_schemas: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    attribute_types: AttributeTypes = field(default_factory=dict)
    is_connected: bool = True
    token: TokenState = field(default_factory=TokenState)
    version: int = 1
    invitation_epoch: int = 0
    is_purging: bool = False
    brake: BrakeSettings = field(default_factory=BrakeSettings)
    provider: IdentityProvider | None = None

    @cached_property
    def resource_types(self) -> tuple[ResourceType, ...]:
        """The resource types of this tenant, with its custom attributes."""
        if not self.custom_schemas:
            return (load_user_type(),)
        return (
            load_user_type().with_extensions(
                self.custom_schemas, find_reduced_schemas(self.attribute_types, self.custom_schemas)
            ),
        )
