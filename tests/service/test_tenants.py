"""Connecting a tenant."""

from typing import Any

import pytest

from scim.service.ports import Tenant
from scim.service.tenants import TenantExists, Tenants, UnknownTenant
from tests.service.fakes import MemoryTenants

EXTENSION = {"id": "urn:example:extension:User", "attributes": [{"name": "Business Unit", "type": "string"}]}


class Tokens:
    """Counts what it issues."""

    def __init__(self) -> None:
        self.issued: list[str] = []

    def issue(self, tenant_id: str) -> str:
        self.issued.append(tenant_id)
        return f"token {len(self.issued)} of {tenant_id}"


def test_connecting_returns_the_token_and_keeps_the_settings() -> None:
    settings, tokens = MemoryTenants(), Tokens()

    token = Tenants(settings, tokens).connect("acme", [EXTENSION])

    assert token == "token 1 of acme"
    assert settings.tenants == {"acme": Tenant("acme", strict=False, extensions=[EXTENSION])}


@pytest.mark.parametrize("tenant_id", ["a", "7", "acme-gmbh-2", "x" * 40])
def test_tenant_id_is_1_to_40_lower_case_letters_digits_and_hyphens(tenant_id: str) -> None:
    settings = MemoryTenants()

    Tenants(settings, Tokens()).connect(tenant_id)

    assert list(settings.tenants) == [tenant_id]


@pytest.mark.parametrize("tenant_id", ["", "Acme", "a_b", "a b", "a/b", "a#b", "ä", "acme\n", "x" * 41])
def test_any_other_tenant_id_is_refused_before_anything_is_made(tenant_id: str) -> None:
    settings, tokens = MemoryTenants(), Tokens()

    with pytest.raises(ValueError, match="lower-case letters, digits and hyphens"):
        Tenants(settings, tokens).connect(tenant_id)

    assert (settings.tenants, tokens.issued) == ({}, [])


@pytest.mark.parametrize(
    "attribute",
    [
        {"name": "Business Unit", "type": "integer"},
        {"name": "business unit", "type": "complex", "subAttributes": [{"name": "value", "type": "string"}]},
        {"name": "Business Unit", "type": "string", "multiValued": True},
    ],
)
def test_attribute_that_users_may_have_keeps_its_type(attribute: dict[str, Any]) -> None:
    settings = MemoryTenants(Tenant("acme", extensions=[EXTENSION]))

    with pytest.raises(ValueError, match="has another type than before"):
        Tenants(settings, Tokens()).configure("acme", extensions=[{**EXTENSION, "attributes": [attribute]}])

    assert settings.tenants == {"acme": Tenant("acme", extensions=[EXTENSION])}


def test_settings_that_are_not_given_stay() -> None:
    settings = MemoryTenants(Tenant("acme", extensions=[EXTENSION]))

    changed = Tenants(settings, Tokens()).configure("acme", strict=True)

    assert settings.tenants == {"acme": changed} == {"acme": Tenant("acme", strict=True, extensions=[EXTENSION])}


def test_tenant_that_is_not_connected_has_no_settings_to_change() -> None:
    with pytest.raises(UnknownTenant):
        Tenants(MemoryTenants(), Tokens()).configure("acme", strict=True)


def test_tenant_that_is_connected_keeps_its_token() -> None:
    settings, tokens = MemoryTenants(Tenant("acme")), Tokens()

    with pytest.raises(TenantExists):
        Tenants(settings, tokens).connect("acme")

    assert tokens.issued == []


def test_of_two_who_connect_a_tenant_at_once_one_is_told_that_it_exists() -> None:
    settings = MemoryTenants()

    class Rival(Tokens):
        """Comes first with the settings."""

        def issue(self, tenant_id: str) -> str:
            settings.create(Tenant(tenant_id, strict=True))
            return super().issue(tenant_id)

    with pytest.raises(TenantExists):
        Tenants(settings, Rival()).connect("acme")

    assert settings.tenants == {"acme": Tenant("acme", strict=True)}


def test_what_was_begun_and_not_finished_can_be_begun_again() -> None:
    settings, tokens = MemoryTenants(), Tokens()
    tokens.issue("acme")

    assert Tenants(settings, tokens).connect("acme") == "token 2 of acme"


@pytest.mark.parametrize("document", [{}, {"id": "urn:x", "attributes": [{"name": "a", "type": "colour"}]}])
def test_extension_that_is_no_schema_is_refused_before_anything_is_made(document: dict[str, object]) -> None:
    settings, tokens = MemoryTenants(), Tokens()

    with pytest.raises((KeyError, ValueError)):
        Tenants(settings, tokens).connect("acme", [document])

    assert (settings.tenants, tokens.issued) == ({}, [])
