"""HEAD: the status and the headers of GET, without a body (RFC 9110 section 9.3.2)."""

import pytest

from tests.endpoint import CORE, Endpoint, without_rate_limit
from tests.handlers.conftest import Log

PATHS = [
    "/",
    "/Users",
    "/Users?count=0",
    "/Users?filter=wrong",
    "/Groups",
    "/Me",
    "/Nothing",
    "/Users/00000000-0000-4000-8000-000000000000",
    "/ServiceProviderConfig",
    "/ServiceProviderConfig?filter=id%20pr",
    "/ResourceTypes",
    "/ResourceTypes/User",
    "/Schemas",
    f"/Schemas/{CORE}",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("authorization", [None, "", "Bearer wrong"], ids=["valid", "missing", "not valid"])
def test_head_is_get_without_a_body(scim: Endpoint, path: str, authorization: str | None) -> None:
    scim.create()
    headers = {} if authorization is None else {"authorization": authorization}

    get, head = (scim.send(method, path, headers) for method in ("GET", "HEAD"))

    assert (head[0], without_rate_limit(head[1])) == (get[0], without_rate_limit(get[1]))
    assert (bool(get[2]), head[2]) == (True, b"")


def test_head_of_a_user_has_its_etag(scim: Endpoint) -> None:
    user = scim.create()

    response = scim.request("HEAD", f"/Users/{user['id']}")
    not_modified = scim.request("HEAD", f"/Users/{user['id']}", if_none_match=response.headers["etag"])

    assert (response.status, response.headers["etag"], response.body) == (200, user["meta"]["version"], b"")
    assert (not_modified.status, not_modified.body) == (304, b"")


def test_log_line_of_head_names_the_method(scim: Endpoint, log: Log) -> None:
    scim.request("HEAD", "/Users")

    assert (log.last["method"], log.last["operation"]) == ("HEAD", "HEAD Users")
