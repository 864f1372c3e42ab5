"""The identity providers' pages, held to the recorded exchanges and to the code."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scim.protocol.leniency import Leniency
from tests.json_matching import find_difference
from tests.replay import Request, load, replay

if TYPE_CHECKING:
    from tests.endpoint import Endpoint

ROOT = Path(__file__).parent.parent
GUIDES = ROOT / "docs/use/identity-providers"
IDP = ROOT / "tests/idp"
PAGES = sorted(page for page in GUIDES.glob("*.md") if page.name != "README.md")
SECTIONS = [
    "Before you start",
    "Connect",
    "Map attributes",
    "Test",
    "Behavior and limits",
    "Troubleshoot",
    "Reference for engineers",
]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def section(page: Path, heading: str) -> str:
    """Return the text from a heading to the next one of any level."""
    return re.split(r"\n##+ ", re.split(rf"\n##+ {heading}\n", page.read_text("utf-8"))[1])[0]


def leniencies(page: Path) -> list[str]:
    """Those that the page lists."""
    return re.findall(r"^- `([a-z-]+)`:", section(page, "Leniencies"), re.MULTILINE)


def test_every_provider_has_a_page_and_every_page_a_provider() -> None:
    assert {page.stem for page in PAGES} == {path.parent.name for path in IDP.glob("*/*.json")}


def test_index_lists_every_page() -> None:
    index = (GUIDES / "README.md").read_text("utf-8")

    assert sorted(re.findall(r"^\| \[.+?\]\((\w+)\.md\)", index, re.MULTILINE)) == [page.stem for page in PAGES]


@each_page
def test_page_has_the_same_sections_as_the_others(page: Path) -> None:
    headings = re.findall(r"^##+ (.+)", page.read_text("utf-8"), re.MULTILINE)
    assert headings == [*SECTIONS, "Requests", "Leniencies"]


@each_page
def test_page_lists_the_leniencies_that_its_exchanges_need(
    page: Path, scim: "Endpoint", caplog: pytest.LogCaptureFixture
) -> None:
    for path in sorted((IDP / page.stem).glob("*.json")):
        replay(load(path), scim.send)
    logged = [vars(line)["leniencies"] for line in caplog.records if "leniencies" in vars(line)]

    assert logged
    assert sorted(leniencies(page)) == sorted({name for names in logged for name in names})


def test_every_leniency_is_proven_by_a_provider() -> None:
    assert {name for page in PAGES for name in leniencies(page)} == {each.label for each in Leniency}


@each_page
def test_examples_are_recorded_requests(page: Path) -> None:
    examples = re.findall(r"^```http\n(\S+) (\S+)\n(.*?)```", section(page, "Requests"), re.MULTILINE | re.DOTALL)
    recorded = list(recorded_requests(page.stem))

    assert examples
    for method, path, body in examples:
        same = [request for request in recorded if (request.method, request.path) == (method, path)]
        wanted = json.loads(body) if body else None
        assert any(find_difference(wanted, request.body) is None for request in same), f"{method} {path}"


@each_page
def test_quoted_details_are_in_the_code(page: Path) -> None:
    answers = [line.split("|")[2] for line in section(page, "Troubleshoot").splitlines() if line[:1] == "|"]
    quoted = [detail for answer in answers for detail in re.findall(r"`([^`]+)`", answer)]
    known = [re.compile(pattern) for pattern in detail_patterns()]

    assert quoted
    for detail in quoted:
        assert any(pattern.fullmatch(detail) for pattern in known), detail


def recorded_requests(provider: str) -> Iterator[Request]:
    """As pages show them: without what makes names new in each replay, and what an answer gave as ``{name}``."""
    for path in (IDP / provider).glob("*.json"):
        for exchange in load(path).exchanges:
            text = exchange.request.model_dump_json()
            yield Request.model_validate_json(text.replace(".${run}", "").replace("${", "{"))


def detail_patterns() -> Iterator[str]:
    """What can be told in an error: the code's sentences that are handed over first, with anything where a value goes.

    Each comes whole, and as the sentences that it begins with.
    """
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
                pattern = _pattern(node.args[0])
                ends = [found.end() for found in re.finditer(r"\\\.(?= |$)", pattern)]
                yield from (pattern[:end] for end in ends if " " in pattern[:end])


def _pattern(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return re.escape(text).replace(r"\ ", " ")
        case ast.JoinedStr(values=parts):
            return "".join(_pattern(part) for part in parts)
    return ".*"
