"""Render a ListResponse, the response to a query (RFC 7644 section 3.4.2, RFC 9865 section 2)."""

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
    """Return a ListResponse as JSON.

    ``total`` is the number of all resources that match. ``resources`` are the resources of this page, each as JSON.
    ``start_index`` is for index paging (RFC 7644 section 3.4.2.4). The cursors are for cursor paging (RFC 9865
    section 2).
    """
    page = list(resources)
    start_index_member = "" if start_index is None else f'"startIndex":{start_index},'
    cursor_members = "".join(
        f'"{name}":"{cursor}",'
        for name, cursor in (("nextCursor", next_cursor), ("previousCursor", previous_cursor))
        if cursor is not None
    )
    return (
        f'{{"schemas":["{LIST_RESPONSE}"],"totalResults":{total},{start_index_member}'
        f'"itemsPerPage":{len(page)},{cursor_members}"Resources":[{",".join(page)}]}}'
    )
