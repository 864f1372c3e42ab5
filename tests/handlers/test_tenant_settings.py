"""Custom attributes of a tenant."""

from collections.abc import Callable
from typing import Any

import pytest

from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.conftest import EXTENSION
from tests.endpoint import CORE, SURVEY, Endpoint
from tests.handlers.tenants import get_tenant_id, start_environment

Connect = Callable[[], Endpoint]


@pytest.mark.parametrize(
    ("name", "value", "wrong", "detail"),
    [
        ("Business Unit", "x" * 256, "x" * 257, "Business Unit can have at most 256 characters"),
        ("Start Date", "2026-02-28", "2026-02-30", "Start Date is a date"),
        ("Start Date", "2024-02-29", "29.2.2024", "Start Date is a date"),
        ("Contract Level", 7, "seven", "Contract Level is an integer"),
        ("Mentor", "unknown@example.com", 5, "Mentor is a string"),
    ],
)
def test_custom_attribute_is_validated_stored_and_queried(
    scim: Endpoint, name: str, value: Any, wrong: Any, detail: str
) -> None:
    user = scim.create(**{SURVEY: {name: value}})
    assert user[SURVEY] == {name: value}
    literal = f'"{value}"' if isinstance(value, str) else value
    results = scim.request(
        "POST", "/Users/.search", {"filter": f"{SURVEY}:{name} eq {literal}", "attributes": [f"{SURVEY}:{name}"]}
    )
    assert results.json()["Resources"] == [{"schemas": [CORE, SURVEY], "id": user["id"], SURVEY: {name: value}}]
    rejected = scim.patch(user["id"], {"op": "replace", "path": f"{SURVEY}:{name}", "value": wrong})
    assert (rejected.status, rejected.json()["scimType"]) == (400, "invalidValue")
    assert rejected.json()["detail"].startswith(detail)


def test_custom_dates_are_compared_as_days(scim: Endpoint) -> None:
    for day in ("2026-03-01", "2025-12-31", "2026-01-15"):
        scim.create(userName=day, **{SURVEY: {"Start Date": day}})
    response = scim.request(
        "POST",
        "/Users/.search",
        {
            "filter": f'{SURVEY}:Start Date ge "2026-01-01"',
            "sortBy": f"{SURVEY}:Start Date",
            "attributes": ["userName"],
        },
    )
    assert [user["userName"] for user in response.json()["Resources"]] == ["2026-01-15", "2026-03-01"]


def test_discovery_has_custom_attributes(scim: Endpoint) -> None:
    attributes = scim.request("GET", f"/Schemas/{SURVEY}").json()["attributes"]
    assert [attribute["name"] for attribute in attributes] == [
        attribute["name"] for attribute in EXTENSION["attributes"]
    ]
    assert all(attribute.keys().isdisjoint({"format", "maxLength"}) for attribute in attributes)


def test_new_required_attribute_does_not_stop_deactivation(settings: Settings, connect: Connect) -> None:
    scim = connect()
    user = scim.create(**{SURVEY: {"Business Unit": "R&D"}})
    required = {"name": "Badge", "type": "string", "required": True}
    extension = EXTENSION | {"attributes": [*EXTENSION["attributes"], required]}
    build_operator_adapters(settings, "tests").build_administration().tenants.configure(
        get_tenant_id(scim), custom_schemas=[extension]
    )
    response = start_environment(scim.token).patch(user["id"], {"op": "replace", "path": "active", "value": False})
    assert (response.status, response.json()["active"]) == (200, False)
