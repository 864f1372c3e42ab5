"""List responses."""

import json

import pytest

from scim.protocol.list_response import render_list_response


@pytest.mark.parametrize("resources", [[], ['{"id":"1"}'], ['{"id":"1"}', '{"id":"2"}']])
def test_index_paging(resources: list[str]) -> None:
    assert json.loads(render_list_response(7, resources, start_index=3)) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 7,
        "startIndex": 3,
        "itemsPerPage": len(resources),
        "Resources": [json.loads(resource) for resource in resources],
    }


def test_cursor_paging() -> None:
    """RFC 9865, section 2."""
    response = json.loads(render_list_response(7, ['{"id":"1"}'], next_cursor="n", previous_cursor="p"))

    assert (response["nextCursor"], response["previousCursor"], "startIndex" in response) == ("n", "p", False)
    assert json.loads(render_list_response(0, [])).keys() == {"schemas", "totalResults", "itemsPerPage", "Resources"}
