"""The navigation of the site: the README of each folder lists its pages, in the order in which to read them."""

import os
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from docs_site.pages import find_links

Entry = dict[str, Any]

HOME = "README.md"
INDEXES = (HOME, "decisions/README.md")


def build_navigation(pages: Mapping[str, str]) -> list[Any]:
    """Return the ``nav`` of the configuration: the home, and what it lists."""
    return [HOME, *_list_below(HOME, pages)]


def _list_below(readme: str, pages: Mapping[str, str]) -> list[Entry]:
    """Return the entries of the pages that a README lists; an index also has its headings of level 2."""
    if readme not in INDEXES:
        return _entries(readme, pages[readme], pages)
    introduction, *groups = pages[readme].split("\n## ")
    entries = _entries(readme, introduction, pages)
    for group in groups:
        heading, _, text = group.partition("\n")
        if listed := _entries(readme, text, pages):
            entries.append({heading: listed})
    return entries


def list_pages(navigation: list[Any]) -> list[str]:
    """Return the pages of a navigation."""
    pages: list[str] = []
    for entry in navigation:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        pages += list_pages(value) if isinstance(value, list) else [value]
    return pages


def find_unlisted(pages: Mapping[str, str], navigation: list[Any]) -> list[str]:
    """Return the pages that no README lists; the source of a file is reached by the page that links to it."""
    listed = set(list_pages(navigation))
    return [page for page in pages if page not in listed and not page.startswith("source/")]


def _entries(readme: str, text: str, pages: Mapping[str, str]) -> list[Entry]:
    """Return an entry for each page that a text in a README lists, with what that page lists if it is a README."""
    entries: dict[str, Entry] = {}
    folder = PurePosixPath(readme).parent
    for link in find_links(text):
        page = os.path.normpath(folder / link.path) if link.path else readme
        if page in pages and page != readme and page not in entries and _lists(folder, page, pages):
            below = _list_below(page, pages) if page.endswith("/README.md") else []
            entries[page] = {link.text: [page, *below] if below else page}
    return list(entries.values())


def _lists(folder: PurePosixPath, page: str, pages: Mapping[str, str]) -> bool:
    """Return whether a folder's README lists a page: one of the folder, or the README of the next folder below."""
    path = PurePosixPath(page)
    if path.name == "README.md":
        path = path.parent
    between = [parent for parent in path.parents if parent != folder and parent.is_relative_to(folder)]
    return folder in path.parents and not any(f"{parent}/README.md" in pages for parent in between)
