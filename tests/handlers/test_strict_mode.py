"""Strict mode: the page that describes it lists the requests that it rejects although the RFCs do not forbid them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import CORE, Endpoint
from tests.handlers.conftest import Log
from tests.handlers.tenants import get_tenant_id
from tests.test_docs import read_table

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Request(NamedTuple):
    """``{id}`` in the path is the id of an existing user."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None

    def send(self, endpoint: Endpoint, user_id: str) -> tuple[int, Any]:
        response = endpoint.request(self.method, self.path.format(id=user_id), self.body)
        return response.status, response.json()


def post(**members: Any) -> Request:
    return Request("POST", "/Users", {"schemas": [CORE], "userName": "jsmith"} | members)


def get(query: str) -> Request:
    return Request("GET", f"/Users?{query}")


def patch(op: str, **members: Any) -> Request:
    return Request("PATCH", "/Users/{id}", {"schemas": [PATCH], "Operations": [{"op": op} | members]})


REQUESTS_BY_ROW = {
    ("a PATCH operation `add` or `replace` without a path", "`pathless-patch`"): [
        patch("add", value={"title": "Guide"}),
        patch("replace", value={"active": False}),
    ],
    (
        "an unknown attribute in a user, or in the value of a PATCH operation",
        "`unknown-attribute`",
    ): [
        post(shoeSize=46),
        post(name={"firstName": "John"}),
        Request("PUT", "/Users/{id}", {"schemas": [CORE], "userName": "bjensen", "shoeSize": 46}),
        patch("replace", path="name", value={"firstName": "Barbara"}),
    ],
    ("an unknown attribute in `attributes` or `excludedAttributes`", "`unknown-attribute`"): [
        get("attributes=userName,shoeSize"),
        get("excludedAttributes=shoeSize"),
    ],
    ("an unknown URN in `schemas`", "`foreign-schemas`"): [post(schemas=[CORE, "urn:example:other"])],
    ("an attribute of a schema extension without its URN, in a path, filter or parameter", "`bare-extension`"): [
        patch("add", path="department", value="Tours"),
        get("filter=department%20eq%20%22Tours%22"),
        get("attributes=department"),
        get("sortBy=department"),
    ],
    ("a PATCH operation `add` with a value filter that nothing matches", "`created-element`"): [
        patch("add", path='emails[type eq "home"].value', value="b@example.com"),
    ],
    ("a string attribute compared with a number, `true` or `false`", "`unquoted-value`"): [
        get("filter=externalId%20eq%2042"),
        get("filter=emails%5Btype%20eq%20true%5D"),
    ],
    ("a PATCH operation `remove` of a multi-valued attribute, with a `value`", "`removed-values`"): [
        patch("remove", path="emails", value=[{"value": "bjensen@example.com"}])
    ],
}
CASES = [(leniency.strip("`"), request) for (_, leniency), requests in REQUESTS_BY_ROW.items() for request in requests]
BODIES_AGAINST_THE_RFC = [
    ({"userName": "bob"}, "invalidValue"),
    ({"schemas": [CORE], "userName": "bob", "active": "True"}, "invalidValue"),
]


@pytest.fixture
def strict(connect: Callable[[], Endpoint], operator: TenantService) -> Endpoint:
    endpoint = connect()
    operator.configure(get_tenant_id(endpoint), is_strict=True)
    return endpoint


def test_page_lists_requests_that_the_rfcs_do_not_forbid() -> None:
    rows = read_table("docs/use/identity-providers/README.md", "## Strict mode")
    assert [tuple(cells) for *cells, _ in rows] == list(REQUESTS_BY_ROW)
    assert all("section" in rfc for *_, rfc in rows)


@pytest.mark.parametrize(("leniency", "request_"), CASES)
def test_strict_mode_rejects_listed_request(
    scim: Endpoint, strict: Endpoint, log: Log, leniency: str, request_: Request
) -> None:
    """Without strict mode the request succeeds. In strict mode it fails, and changes nothing."""
    user = {"userName": "bjensen", "emails": [{"value": "bjensen@example.com"}]}
    status, _ = request_.send(scim, scim.create(**user)["id"])
    assert (status in (200, 201), log.last["leniencies"]) == (True, [leniency])

    before = strict.create(**user)
    status, error = request_.send(strict, before["id"])
    assert (status, error["status"]) == (400, "400")
    assert strict.request("GET", "/Users").json()["Resources"] == [before]


@pytest.mark.parametrize(("body", "scim_type"), BODIES_AGAINST_THE_RFC)
def test_strict_mode_rejects_non_standard_body(
    scim: Endpoint, strict: Endpoint, body: Mapping[str, Any], scim_type: str
) -> None:
    assert scim.request("POST", "/Users", body).status == 201
    response = strict.request("POST", "/Users", body)
    assert (response.status, response.json()["scimType"]) == (400, scim_type)


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"])
def test_discovery_does_not_depend_on_strict_mode(scim: Endpoint, strict: Endpoint, path: str) -> None:
    assert strict.request("GET", path).json() == scim.request("GET", path).json()
