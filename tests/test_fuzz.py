"""Whatever is sent, the answer is SCIM, and never a fault: the corpus with mistakes made in it, and random requests."""

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
ODD: list[Any] = [
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


def mutated(value: Any, chance: random.Random) -> Any:
    """The value with something in it replaced, dropped, doubled, wrapped or cut."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        changed = {key: member for key, member in value.items() if key != name or chance.random() < 0.9}
        key = name if chance.random() < 0.8 else _cut(name, chance)
        return changed | {key: mutated(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        index = chance.randrange(len(value))
        elements = [*value[:index], mutated(value[index], chance), *value[index + 1 :]]
        return elements * chance.choice([1, 1, 1, 3])
    return chance.choice([chance.choice(ODD), [value], {"value": value}, _cut(str(value), chance)])


def _cut(text: str, chance: random.Random) -> str:
    start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    return chance.choice(
        [text[:start] + text[end:], text[start:end], text[:end] + chance.choice('"[]().: ') + text[end:]]
    )


def send(scim: Endpoint, exchange: Exchange, headers: dict[str, str], chance: random.Random) -> str | None:
    """Sends a request with a mistake in its body or in its path; the law that the answer breaks, if any."""
    filled = Anyones().fill_request(exchange.request, headers)
    path, body = filled.path, filled.body
    if body is not None and chance.random() < 0.8:
        body = mutated(body, chance)
    else:
        start, _, query = path.partition("?")
        path = f"{start}?{_cut(query, chance)}" if query else f"/{_cut(start, chance)}"
    content = None if body is None else json.dumps(body).encode()
    quoted = path.encode("ascii", "backslashreplace").decode().replace(" ", "%20")
    try:
        status, answered, answer = scim.send(filled.method, quoted, filled.headers, content)
    except InvalidPathError:  # the gateway refuses it
        return None
    if status >= 500 and status != 501:
        return f"{filled.method} {quoted} {body}: {status} {answer!r}"
    accept = next((value for name, value in filled.headers.items() if name.lower() == "accept"), "")
    return find_violation(accept, status, answered, answer)


class Anyones(Values):
    """Takes what an earlier answer would have given for an id that nobody has."""

    def __getitem__(self, name: str) -> Any:
        try:
            return super().__getitem__(name)
        except KeyError:
            return "00000000-0000-4000-8000-000000000000"


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(3))
def test_corpus_with_mistakes_never_ends_in_a_fault(scim: Endpoint, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # the same mistakes in every run
    for _ in range(MUTATIONS // 3):
        headers, exchange = chance.choice(REQUESTS)
        assert send(scim, exchange, headers, chance) is None


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
def test_any_json_is_answered(scim: Endpoint, where: str, body: Any) -> None:
    method, path = where.split()
    assert scim.request(method, path, body).status < 500


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(scim: Endpoint, body: bytes) -> None:
    status, _, _ = scim.send("POST", "/Users", {}, body)
    assert 400 <= status < 500 or json.loads(body)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_any_filter_is_answered(scim: Endpoint, text: str) -> None:
    answer = scim.request("POST", "/Users/.search", {"filter": text, "sortBy": text[:20], "attributes": [text[:20]]})
    assert answer.status in (200, 400)
