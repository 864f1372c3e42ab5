"""The use cases around tenants and their tokens, on memory.

Real secrets and interruptions are in tests/auth/test_token_life_cycle.py.
"""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from scim.service.model.audit.audit_event import AuditEvent
from scim.service.model.tenant import Tenant
from scim.service.model.token import (
    NEVER_EXPIRES,
    IssuedToken,
    SecretNotFound,
    TokenStage,
    TokenState,
    find_warning_days,
)
from scim.service.tenants.errors import ConcurrentChange, TenantExists, UnknownSchema, UnknownTenant
from scim.service.tenants.tenant_service import TenantService
from tests.service.fakes import MemoryTenants, MemoryTokens

EXTENSION: dict[str, Any] = {
    "id": "urn:example:extension:User",
    "attributes": [{"name": "Business Unit", "type": "string"}],
}
SHAPES = {"urn:example:extension:User": {"Business Unit": "string"}}
NOW = 1_800_000_000.0
DAY_S = 86_400


class World:
    """The use cases on memory, with numbered ids and a clock that stands still."""

    def __init__(
        self, *tenants: Tenant, settings: MemoryTenants | None = None, tokens: MemoryTokens | None = None
    ) -> None:
        self.settings = settings or MemoryTenants(*tenants)
        self.tokens = tokens or MemoryTokens()
        numbers = itertools.count(1)
        self.tenants = TenantService(self.settings, self.tokens, "alice", lambda: NOW, lambda: f"id-{next(numbers)}")

    def connect(self, tenant_id: str = "acme", **given: Any) -> IssuedToken:
        """A tenant whose token was shown."""
        issued = self.tenants.connect(tenant_id, **given)
        self.tenants.tokens.mark_revealed(issued)
        return issued

    @property
    def acts(self) -> list[str]:
        return [act.action for act in self.settings.acts]


def test_connect() -> None:
    world = World()

    issued = world.tenants.connect("acme", [EXTENSION], is_strict=True, lifetime_s=90 * DAY_S)

    assert issued == IssuedToken("acme", "id-1", "token 1 of acme", NOW + 90 * DAY_S, None)
    token = TokenState("id-1", NOW, 0, NOW + 90 * DAY_S, is_revealed=False, lifetime_s=90 * DAY_S)
    assert world.settings.tenants == {
        "acme": Tenant("acme", is_strict=True, custom_schemas=[EXTENSION], attribute_types=SHAPES, token=token)
    }


def test_audit_events() -> None:
    world = World()
    issued = world.connect(custom_schemas=[EXTENSION])
    world.tenants.configure("acme", is_strict=True)
    world.tenants.tokens.mark_revealed(world.tenants.tokens.rotate("acme"))
    world.tenants.tokens.revoke("acme")
    world.tenants.disconnect("acme")

    acts = world.settings.acts

    assert world.acts == ["connect", "show", "configure", "rotate", "show", "revoke", "disconnect"]
    assert {act.actor for act in acts} == {"alice"}
    assert {act.at for act in acts} == {"2027-01-15T08:00:00.000Z"}
    assert len({act.id for act in acts}) == len(acts)
    assert acts[2].details == {"mode": "strict"}
    assert acts[3].details["previous_until"] == "2027-01-16T08:00:00.000Z"
    assert issued.token not in str(acts)


@pytest.mark.parametrize("tenant_id", ["a", "7", "acme-gmbh-2", "x" * 40])
def test_valid_tenant_id(tenant_id: str) -> None:
    world = World()

    world.connect(tenant_id)

    assert list(world.settings.tenants) == [tenant_id]


@pytest.mark.parametrize("tenant_id", ["", "Acme", "a_b", "a b", "a/b", "a#b", "\xe4", "acme\n", "x" * 41])
def test_invalid_tenant_id(tenant_id: str) -> None:
    world = World()

    with pytest.raises(ValueError, match="lower-case letters, digits and hyphens"):
        world.connect(tenant_id)

    assert (world.settings.tenants, world.tokens.versions) == ({}, {})


@pytest.mark.parametrize("is_removed", [False, True])
@pytest.mark.parametrize(
    "attribute",
    [
        {"name": "Business Unit", "type": "integer"},
        {"name": "Business Unit", "type": "complex", "subAttributes": [{"name": "value", "type": "string"}]},
        {"name": "Business Unit", "type": "string", "multiValued": True},
    ],
)
def test_attribute_keeps_its_type(attribute: dict[str, Any], is_removed: bool) -> None:
    """Also after the schema was removed: users keep their values, which are hidden meanwhile."""
    world = World(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=SHAPES))
    if is_removed:
        world.tenants.remove_schema("acme", EXTENSION["id"])
    before = world.settings.tenants["acme"]

    with pytest.raises(ValueError, match=r"The type of .*Business Unit cannot change from string"):
        world.tenants.add_schemas("acme", [{**EXTENSION, "attributes": [attribute]}])

    assert world.settings.tenants == {"acme": before}


def test_removed_attribute_can_come_back() -> None:
    world = World(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=SHAPES))
    world.tenants.remove_schema("acme", EXTENSION["id"])

    assert world.tenants.add_schemas("acme", [EXTENSION]).custom_schemas == [EXTENSION]


@pytest.mark.parametrize(
    ("document", "known"),
    [
        (EXTENSION | {"id": "URN:example:extension:User"}, "urn:example:extension:User"),
        (EXTENSION | {"attributes": [{"name": "business unit", "type": "string"}]}, "Business Unit"),
    ],
)
def test_name_keeps_its_case(document: dict[str, Any], known: str) -> None:
    """Values are stored under the name as it was, and would not be found under another one."""
    world = World(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=SHAPES))

    with pytest.raises(ValueError, match=f"Use the name {known}"):
        world.tenants.add_schemas("acme", [document])


def test_configure_keeps_other_settings() -> None:
    world = World(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=SHAPES))

    changed = world.tenants.configure("acme", is_strict=True)

    assert world.settings.tenants == {"acme": changed}
    assert changed == Tenant("acme", is_strict=True, custom_schemas=[EXTENSION], attribute_types=SHAPES, version=2)


def test_configure_without_change_writes_nothing() -> None:
    world = World(Tenant("acme", is_strict=True))

    world.tenants.configure("acme", is_strict=True)

    assert (world.settings.tenants, world.acts) == ({"acme": Tenant("acme", is_strict=True)}, [])


def test_concurrent_configure_keeps_both_changes() -> None:
    class Rivalled(MemoryTenants):
        """Somebody else is faster than who makes the tenant strict."""

        def write(self, before: Tenant | None, after: Tenant, act: AuditEvent) -> None:
            if after.is_strict and not after.custom_schemas:
                world.tenants.configure("acme", custom_schemas=[EXTENSION])
            super().write(before, after, act)

    world = World(settings=Rivalled(Tenant("acme")))

    changed = world.tenants.configure("acme", is_strict=True)

    assert changed == Tenant("acme", is_strict=True, custom_schemas=[EXTENSION], attribute_types=SHAPES, version=3)


@pytest.mark.parametrize(
    "operation",
    [
        lambda tenants: tenants.tokens.rotate("acme"),
        lambda tenants: tenants.tokens.revoke("acme"),
        lambda tenants: tenants.disconnect("acme"),
        lambda tenants: tenants.configure("acme"),
    ],
)
def test_unknown_tenant(operation: Callable[[TenantService], object]) -> None:
    with pytest.raises(UnknownTenant):
        operation(World().tenants)


def test_connected_tenant_keeps_its_token() -> None:
    world = World()
    world.connect()
    before = dict(world.tokens.versions)

    with pytest.raises(TenantExists):
        world.connect()

    assert world.tokens.versions == before


def test_concurrent_connect() -> None:
    class Rivalled(MemoryTokens):
        """Somebody else is faster than who opens the secret first."""

        def create_secret(self, tenant_id: str, version: str, expires: float | None) -> None:
            super().create_secret(tenant_id, version, expires)
            if version == "id-1":
                issued.append(world.connect())

    issued: list[IssuedToken] = []
    world = World(tokens=Rivalled())

    with pytest.raises(TenantExists):
        world.connect()

    assert world.tokens.on["acme"][TokenStage.CURRENT] == issued[0].version_id
    assert world.settings.tenants["acme"].token.revoked_version_ids == ("id-1",)


def test_rotation_does_not_replace_later_token() -> None:
    class Rivalled(MemoryTokens):
        """Between the decision for a token and its promotion, another one comes and is finished."""

        def read_stages(self, tenant_id: str) -> Any:
            labels = super().read_stages(tenant_id)
            tenant = world.settings.get(tenant_id)
            if tenant is not None and tenant.token.version_id == "id-4" and not rivals:
                rivals.append("bob")
                later.append(world.tenants.tokens.rotate("acme", grace_s=0))
            return labels

    later: list[IssuedToken] = []
    rivals: list[str] = []
    world = World(tokens=Rivalled())
    world.connect()

    with pytest.raises(ConcurrentChange):
        world.tenants.tokens.rotate("acme")

    assert len(later) == 1
    assert world.tokens.on["acme"][TokenStage.CURRENT] == later[0].version_id


def test_secret_deleted_during_connect() -> None:
    class Gone(MemoryTokens):
        def create_secret(self, tenant_id: str, version: str, expires: float | None) -> None:  # noqa: ARG002  # the signature is the port's
            raise SecretNotFound

    world = World(tokens=Gone())

    with pytest.raises(ConcurrentChange, match="Try again"):
        world.connect()

    assert world.settings.tenants == {}


@pytest.mark.parametrize("document", [{}, {"id": "urn:x", "attributes": [{"name": "a", "type": "colour"}]}])
def test_invalid_schema(document: dict[str, object]) -> None:
    world = World()

    with pytest.raises(ValueError, match="The schema is invalid"):
        world.connect(custom_schemas=[document])

    assert (world.settings.tenants, world.tokens.versions) == ({}, {})


@pytest.mark.parametrize(
    ("days", "expected"), [(None, None), (31, None), (30, 30), (8, 30), (7, 7), (1.5, 7), (1, 1), (0, 1), (-3, 1)]
)
def test_days_until_expiry(days: float | None, expected: int | None) -> None:
    assert find_warning_days(None if days is None else NOW + days * DAY_S, NOW) == expected


def test_reconnect_keeps_settings() -> None:
    world = World()
    world.connect(custom_schemas=[EXTENSION], is_strict=True)
    world.tenants.disconnect("acme")
    world.connect()
    kept = world.settings.tenants["acme"]
    world.tenants.disconnect("acme")
    world.connect(is_strict=False)

    assert (kept.is_strict, kept.custom_schemas) == (True, [EXTENSION])
    assert (world.settings.tenants["acme"].is_strict, kept.is_connected) == (False, True)


def test_connect_during_disconnect_keeps_secret() -> None:
    class Rivalled(MemoryTokens):
        def delete_secret(self, tenant_id: str) -> None:
            if not issued:
                issued.append(world.connect())
            super().delete_secret(tenant_id)

    issued: list[IssuedToken] = []
    world = World(tokens=Rivalled())
    world.connect()

    world.tenants.disconnect("acme")

    assert world.settings.tenants["acme"].is_connected
    assert world.tokens.closed == set()


def end_after(act: str, world: World, **given: Any) -> float | None:
    """When the token ends that is made after an act."""
    if act == "disconnect":
        world.tenants.disconnect("acme")
        return world.connect(**given).expires
    if act == "revoke":
        world.tenants.tokens.revoke("acme")
    return world.tenants.tokens.rotate("acme", **given).expires


@pytest.mark.parametrize("act", ["rotate", "revoke", "disconnect"])
def test_lifetime_is_kept(act: str) -> None:
    world = World()
    world.connect(lifetime_s=90 * DAY_S)

    assert end_after(act, world) == NOW + 90 * DAY_S

    world = World()
    world.connect(lifetime_s=90 * DAY_S)
    assert end_after(act, world, lifetime_s=DAY_S) == NOW + DAY_S

    world = World()
    world.connect(lifetime_s=90 * DAY_S)
    assert end_after(act, world, lifetime_s=NEVER_EXPIRES) is None


@pytest.mark.parametrize("lifetime_s", [0, -1.0])
def test_lifetime_must_be_positive(lifetime_s: float) -> None:
    world = World()
    with pytest.raises(ValueError, match="longer than 0 seconds"):
        world.connect(lifetime_s=lifetime_s)
    assert (world.settings.tenants, world.tokens.versions) == ({}, {})

    world.connect()
    with pytest.raises(ValueError, match="longer than 0 seconds"):
        world.tenants.tokens.rotate("acme", lifetime_s=lifetime_s)
    assert len(world.tokens.versions) == 1


def test_invitation_epoch() -> None:
    world = World()
    world.connect()

    epochs = [
        world.tenants.revoke_invitations("acme").invitation_epoch,
        world.tenants.disconnect("acme").invitation_epoch,
    ]
    epochs += [world.tenants.disconnect("acme").invitation_epoch]
    world.connect()

    assert [*epochs, world.settings.tenants["acme"].invitation_epoch] == [1, 2, 2, 2]
    assert "withdraw" in world.acts


def test_add_replace_and_remove_schemas() -> None:
    world = World(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=SHAPES))
    other = EXTENSION | {"id": "urn:example:other:User"}
    changed = EXTENSION | {"name": "Ours"}

    assert world.tenants.add_schemas("acme", [other]).custom_schemas == [EXTENSION, other]
    assert world.tenants.add_schemas("acme", [changed]).custom_schemas == [other, changed]
    assert world.tenants.remove_schema("acme", EXTENSION["id"]).custom_schemas == [other]
    assert world.acts == ["configure"] * 3
    with pytest.raises(UnknownSchema, match="no custom schema urn:example:extension:User"):
        world.tenants.remove_schema("acme", EXTENSION["id"])
