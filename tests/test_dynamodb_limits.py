"""Odd requests lead to no call that DynamoDB rejects: long and strange values, names, numbers, lists and headers."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.api_gateway.event import InvalidPathError
from local.validation import Violation, clients
from scim.service.audit.log import AuditLog
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import CORE, ENTERPRISE, SURVEY, Endpoint
from tests.handlers.tenants import open_audit_log

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
USER_ID = "00000000-0000-4000-8000-000000000000"

odd = settings(
    derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def violations(monkeypatch: pytest.MonkeyPatch) -> list[Violation]:
    """All violations of AWS's rules, also those in calls whose errors never change a response."""
    violations: list[Violation] = []
    find = clients._find_violations  # noqa: SLF001  # there is no other place that sees all calls

    def record(service: str, operation: str, request: Mapping[str, Any]) -> Iterator[Violation]:
        for violation in find(service, operation, request):
            violations.append(violation)
            yield violation

    monkeypatch.setattr(clients, "_find_violations", record)
    return violations


# A length is about that of a limit: 256 characters of an identifier, 512 of a userName, 900 and 1,024 bytes of a key.
lengths = st.sampled_from([1, 255, 257, 400, 512, 513, 800, 801, 900, 901, 1_024, 2_049, 9_000, 70_000])
characters = st.sampled_from(
    ["a", "#", "%", "\u00e9", "\u00df", "\u0130", "\ufb03", "\U0001f600", "\U0010ffff", '"', "\\"]
)
long_texts = st.builds(lambda character, length: character * length, characters, lengths)
short_texts = st.text(max_size=12) | st.sampled_from(
    ["", " ", "\x00", "\x7f", "#", "%23", "$", "~", "\u2028", "a#b", "true"]
)
texts = short_texts | long_texts
names = st.sampled_from(
    ["userName", "externalId", "id", "emails.value", "emails", "displayName", "meta.lastModified", "title"]
)
any_names = names | texts
numbers = st.sampled_from(
    [0, 1, -1, 200, 201, 1_000, 1_001, 2**31 - 1, 2**31, 2**53, 2**63, 10**40, 10**400, -(10**400)]
)
operators = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
times = st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-01-31T24:00:00+14:00", "2026"])
literals = st.one_of(texts, times, st.booleans(), st.integers(), st.none()).map(json.dumps)
comparisons = st.builds("{} {} {}".format, names, operators, literals)
filters = st.one_of(
    comparisons,
    st.builds("{} pr".format, any_names),
    st.builds(
        lambda parts, joint: joint.join(parts),
        st.lists(comparisons, min_size=2, max_size=60),
        st.sampled_from([" or ", " and "]),
    ),
    st.builds(
        lambda comparison, count: " or ".join([comparison] * count), comparisons, st.sampled_from([20, 21, 100, 200])
    ),
    texts,
)
queries = st.fixed_dictionaries(
    {},
    optional={
        "filter": filters,
        "sortBy": any_names,
        "sortOrder": st.sampled_from(["ascending", "descending"]),
        "startIndex": numbers,
        "count": numbers,
        "cursor": texts,
        "attributes": st.lists(any_names, max_size=3),
        "excludedAttributes": st.lists(any_names, max_size=3),
    },
)
references = st.lists(texts.map(lambda value: {"value": value}) | texts, max_size=60)
users = st.fixed_dictionaries(
    {"schemas": st.just([CORE, ENTERPRISE, SURVEY]), "userName": texts},
    optional={
        "externalId": texts,
        "displayName": texts,
        "emails": st.lists(st.fixed_dictionaries({"value": texts}, optional={"type": texts}), max_size=41),
        "name": st.dictionaries(st.sampled_from(["givenName", "familyName", "formatted"]), texts),
        "active": st.booleans() | texts,
        ENTERPRISE: st.fixed_dictionaries({}, optional={"manager": texts | texts.map(lambda value: {"value": value})}),
        SURVEY: st.dictionaries(
            st.sampled_from(["Business Unit", "Mentor", "Buddy", "Start Date"]), texts | references
        ),
    },
)
unknown_members = st.one_of(
    st.dictionaries(texts, texts, max_size=3),
    st.sampled_from([100, 10_000]).map(lambda count: {f"unknown{number}": number for number in range(count)}),
)
bodies = st.builds(lambda user, unknown: unknown | user, users, unknown_members)
paths = st.one_of(
    any_names,
    st.builds("emails[{}].value".format, comparisons),
    st.builds("{}:{}".format, st.sampled_from([CORE, ENTERPRISE, SURVEY]), any_names),
)
operations = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "remove"])},
        optional={"path": paths, "value": texts | users | references},
    ),
    min_size=1,
    max_size=4,
)
headers = st.fixed_dictionaries(
    {},
    optional={
        name: texts.map(lambda text: quote(text)[:8_000]) for name in ("user-agent", "if-match", "if-none-match")
    },
)


def send(scim: Endpoint, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> int:
    status, _, content = scim.send(method, path, headers or {}, None if body is None else json.dumps(body))
    assert status < 500, content
    return status


@pytest.fixture
def few_users(scim: Endpoint) -> None:
    for name in ("ann", "bob", "\u00e9" * 400):
        scim.create(userName=name, displayName=name * 300, externalId="E", emails=[{"value": name}])


@odd
@given(query=queries, headers=headers)
@pytest.mark.usefixtures("few_users")
def test_queries(scim: Endpoint, violations: list[Violation], query: dict[str, Any], headers: dict[str, str]) -> None:
    send(scim, "POST", "/Users/.search", {"schemas": [SEARCH]} | query, headers)
    send(scim, "GET", f"/Users?{urlencode(query, errors='replace')[:8_000]}", headers=headers)
    assert violations == []


@odd
@given(body=bodies, other=bodies, operations=operations, headers=headers)
def test_writes(
    scim: Endpoint,
    violations: list[Violation],
    body: dict[str, Any],
    other: dict[str, Any],
    operations: list[dict[str, Any]],
    headers: dict[str, str],
) -> None:
    _, _, content = scim.send("POST", "/Users", {}, json.dumps(body))
    user_id = json.loads(content).get("id", USER_ID)

    send(scim, "PATCH", f"/Users/{user_id}", {"schemas": [PATCH], "Operations": operations}, headers)
    send(scim, "PUT", f"/Users/{user_id}", other, headers)
    send(scim, "DELETE", f"/Users/{user_id}", headers=headers)
    assert violations == []


@odd
@given(user_id=texts, body=bodies)
def test_ids(scim: Endpoint, violations: list[Violation], user_id: str, body: dict[str, Any]) -> None:
    path = f"/Users/x{quote(user_id, errors='replace')[:4_000]}"

    with suppress(InvalidPathError):  # the gateway rejects it
        for method in ("GET", "DELETE"):
            send(scim, method, path)
        send(scim, "PUT", path, body)
    assert violations == []


bulk_operations = st.fixed_dictionaries(
    {"method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]), "path": texts.map(lambda text: f"/Users/{text}")},
    optional={"bulkId": texts, "version": texts, "data": bodies | st.fixed_dictionaries({"Operations": operations})},
) | st.fixed_dictionaries({"method": st.just("POST"), "path": st.just("/Users"), "bulkId": short_texts, "data": bodies})


@odd
@given(operations=st.lists(bulk_operations, min_size=1, max_size=5), fail_on_errors=st.none() | numbers)
def test_bulk(
    scim: Endpoint, violations: list[Violation], operations: list[dict[str, Any]], fail_on_errors: int | None
) -> None:
    send(scim, "POST", "/Bulk", {"schemas": [BULK], "Operations": operations, "failOnErrors": fail_on_errors})
    assert violations == []


@odd
@given(text=texts)
def test_report_on_a_person(scim: Endpoint, violations: list[Violation], text: str) -> None:
    send(scim, "POST", "/Users", {"schemas": [CORE], "userName": f"x{text}", "active": "x"})
    log: AuditLog = open_audit_log(scim)

    assert log.report_on_person(text).query == text.strip()
    assert violations == []


@odd
@given(tenant_id=texts)
def test_ids_of_customers(table: Any, violations: list[Violation], tenant_id: str) -> None:
    """The operator can type any text on the command line and in the address of a page."""
    adapters = build_operator_adapters(Settings.from_environment(os.environ), "tests")

    assert adapters.build_administration().find_audit_log(tenant_id) is None
    assert violations == []
