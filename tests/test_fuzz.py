"""Invalid requests get SCIM errors and never faults: recorded requests with random mistakes, and random bodies."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.api_gateway.event import InvalidPathError
from tests.endpoint import Endpoint
from tests.invariants import find_violation
from tests.replay import Exchange, Values, load
from tests.size import scale

SCENARIOS = [load(path) for path in sorted((Path(__file__).parent / "idp").glob("*/*.json"))]
REQUESTS = [(scenario.headers, exchange) for scenario in SCENARIOS for exchange in scenario.exchanges]
UNUSUAL_VALUES: list[Any] = [
    None,
    "",
    " ",
    "x" * 300,
    "\u0000",
    "é\u0301",
    "[]",
    'a"b',
    -1,
    0,
    1e308,
    2**70,
    True,
    [],
    {},
    [[]],
    [None],
    {"": ""},
]
MUTATIONS = scale(30_000)


def mutate(value: Any, generator: random.Random) -> Any:
    """Return a value with a random part replaced, removed, repeated, wrapped or cut."""
    if isinstance(value, dict) and value and generator.random() < 0.85:
        name = generator.choice(list(value))
        mutated = {key: member for key, member in value.items() if key != name or generator.random() < 0.9}
        key = name if generator.random() < 0.8 else _cut(name, generator)
        return mutated | {key: mutate(value[name], generator)}
    if isinstance(value, list) and value and generator.random() < 0.85:
        index = generator.randrange(len(value))
        elements = [*value[:index], mutate(value[index], generator), *value[index + 1 :]]
        return elements * generator.choice([1, 1, 1, 3])
    return generator.choice([generator.choice(UNUSUAL_VALUES), [value], {"value": value}, _cut(str(value), generator)])


def _cut(text: str, generator: random.Random) -> str:
    start, end = sorted(generator.randrange(len(text) + 1) for _ in range(2))
    return generator.choice(
        [text[:start] + text[end:], text[start:end], text[:end] + generator.choice('"[]().: ') + text[end:]]
    )


def send(scim: Endpoint, exchange: Exchange, headers: dict[str, str], generator: random.Random) -> str | None:
    """Send a request with a mistake in its body or path; return the rule that the response violates, if any."""
    request = ReplaceableValues().fill_request(exchange.request, headers)
    path, body = request.path, request.body
    if body is not None and generator.random() < 0.8:
        body = mutate(body, generator)
    else:
        start, _, query = path.partition("?")
        path = f"{start}?{_cut(query, generator)}" if query else f"/{_cut(start, generator)}"
    payload = None if body is None else json.dumps(body).encode()
    quoted = path.encode("ascii", "backslashreplace").decode().replace(" ", "%20")
    try:
        status, received, content = scim.send(request.method, quoted, request.headers, payload)
    except InvalidPathError:  # the gateway rejects it
        return None
    if status >= 500 and status != 501:
        return f"{request.method} {quoted} {body}: {status} {content!r}"
    accept = next((value for name, value in request.headers.items() if name.lower() == "accept"), "")
    return find_violation(accept, status, received, content)


class ReplaceableValues(Values):
    """Values in which the id of an unknown user replaces each value of an earlier response."""

    def __getitem__(self, name: str) -> Any:
        try:
            return super().__getitem__(name)
        except KeyError:
            return "00000000-0000-4000-8000-000000000000"


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(3))
def test_recorded_requests_with_mistakes_cause_no_fault(scim: Endpoint, seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311  # the same mistakes in each run
    for _ in range(MUTATIONS // 3):
        headers, exchange = generator.choice(REQUESTS)
        assert send(scim, exchange, headers, generator) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["userName", "emails", "name", "active", "schemas", "Operations", "op", "path", "value", "meta"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        ["POST /Users", "PUT /Users/x", "PATCH /Users/x", "POST /Bulk", "POST /.search", "POST /Users/.search"]
    ),
    st.dictionaries(NAMES | st.text(max_size=10), JSON, max_size=6) | JSON,
)
def test_any_json_causes_no_fault(scim: Endpoint, target: str, body: Any) -> None:
    method, path = target.split()
    assert scim.request(method, path, body).status < 500


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_cause_no_fault(scim: Endpoint, body: bytes) -> None:
    status, _, _ = scim.send("POST", "/Users", {}, body)
    assert 400 <= status < 500 or json.loads(body)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_any_filter_causes_no_fault(scim: Endpoint, text: str) -> None:
    response = scim.request("POST", "/Users/.search", {"filter": text, "sortBy": text[:20], "attributes": [text[:20]]})
    assert response.status in (200, 400)
