"""The answer to a query (RFC 7644 section 3.4.2, RFC 9865 section 2)."""

from __future__ import annotations

from collections.abc import Iterable

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def render_list_response(
    total: int,
    resources: Iterable[str],
    *,
    start_index: int | None = None,
    next_cursor: str | None = None,
    previous_cursor: str | None = None,
) -> str:
    """The answer to a query, around resources that are JSON already; ``itemsPerPage`` is how many there are.

    By index it says where it starts, by cursor what lies beside it (RFC 9865 section 2).
    """
    shown = list(resources)
    start = "" if start_index is None else f'"startIndex":{start_index},'
    cursors = "".join(
        f'"{name}":"{cursor}",'
        for name, cursor in (("nextCursor", next_cursor), ("previousCursor", previous_cursor))
        if cursor is not None
    )
    return (
        f'{{"schemas":["{LIST_RESPONSE}"],"totalResults":{total},{start}"itemsPerPage":{len(shown)},{cursors}'
        f'"Resources":[{",".join(shown)}]}}'
    )
