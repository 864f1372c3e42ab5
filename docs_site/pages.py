"""The pages of the site: which file of the repository becomes which page, and where its links lead."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from docs_site import event_schema, openapi
from docs_site.lists import indent_lists

# Files outside of docs/ that are pages of the site, by their path in the repository.
PROJECT_PAGES = {
    "README.md": "overview.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "LICENSE": "license.md",
}
EVENT_SCHEMAS = "docs/build/events"
OPENAPI = "docs/build/openapi.yaml"

_LANGUAGES = {".json": "json", ".py": "python", ".yaml": "yaml", ".toml": "toml", ".sh": "sh", "": "text"}
_CODE = re.compile(r"^( *)(```+|~~~+)[^\n]*\n.*?^\1\2[ ]*$|`[^`\n]+`|<!--.*?-->", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


class Link(NamedTuple):
    """A link of a Markdown page: its text, the path without the anchor, and the anchor."""

    text: str
    path: str
    anchor: str


def find_links(markdown: str) -> Iterator[Link]:
    """Yield the links to files and anchors of a page, other than pictures and web addresses."""
    masked, parts = _mask_code(markdown)
    for picture, text, target in _LINK.findall(masked):
        if not picture and not is_address(target):
            path, _, anchor = target.partition("#")
            yield Link(_restore_code(text, parts).replace("`", ""), path, anchor)


def is_address(target: str) -> bool:
    """Return whether a link leads to the web or to a mail address."""
    return bool(re.match(r"[a-z]+:", target))


def site_path(path: str) -> str:
    """Return the path on the site of a file of the repository: a page ends with .md."""
    if path in PROJECT_PAGES:
        return PROJECT_PAGES[path]
    if path == OPENAPI:
        return path.removeprefix("docs/").removesuffix(".yaml") + ".md"
    if re.fullmatch(rf"{EVENT_SCHEMAS}/\w+\.json", path):
        return path.removeprefix("docs/").removesuffix(".json") + ".md"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return path if path.endswith(".md") else f"source/{path}.md"


class Site:
    """The pages that are reached from docs/ and from the project's own pages."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.pages: dict[str, str] = {}  # the Markdown by path on the site
        self.assets: dict[str, Path] = {}  # pictures by path on the site
        self._unread: list[str] = []  # paths in the repository

    def read(self) -> None:
        """Read every page and picture of docs/, the project's own pages, and all files that these link to."""
        files = sorted((self._root / "docs").rglob("*"))
        names = [path.relative_to(self._root).as_posix() for path in files if path.is_file()]
        self._unread = [name for name in [*PROJECT_PAGES, *names] if (self._root / name).exists()]
        while self._unread:
            self._read(self._unread.pop())

    def write(self, folder: Path) -> None:
        """Write the pages and the pictures into a folder."""
        for name, markdown in self.pages.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(markdown, "utf-8")
        for name, source in self.assets.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read_bytes())

    def _read(self, name: str) -> None:
        """Read a file of the repository, once."""
        page = site_path(name)
        if page in self.pages or page in self.assets:
            return
        path = self._root / name
        if path.suffix in (".png", ".svg"):
            self.assets[page] = path
            return
        source = path.read_text("utf-8")
        if path.suffix == ".md":
            self.pages[page] = indent_lists(_replace_links(source, lambda target: self._follow(name, target)))
        elif page.startswith("source/") or name == "LICENSE":
            self.pages[page] = f"# {name}\n\n```{_LANGUAGES.get(path.suffix, 'text')}\n{source.rstrip()}\n```\n"
        elif name == OPENAPI:
            self.pages[page] = openapi.render(source)
        else:
            self.pages[page] = event_schema.render(source)

    def _follow(self, name: str, target: str) -> str:
        """Return the address on the site of what a page links to, and read that later. A broken link stays as it is."""
        if is_address(target) or target.startswith("#"):
            return target
        path, hash_sign, anchor = target.partition("#")
        linked = os.path.normpath(PurePosixPath(name).parent / path)
        if (self._root / linked).is_dir():
            linked = f"{linked}/README.md"
        if not (self._root / linked).is_file():
            return target
        self._unread.append(linked)
        address = os.path.relpath(site_path(linked), PurePosixPath(site_path(name)).parent)
        return address + hash_sign + anchor


def _replace_links(markdown: str, replace: Callable[[str], str]) -> str:
    """Replace the target of each link that is not in code."""

    def replace_in(text: str) -> str:
        return _LINK.sub(lambda found: f"{found[1]}[{replace_in(found[2])}]({replace(found[3])})", text)

    masked, parts = _mask_code(markdown)
    return _restore_code(replace_in(masked), parts)


def _mask_code(markdown: str) -> tuple[str, list[str]]:
    """Replace code and comments with placeholders, so that no link is found in them. Return both."""
    parts: list[str] = []

    def mask(found: re.Match[str]) -> str:
        parts.append(found.group())
        return f"\0{len(parts) - 1}\0"

    return _CODE.sub(mask, markdown), parts


def _restore_code(text: str, parts: list[str]) -> str:
    return re.sub(r"\0(\d+)\0", lambda mark: parts[int(mark[1])], text)
