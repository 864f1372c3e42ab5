"""Render the OpenAPI document as a page with a table of its operations."""

from typing import Any

import yaml

_COLUMNS = "| request | what it does | responses |\n|---|---|---|"


def render(source: str) -> str:
    """Return the Markdown page of an OpenAPI document: its description, a table for each tag, and the document."""
    document = yaml.safe_load(source)
    parts = [f"# {document['info']['title']}", document["info"]["description"].rstrip()]
    for tag in document["tags"]:
        rows = "".join(_rows(document, tag["name"]))
        parts.append(f"## {tag['name']}\n\n{tag['description']}.\n\n{_COLUMNS}{rows}")
    parts.append(f"## OpenAPI document\n\n```yaml\n{source.rstrip()}\n```\n")
    return "\n\n".join(parts)


def _rows(document: dict[str, Any], tag: str) -> list[str]:
    """Return a row for each operation with a tag."""
    return [
        f"\n| `{method.upper()} {path}` | {operation['summary']} | {', '.join(operation['responses'])} |"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters" and tag in operation["tags"]
    ]
