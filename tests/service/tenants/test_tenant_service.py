"""The use cases of tenants and their tokens, in memory.

Tests with real secrets and interruptions are in tests/auth/test_token_life_cycle.py.
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
TYPES = {"urn:example:extension:User": {"Business Unit": "string"}}
NOW = 1_800_000_000.0
DAY_S = 86_400


class ServiceUnderTest:
    """The use cases in memory, with numbered ids and a fixed clock."""

    def __init__(
        self, *tenants: Tenant, settings: MemoryTenants | None = None, tokens: MemoryTokens | None = None
    ) -> None:
        self.settings = settings or MemoryTenants(*tenants)
        self.tokens = tokens or MemoryTokens()
        numbers = itertools.count(1)
        self.service = TenantService(self.settings, self.tokens, "alice", lambda: NOW, lambda: f"id-{next(numbers)}")

    def connect(self, tenant_id: str = "acme", **arguments: Any) -> IssuedToken:
        """Connect a tenant and mark its token as revealed."""
        issued = self.service.connect(tenant_id, **arguments)
        self.service.tokens.mark_revealed(issued)
        return issued

    @property
    def actions(self) -> list[str]:
        return [event.action for event in self.settings.events]


def compute_expiry_after(action: str, setup: ServiceUnderTest, **arguments: Any) -> float | None:
    """Return when a token expires that is created after an action."""
    if action == "disconnect":
        setup.service.disconnect("acme")
        return setup.connect(**arguments).expires
    if action == "revoke":
        setup.service.tokens.revoke("acme")
    return setup.service.tokens.rotate("acme", **arguments).expires


class TestConnect:
    def test_connect(self) -> None:
        setup = ServiceUnderTest()

        issued = setup.service.connect("acme", [EXTENSION], is_strict=True, lifetime_s=90 * DAY_S)

        assert issued == IssuedToken("acme", "id-1", "token 1 of acme", NOW + 90 * DAY_S, None)
        token = TokenState(
            "id-1", NOW, 0, NOW + 90 * DAY_S, is_revealed=False, lifetime_s=90 * DAY_S, created_by="alice"
        )
        assert setup.settings.tenants == {
            "acme": Tenant("acme", is_strict=True, custom_schemas=[EXTENSION], attribute_types=TYPES, token=token)
        }

    @pytest.mark.parametrize("tenant_id", ["a", "7", "acme-gmbh-2", "x" * 40])
    def test_valid_tenant_id(self, tenant_id: str) -> None:
        setup = ServiceUnderTest()

        setup.connect(tenant_id)

        assert list(setup.settings.tenants) == [tenant_id]

    @pytest.mark.parametrize("tenant_id", ["", "Acme", "a_b", "a b", "a/b", "a#b", "\xe4", "acme\n", "x" * 41])
    def test_invalid_tenant_id(self, tenant_id: str) -> None:
        setup = ServiceUnderTest()

        with pytest.raises(ValueError, match="lowercase letters, digits and hyphens"):
            setup.connect(tenant_id)

        assert (setup.settings.tenants, setup.tokens.versions) == ({}, {})

    def test_connected_tenant_keeps_its_token(self) -> None:
        setup = ServiceUnderTest()
        setup.connect()
        before = dict(setup.tokens.versions)

        with pytest.raises(TenantExists):
            setup.connect()

        assert setup.tokens.versions == before

    def test_concurrent_connect(self) -> None:
        class ConcurrentStore(MemoryTokens):
            """Another operator connects the tenant before the first one has finished."""

            def create_secret(self, tenant_id: str, version: str, expires: float | None) -> None:
                super().create_secret(tenant_id, version, expires)
                if version == "id-1":
                    issued.append(setup.connect())

        issued: list[IssuedToken] = []
        setup = ServiceUnderTest(tokens=ConcurrentStore())

        with pytest.raises(TenantExists):
            setup.connect()

        assert setup.tokens.stages["acme"][TokenStage.CURRENT] == issued[0].version_id
        assert setup.settings.tenants["acme"].token.revoked_version_ids == ("id-1",)

    def test_secret_deleted_during_connect(self) -> None:
        class DeletedSecrets(MemoryTokens):
            def create_secret(self, tenant_id: str, version: str, expires: float | None) -> None:  # noqa: ARG002  # the signature is the port's
                raise SecretNotFound

        setup = ServiceUnderTest(tokens=DeletedSecrets())

        with pytest.raises(ConcurrentChange, match="Try again"):
            setup.connect()

        assert setup.settings.tenants == {}

    def test_reconnect_keeps_settings(self) -> None:
        setup = ServiceUnderTest()
        setup.connect(custom_schemas=[EXTENSION], is_strict=True)
        setup.service.disconnect("acme")
        setup.connect()
        reconnected = setup.settings.tenants["acme"]
        setup.service.disconnect("acme")
        setup.connect(is_strict=False)

        assert (reconnected.is_strict, reconnected.custom_schemas) == (True, [EXTENSION])
        assert (setup.settings.tenants["acme"].is_strict, reconnected.is_connected) == (False, True)

    def test_connect_during_disconnect_keeps_secret(self) -> None:
        class ConcurrentStore(MemoryTokens):
            def delete_secret(self, tenant_id: str) -> None:
                if not issued:
                    issued.append(setup.connect())
                super().delete_secret(tenant_id)

        issued: list[IssuedToken] = []
        setup = ServiceUnderTest(tokens=ConcurrentStore())
        setup.connect()

        setup.service.disconnect("acme")

        assert setup.settings.tenants["acme"].is_connected
        assert setup.tokens.deleted == set()


class TestConfigure:
    def test_configure_keeps_other_settings(self) -> None:
        setup = ServiceUnderTest(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=TYPES))

        changed = setup.service.configure("acme", is_strict=True)

        assert setup.settings.tenants == {"acme": changed}
        assert changed == Tenant("acme", is_strict=True, custom_schemas=[EXTENSION], attribute_types=TYPES, version=2)

    def test_configure_without_change_writes_nothing(self) -> None:
        setup = ServiceUnderTest(Tenant("acme", is_strict=True))

        setup.service.configure("acme", is_strict=True)

        assert (setup.settings.tenants, setup.actions) == ({"acme": Tenant("acme", is_strict=True)}, [])

    def test_concurrent_configure_keeps_both_changes(self) -> None:
        class ConcurrentStore(MemoryTenants):
            """Another operator changes the tenant before it becomes strict."""

            def write(self, before: Tenant | None, after: Tenant, event: AuditEvent) -> None:
                if after.is_strict and not after.custom_schemas:
                    setup.service.configure("acme", custom_schemas=[EXTENSION])
                super().write(before, after, event)

        setup = ServiceUnderTest(settings=ConcurrentStore(Tenant("acme")))

        changed = setup.service.configure("acme", is_strict=True)

        assert changed == Tenant("acme", is_strict=True, custom_schemas=[EXTENSION], attribute_types=TYPES, version=3)


class TestSchemas:
    @pytest.mark.parametrize("document", [{}, {"id": "urn:x", "attributes": [{"name": "a", "type": "colour"}]}])
    def test_invalid_schema(self, document: dict[str, object]) -> None:
        setup = ServiceUnderTest()

        with pytest.raises(ValueError, match="The schema is invalid"):
            setup.connect(custom_schemas=[document])

        assert (setup.settings.tenants, setup.tokens.versions) == ({}, {})

    def test_add_replace_and_remove_schemas(self) -> None:
        setup = ServiceUnderTest(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=TYPES))
        other = EXTENSION | {"id": "urn:example:other:User"}
        changed = EXTENSION | {"name": "Ours"}

        assert setup.service.add_schemas("acme", [other]).custom_schemas == [EXTENSION, other]
        assert setup.service.add_schemas("acme", [changed]).custom_schemas == [other, changed]
        assert setup.service.remove_schema("acme", EXTENSION["id"]).custom_schemas == [other]
        assert setup.actions == ["configure"] * 3
        with pytest.raises(UnknownSchema, match="no custom schema urn:example:extension:User"):
            setup.service.remove_schema("acme", EXTENSION["id"])

    @pytest.mark.parametrize("is_removed", [False, True])
    @pytest.mark.parametrize(
        "attribute",
        [
            {"name": "Business Unit", "type": "integer"},
            {"name": "Business Unit", "type": "complex", "subAttributes": [{"name": "value", "type": "string"}]},
            {"name": "Business Unit", "type": "string", "multiValued": True},
        ],
    )
    def test_attribute_keeps_its_type(self, attribute: dict[str, Any], is_removed: bool) -> None:
        """This is true after the schema is removed, too. Users keep their hidden values."""
        setup = ServiceUnderTest(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=TYPES))
        if is_removed:
            setup.service.remove_schema("acme", EXTENSION["id"])
        before = setup.settings.tenants["acme"]

        with pytest.raises(ValueError, match=r"The type of .*Business Unit cannot change from string"):
            setup.service.add_schemas("acme", [{**EXTENSION, "attributes": [attribute]}])

        assert setup.settings.tenants == {"acme": before}

    def test_removed_attribute_can_be_restored(self) -> None:
        setup = ServiceUnderTest(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=TYPES))
        setup.service.remove_schema("acme", EXTENSION["id"])

        assert setup.service.add_schemas("acme", [EXTENSION]).custom_schemas == [EXTENSION]

    @pytest.mark.parametrize(
        ("document", "known"),
        [
            (EXTENSION | {"id": "URN:example:extension:User"}, "urn:example:extension:User"),
            (EXTENSION | {"attributes": [{"name": "business unit", "type": "string"}]}, "Business Unit"),
        ],
    )
    def test_name_keeps_its_case(self, document: dict[str, Any], known: str) -> None:
        """Values are stored under the original name, and would not be found under another one."""
        setup = ServiceUnderTest(Tenant("acme", custom_schemas=[EXTENSION], attribute_types=TYPES))

        with pytest.raises(ValueError, match=f"Use the name {known}"):
            setup.service.add_schemas("acme", [document])


class TestTokens:
    def test_rotation_does_not_replace_later_token(self) -> None:
        class ConcurrentStore(MemoryTokens):
            """Another rotation is completed between the creation and the promotion of a token."""

            def read_stages(self, tenant_id: str) -> Any:
                stages = super().read_stages(tenant_id)
                tenant = setup.settings.get(tenant_id)
                if tenant is not None and tenant.token.version_id == "id-4" and not is_rotated:
                    is_rotated.append(True)
                    later.append(setup.service.tokens.rotate("acme", grace_s=0))
                return stages

        later: list[IssuedToken] = []
        is_rotated: list[bool] = []
        setup = ServiceUnderTest(tokens=ConcurrentStore())
        setup.connect()

        with pytest.raises(ConcurrentChange):
            setup.service.tokens.rotate("acme")

        assert len(later) == 1
        assert setup.tokens.stages["acme"][TokenStage.CURRENT] == later[0].version_id

    @pytest.mark.parametrize("action", ["rotate", "revoke", "disconnect"])
    def test_lifetime_is_kept(self, action: str) -> None:
        setup = ServiceUnderTest()
        setup.connect(lifetime_s=90 * DAY_S)

        assert compute_expiry_after(action, setup) == NOW + 90 * DAY_S

        setup = ServiceUnderTest()
        setup.connect(lifetime_s=90 * DAY_S)
        assert compute_expiry_after(action, setup, lifetime_s=DAY_S) == NOW + DAY_S

        setup = ServiceUnderTest()
        setup.connect(lifetime_s=90 * DAY_S)
        assert compute_expiry_after(action, setup, lifetime_s=NEVER_EXPIRES) is None

    @pytest.mark.parametrize("lifetime_s", [0, -1.0])
    def test_lifetime_must_be_positive(self, lifetime_s: float) -> None:
        setup = ServiceUnderTest()
        with pytest.raises(ValueError, match="longer than 0 seconds"):
            setup.connect(lifetime_s=lifetime_s)
        assert (setup.settings.tenants, setup.tokens.versions) == ({}, {})

        setup.connect()
        with pytest.raises(ValueError, match="longer than 0 seconds"):
            setup.service.tokens.rotate("acme", lifetime_s=lifetime_s)
        assert len(setup.tokens.versions) == 1

    @pytest.mark.parametrize(
        ("days", "expected"), [(None, None), (31, None), (30, 30), (8, 30), (7, 7), (1.5, 7), (1, 1), (0, 1), (-3, 1)]
    )
    def test_days_until_expiry(self, days: float | None, expected: int | None) -> None:
        assert find_warning_days(None if days is None else NOW + days * DAY_S, NOW) == expected


class TestAllActions:
    def test_audit_events(self) -> None:
        setup = ServiceUnderTest()
        issued = setup.connect(custom_schemas=[EXTENSION])
        setup.service.configure("acme", is_strict=True)
        setup.service.tokens.mark_revealed(setup.service.tokens.rotate("acme"))
        setup.service.tokens.revoke("acme")
        setup.service.disconnect("acme")

        events = setup.settings.events

        assert setup.actions == ["connect", "show", "configure", "rotate", "show", "revoke", "disconnect"]
        assert {event.actor for event in events} == {"alice"}
        assert {event.at for event in events} == {"2027-01-15T08:00:00.000Z"}
        assert len({event.id for event in events}) == len(events)
        assert events[2].details == {"strict": "on"}
        assert events[3].details["previous_until"] == "2027-01-16T08:00:00.000Z"
        assert issued.token not in str(events)

    @pytest.mark.parametrize(
        "operation",
        [
            lambda service: service.tokens.rotate("acme"),
            lambda service: service.tokens.revoke("acme"),
            lambda service: service.disconnect("acme"),
            lambda service: service.configure("acme"),
        ],
    )
    def test_unknown_tenant(self, operation: Callable[[TenantService], object]) -> None:
        with pytest.raises(UnknownTenant):
            operation(ServiceUnderTest().service)

    def test_invitation_epoch(self) -> None:
        setup = ServiceUnderTest()
        setup.connect()

        epochs = [
            setup.service.revoke_invitations("acme").invitation_epoch,
            setup.service.disconnect("acme").invitation_epoch,
        ]
        epochs += [setup.service.disconnect("acme").invitation_epoch]
        setup.connect()

        assert [*epochs, setup.settings.tenants["acme"].invitation_epoch] == [1, 2, 2, 2]
        assert "withdraw" in setup.actions
