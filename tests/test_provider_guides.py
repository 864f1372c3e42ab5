"""The guides for identity providers agree with the recorded exchanges and with the code."""

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

with_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def read_section(page: Path, heading: str) -> str:
    """Return the text from a heading to the next one of any level."""
    return re.split(r"\n##+ ", re.split(rf"\n##+ {heading}\n", page.read_text("utf-8"))[1])[0]


def list_leniencies(page: Path) -> list[str]:
    """Return the leniencies that a page lists."""
    return re.findall(r"^- `([a-z-]+)`:", read_section(page, "Leniencies"), re.MULTILINE)


def test_providers_and_pages_are_the_same() -> None:
    assert {page.stem for page in PAGES} == {path.parent.name for path in IDP.glob("*/*.json")}


def test_index_lists_all_pages() -> None:
    index = (GUIDES / "README.md").read_text("utf-8")

    assert sorted(re.findall(r"^\| \[.+?\]\((\w+)\.md\)", index, re.MULTILINE)) == [page.stem for page in PAGES]


@with_pages
def test_page_has_standard_sections(page: Path) -> None:
    headings = re.findall(r"^##+ (.+)", page.read_text("utf-8"), re.MULTILINE)
    assert headings == [*SECTIONS, "Requests", "Leniencies"]


@with_pages
def test_page_lists_leniencies_of_its_exchanges(
    page: Path, scim: "Endpoint", capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sorted((IDP / page.stem).glob("*.json")):
        replay(load(path), scim.send)
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    logged = [line["leniencies"] for line in lines if "leniencies" in line]

    assert logged
    assert sorted(list_leniencies(page)) == sorted({name for names in logged for name in names})


def test_all_leniencies_are_used_by_a_provider() -> None:
    assert {name for page in PAGES for name in list_leniencies(page)} == {leniency.label for leniency in Leniency}


@with_pages
def test_examples_are_load_requests(page: Path) -> None:
    examples = re.findall(r"^```http\n(\S+) (\S+)\n(.*?)```", read_section(page, "Requests"), re.MULTILINE | re.DOTALL)
    recorded = list(load_requests(page.stem))

    assert examples
    for method, path, body in examples:
        candidates = [request for request in recorded if (request.method, request.path) == (method, path)]
        expected = json.loads(body) if body else None
        assert any(find_difference(expected, request.body) is None for request in candidates), f"{method} {path}"


@with_pages
def test_quoted_details_are_in_the_code(page: Path) -> None:
    cells = [line.split("|")[2] for line in read_section(page, "Troubleshoot").splitlines() if line[:1] == "|"]
    quoted = [detail for cell in cells for detail in re.findall(r"`([^`]+)`", cell)]
    known = [re.compile(pattern) for pattern in build_detail_patterns()]

    assert quoted
    for detail in quoted:
        assert any(pattern.fullmatch(detail) for pattern in known), detail


def load_requests(provider: str) -> Iterator[Request]:
    """Yield the recorded requests as pages show them: names without ``${run}``, values of responses as ``{name}``."""
    for path in (IDP / provider).glob("*.json"):
        for exchange in load(path).exchanges:
            text = exchange.request.model_dump_json()
            yield Request.model_validate_json(text.replace(".${run}", "").replace("${", "{"))


def build_detail_patterns() -> Iterator[str]:
    """Yield patterns for the details of errors: the first arguments of all calls, with ``.*`` for inserted values.

    A text with several sentences has a pattern for each number of leading sentences.
    """
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
                pattern = _pattern(node.args[0])
                ends = [match.end() for match in re.finditer(r"\\\.(?= |$)", pattern)]
                yield from (pattern[:end] for end in ends if " " in pattern[:end])


def _pattern(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return re.escape(text).replace(r"\ ", " ")
        case ast.JoinedStr(values=parts):
            return "".join(_pattern(part) for part in parts)
    return ".*"
