"""Render the JSON Schema of an event as a page with tables."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_COLUMNS = "| member | type | required | meaning |\n|---|---|---|---|"


def render(source: str) -> str:
    """Return the Markdown page of a schema: a table of its members, and the schema itself."""
    schema = json.loads(source)
    parts = [f"# {schema['title']}", schema.get("description", ""), _COLUMNS + "".join(_rows(schema))]
    if any(_is_detail(value) for value in schema["properties"].values()):
        parts.append("The other members of `detail` are the same for all events: see [detail](detail.md).")
    parts.append(f"## JSON Schema\n\n```json\n{source.rstrip()}\n```\n")
    return "\n\n".join(part for part in parts if part)


def _is_detail(member: Mapping[str, Any]) -> bool:
    return member.get("$ref") == "detail.json"


def _rows(schema: Mapping[str, Any], prefix: str = "", *, is_refined: bool = False) -> Iterator[str]:
    """Yield a row for each member, and for the members of its object or of the objects of its list."""
    for name, member in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        required = "yes" if is_refined or name in schema.get("required", []) else "no"
        yield f"\n| `{path}` | {_type(member)} | {required} | {_cell(_meaning(member))} |"
        yield from _rows(member, f"{path}.", is_refined=_is_detail(member))
        yield from _rows(member.get("items", {}), f"{path}[].")


def _type(member: Mapping[str, Any]) -> str:
    """Return the type of a member, or the values that it can have."""
    if _is_detail(member):
        return "[object](detail.md)"
    if "const" in member:
        return f"`{json.dumps(member['const'])}`"
    if "enum" in member:
        return " or ".join(f"`{json.dumps(value)}`" for value in member["enum"])
    types = member.get("type", [])
    types = types if isinstance(types, list) else [types]
    names = [f"{name} of {member['items']['type']}s" if name == "array" else name for name in types]
    return " or ".join(names) + (f" ({member['format']})" if "format" in member else "")


def _meaning(member: Mapping[str, Any]) -> str:
    """Return the description of a member with its bounds."""
    bounds = []
    if "pattern" in member:
        bounds.append(f"Pattern: `{member['pattern']}`.")
    if "minimum" in member:
        bounds.append(f"At least {member['minimum']}.")
    if member.get("minLength") == 1:
        bounds.append("Not empty.")
    return " ".join([member.get("description", ""), *bounds]).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
