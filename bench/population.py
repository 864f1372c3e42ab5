"""Build users as identity providers create them: about 1.2 KB of canonical JSON, the same in every run."""

from __future__ import annotations

from typing import Any

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

_GIVEN = ("Alice", "Björn", "Chloé", "Dmitri", "Emeka", "Fatima", "Grace", "Hiroshi", "Ingrid", "João", "Keiko", "Luca")
_FAMILY = (
    "Andersson",
    "Baptiste",
    "Castellanos",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Haddad",
    "Ivanova",
    "Jansen",
)
_TITLES = (
    "Analyst",
    "Architect",
    "Buyer",
    "Consultant",
    "Designer",
    "Engineer",
    "Manager",
    "Nurse",
    "Planner",
    "Writer",
)
_CITIES = ("Amsterdam", "Barcelona", "Copenhagen", "Dublin", "Edinburgh", "Florence", "Gothenburg")

# Filters on title, which has no index. They do not use eq, because scim2-server builds an index at the first eq.
TENTH_FILTER = 'title co "Analyst"'
"""Matches every tenth user."""
EMPTY_FILTER = 'title co "Astronaut"'
"""Matches no user."""


def user_name(number: int) -> str:
    """Return the userName of a user."""
    return f"{_given(number)}.{_family(number)}.{number:06d}@customer.example.com".lower()


def external_id(number: int) -> str:
    """Return the externalId of a user. It looks random, but is the same in every run."""
    return f"{number * 2_654_435_761 % 2**32:08x}-7d1c-4a6e-9b1f-{number:012x}"


def email(number: int) -> str:
    """Return the second email of a user. The first is the userName."""
    return f"{number:06d}.{_family(number)}@mail.customer.example.com".lower()


def user(number: int) -> dict[str, Any]:
    """Return the body of a request that creates the user with this number."""
    given, family = _given(number), _family(number)
    title = _TITLES[number % 10]
    city = _CITIES[number % 7]
    return {
        "schemas": [CORE, ENTERPRISE],
        "userName": user_name(number),
        "externalId": external_id(number),
        "name": {"formatted": f"{given} {family}", "givenName": given, "familyName": family},
        "displayName": f"{given} {family}",
        "nickName": given[:3],
        "profileUrl": f"https://intranet.customer.example.com/people/{number:06d}",
        "title": f"Senior {title}",
        "userType": "Employee",
        "preferredLanguage": "en-GB",
        "locale": "en-GB",
        "timezone": "Europe/Amsterdam",
        "active": number % 20 != 0,
        "emails": [
            {"value": user_name(number), "type": "work", "primary": True},
            {"value": email(number), "type": "home"},
        ],
        "phoneNumbers": [
            {"value": f"+31 20 {number:07d}", "type": "work"},
            {"value": f"+31 6 {number:08d}", "type": "mobile"},
        ],
        "addresses": [
            {
                "type": "work",
                "streetAddress": f"{number % 300 + 1} Harbour Street",
                "locality": city,
                "postalCode": f"{1_000 + number % 9_000} AB",
                "country": "NL",
                "primary": True,
            }
        ],
        ENTERPRISE: {
            "employeeNumber": f"{700_000 + number}",
            "costCenter": f"{4_000 + number % 37}",
            "organization": "Customer International",
            "division": f"Region {number % 5}",
            "department": f"Department {number % 40}",
        },
    }


def short_user(number: int) -> dict[str, Any]:
    """Return a smaller user, so that a thousand of them fit into a bulk request of 1 MB."""
    omitted = {"addresses", "profileUrl", "preferredLanguage", "locale", "timezone", "nickName"}
    return {name: value for name, value in user(number).items() if name not in omitted}


def patch(number: int) -> dict[str, Any]:
    """Return a PATCH with three operations, as an identity provider sends it. The values depend on ``number``."""
    return {
        "schemas": [PATCH_OP],
        "Operations": [
            {"op": "replace", "path": "title", "value": f"Head of Projects {number}"},
            {"op": "replace", "path": 'phoneNumbers[type eq "work"].value', "value": f"+31 30 {number:07d}"},
            {"op": "replace", "path": f"{ENTERPRISE}:department", "value": f"Projects {number}"},
        ],
    }


def bulk(first: int, number: int) -> dict[str, Any]:
    """Return a bulk request that creates ``number`` users, beginning with the user ``first``."""
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": f"b{user_number}", "data": short_user(user_number)}
        for user_number in range(first, first + number)
    ]
    return {"schemas": [BULK], "Operations": operations}


def _given(number: int) -> str:
    return _GIVEN[number % len(_GIVEN)]


def _family(number: int) -> str:
    return _FAMILY[number // 3 % len(_FAMILY)]
