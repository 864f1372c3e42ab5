"""Hooks of schemathesis: half of the generated requests name an existing user, attributes and filters that exist.

Without them, nearly all generated requests would be for users and attributes that do not exist.
"""

import itertools
import os
import random
import uuid
from functools import cache
from typing import Any

import requests
import schemathesis
from schemathesis import Case, HookContext
from schemathesis.generation.meta import TestPhase

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ATTRIBUTES = ["userName", "name.familyName", "emails", "emails.value", "active", "meta", "id", f"{ENTERPRISE}:manager"]
FILTERS = [
    'userName eq "a@example.com"',
    'userName sw "a" and active eq true',
    'externalId eq "1" or emails[type eq "work"].value co "@"',
    'not (name.familyName pr) and meta.lastModified gt "2026-01-01T00:00:00Z"',
    f'{ENTERPRISE}:department ne "Tours"',
]
PATHS = [
    "active",
    "userName",
    "name",
    "name.familyName",
    "emails",
    'emails[type eq "work"].value',
    f"{ENTERPRISE}:manager.value",
]

_random = random.Random(1)  # noqa: S311  # test data
_numbers = itertools.count()
_RUN = uuid.uuid4().hex


@schemathesis.hook  # type: ignore[untyped-decorator]  # the package is not in this environment
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Replace parts of every second generated request by values that exist."""
    phase = case.meta.phase.name if case.meta else None
    if phase not in (TestPhase.COVERAGE, TestPhase.FUZZING) or next(_numbers) % 2:
        return
    _use_existing_attributes(case.query)
    if case.path == "/Users/{id}":
        case.path_parameters["id"] = _existing_user()
        if case.method == "DELETE":
            _existing_user.cache_clear()
    if isinstance(case.body, dict):
        _use_existing_paths(case.body)
        if "SearchRequest" in str(case.body.get("schemas")):
            _use_existing_attributes(case.body)


def _use_existing_attributes(members: dict[str, Any] | None) -> None:
    """Replace the attributes and the filter of a query, if it has any."""
    members = members or {}
    for name in members:
        if name in ("attributes", "excludedAttributes"):
            members[name] = _random.sample(ATTRIBUTES, 2)
        elif name == "sortBy":
            members[name] = _random.choice(ATTRIBUTES)
        elif name == "filter":
            members[name] = _random.choice(FILTERS)


def _use_existing_paths(body: dict[str, Any]) -> None:
    """Replace the paths of the operations of a PATCH request."""
    operations = body.get("Operations")
    for operation in operations if isinstance(operations, list) else ():
        if isinstance(operation, dict) and "path" in operation and "method" not in operation:
            operation["path"] = _random.choice(PATHS)


@cache
def _existing_user() -> str:
    """Create a user, and return its id. It is used until a request deletes it."""
    body = {"schemas": [USER], "userName": f"{_RUN}-{next(_numbers)}@example.com", "title": "Guide"}
    headers = {"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"}
    response = requests.post(f"{os.environ['SCIM_URL']}/Users", json=body, headers=headers, timeout=30)
    return str(response.json()["id"])
