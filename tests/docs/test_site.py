"""The documentation site: its pages, their links, the navigation, and what the renderer reads differently."""

import json
from pathlib import Path

import pytest

from docs_site import openapi
from docs_site.event_schema import render
from docs_site.lists import indent_lists
from docs_site.navigation import build_navigation, find_unlisted, list_pages
from docs_site.pages import Link, Site, find_links
from tests.docs.prose import ROOT


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    files = {
        "README.md": "[Docs](docs/README.md#parts) ![Picture](docs/picture.png)\n",
        "docs/README.md": "[Overview](../README.md)\n- [Use](use/README.md)\n\n## Parts\n\n[Glossary](glossary.md)\n",
        "docs/glossary.md": "`[a](none.md)` [`code.py`](../src/code.py) [web](https://example.com/a) [up](#glossary)\n",
        "docs/use/README.md": "| page |\n|---|\n| [Errors](errors.md) |\n| [Glossary](../glossary.md) |\n",
        "docs/use/errors.md": "# Errors\n\n[broken](none.md)\n\n```\n[code](../../README.md)\n```\n",
        "docs/build/events/detail.json": json.dumps({"title": "Detail", "properties": {}}),
        "docs/picture.png": "",
        "src/code.py": "x = 1\n",
        "src/other.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def read_site(repository: Path) -> Site:
    site = Site(repository)
    site.read()
    return site


class TestPages:
    def test_pages_of_the_site(self, repository: Path) -> None:
        site = read_site(repository)
        pages = {"README.md", "overview.md", "glossary.md", "use/README.md", "use/errors.md", "build/events/detail.md"}
        assert set(site.pages) == pages | {"source/src/code.py.md"}
        assert set(site.assets) == {"picture.png"}

    def test_links_lead_to_the_pages_of_the_site(self, repository: Path) -> None:
        site = read_site(repository)
        assert "[Overview](overview.md)" in site.pages["README.md"]
        assert "[Docs](README.md#parts) ![Picture](picture.png)" in site.pages["overview.md"]
        assert "[`code.py`](source/src/code.py.md)" in site.pages["glossary.md"]

    def test_code_addresses_and_broken_links_are_unchanged(self, repository: Path) -> None:
        site = read_site(repository)
        assert "`[a](none.md)`" in site.pages["glossary.md"]
        assert "[web](https://example.com/a) [up](#glossary)" in site.pages["glossary.md"]
        assert "[broken](none.md)\n\n```\n[code](../../README.md)" in site.pages["use/errors.md"]

    def test_linked_source_is_a_page(self, repository: Path) -> None:
        assert read_site(repository).pages["source/src/code.py.md"] == "# src/code.py\n\n```python\nx = 1\n```\n"

    def test_write(self, repository: Path, tmp_path: Path) -> None:
        read_site(repository).write(tmp_path / "site")
        assert (tmp_path / "site/use/errors.md").read_text("utf-8").startswith("# Errors")
        assert (tmp_path / "site/picture.png").exists()

    def test_find_links(self) -> None:
        text = "![p](p.png) [a `b`](c.md#d) `[x](y.md)` [web](mailto:a@example.com) [e](#f)"
        assert list(find_links(text)) == [Link("a b", "c.md", "d"), Link("e", "", "f")]


class TestNavigation:
    def test_readmes_list_their_pages(self, repository: Path) -> None:
        pages = read_site(repository).pages
        navigation = build_navigation(pages)
        assert navigation == [
            "README.md",
            {"Overview": "overview.md"},
            {"Use": ["use/README.md", {"Errors": "use/errors.md"}]},
            {"Parts": [{"Glossary": "glossary.md"}]},
        ]
        assert list_pages(navigation) == ["README.md", "overview.md", "use/README.md", "use/errors.md", "glossary.md"]

    def test_unlisted_page_is_found(self, repository: Path) -> None:
        pages = read_site(repository).pages
        assert find_unlisted(pages, build_navigation(pages)) == ["build/events/detail.md"]


class TestLists:
    @pytest.mark.parametrize(
        ("markdown", "expected"),
        [
            ("- a\n  - b\n    c\n", "- a\n    - b\n        c\n"),
            ("1. a\n\n   b\n\n   ```\n     c\n   ```\n\nd\n", "1. a\n\n    b\n\n    ```\n      c\n    ```\n\nd\n"),
            ("10. a\n\n    b\n", "10. a\n\n    b\n"),
            ("text\n- a\n- b\n", "text\n\n- a\n- b\n"),
            ("text\n| a |\n|---|\n| b |\n", "text\n\n| a |\n|---|\n| b |\n"),
            ("- a\n  wrapped\n- b\n\ntext\n", "- a\n    wrapped\n- b\n\ntext\n"),
            ("```\n- a\n  - b\ntext\n- c\n```\n", "```\n- a\n  - b\ntext\n- c\n```\n"),
            ("1. a\n\n   b\n2. c\n3. d\n", "1. a\n\n    b\n\n2. c\n3. d\n"),
            ("version\n2. Then\n", "version\n2. Then\n"),
            ("# a\n\ntext - not a list\n  wrapped\n", "# a\n\ntext - not a list\n  wrapped\n"),
        ],
        ids=[
            "nested",
            "code in item",
            "wide marker",
            "after text",
            "table",
            "wrapped",
            "in code",
            "after paragraph",
            "number",
            "no list",
        ],
    )
    def test_indentation(self, markdown: str, expected: str) -> None:
        assert indent_lists(markdown) == expected


class TestOpenApi:
    def test_table_of_operations(self) -> None:
        operation = {"tags": ["Users"], "summary": "Return a user", "responses": {"200": {}, "404": {}}}
        document = {
            "info": {"title": "API", "description": "An API.\n"},
            "tags": [{"name": "Users", "description": "People"}],
            "paths": {"/Users/{id}": {"parameters": [], "get": operation}},
        }
        page = openapi.render(json.dumps(document))
        assert page.startswith("# API\n\nAn API.\n\n## Users\n\nPeople.\n\n| request |")
        assert "\n| `GET /Users/{id}` | Return a user | 200, 404 |\n" in page

    def test_page_has_each_operation(self) -> None:
        source = (ROOT / "docs/build/openapi.yaml").read_text("utf-8")
        assert openapi.render(source).count("\n| `") == source.count("operationId: ") - source.count("{operationId: ")


class TestEventSchema:
    def test_rows_of_members(self) -> None:
        schema = {
            "title": "Example",
            "description": "An event.",
            "required": ["kind"],
            "properties": {
                "kind": {"const": "a", "description": "The <kind>."},
                "size": {"type": ["integer", "null"], "minimum": 1, "description": "Its size."},
                "tags": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}},
                "detail": {"$ref": "detail.json", "properties": {"state": {"enum": ["x", "y"]}}},
            },
        }
        page = render(json.dumps(schema))
        assert page.startswith("# Example\n\nAn event.\n\n| member | type | required | meaning |\n|---|---|---|---|\n")
        assert page.split("|---|---|---|---|\n")[1].split("\n\n")[0].splitlines() == [
            '| `kind` | `"a"` | yes | The &lt;kind>. |',
            "| `size` | integer or null | no | Its size. At least 1. |",
            "| `tags` | array of objects | no |  |",
            "| `tags[].id` | string | no |  |",
            "| `detail` | [object](detail.md) | no |  |",
            '| `detail.state` | `"x"` or `"y"` | yes |  |',
        ]
        assert "see [detail](detail.md)" in page

    @pytest.mark.parametrize("path", sorted((ROOT / "docs/build/events").glob("*.json")), ids=lambda path: path.stem)
    def test_page_has_each_member(self, path: Path) -> None:
        schema = json.loads(path.read_text("utf-8"))
        page = render(path.read_text("utf-8"))
        assert [name for name in schema["properties"] if f"| `{name}` |" not in page] == []
