"""Paths, their endpoints and methods."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from handlers.http.routes import EndpointFinder, bulk, discovery
from handlers.http.routes.all_routes import find_endpoint
from handlers.http.routes.misplaced_endpoint import MisplacedEndpoint, find_misplaced_endpoint
from scim.protocol.schema import load_user_type
from tests.endpoint import BASE_URL, CORE, Endpoint

ID = "2819c223-7f76-453a-919d-413861904646"
ALL = ["GET", "POST", "PUT", "PATCH", "DELETE"]

SERVED = {
    "/": ("Root", ["GET"]),
    "/.search": ("Root.search", ["POST"]),
    "/Bulk": ("Bulk", ["POST"]),
    "/Users": ("Users", ["GET", "POST"]),
    "/Users/.search": ("Users.search", ["POST"]),
    f"/Users/{ID}": ("User", ["GET", "PUT", "PATCH", "DELETE"]),
    "/Groups": ("Groups", ALL),
    "/Groups/7": ("Groups", ALL),
    "/Groups/.search": ("Groups", ALL),
    "/Me": ("Me", ALL),
    "/Me/7": ("Me", ALL),
}
DISCOVERY = {
    "/ServiceProviderConfig": ("ServiceProviderConfig", ["GET"]),
    "/ResourceTypes": ("ResourceTypes", ["GET"]),
    "/ResourceTypes/User": ("ResourceType", ["GET"]),
    "/Schemas": ("Schemas", ["GET"]),
    f"/Schemas/{CORE}": ("Schema", ["GET"]),
}
NOT_SERVED = [
    "/Nothing",
    "/Users/7/8",
    "/Users/.search/7",
    "/Bulk/7",
    "/ServiceProviderConfig/7",
    "/Schemas/7/8",
    "/User",
]

# Base URLs that an IT admin may enter in an identity provider.
BASE_URLS = ["/scim/v2", "", "/scim", "/v2", "/", "//scim//v2", "/scim/v2/", "/SCIM/V2"]


def split_path(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


@pytest.mark.parametrize("path", SERVED | DISCOVERY)
@pytest.mark.parametrize("change", [str, str.lower, str.upper], ids=["as written", "lower case", "upper case"])
def test_path_is_case_insensitive(path: str, change: Callable[[str], str]) -> None:
    endpoint = find_endpoint(split_path(change(path)), (load_user_type(),))

    assert endpoint is not None
    assert (endpoint.name, list(endpoint.handlers)) == (SERVED | DISCOVERY)[path]


@pytest.mark.parametrize("path", NOT_SERVED)
def test_other_paths_have_no_endpoint(path: str) -> None:
    assert find_endpoint(split_path(path), (load_user_type(),)) is None


@pytest.mark.parametrize("path", [*(SERVED | DISCOVERY), "/Users/Ada", "/User/Users", "/Nothing/Users"])
def test_valid_path_has_no_misplaced_endpoint(path: str) -> None:
    assert find_misplaced_endpoint(split_path(path), "", (load_user_type(),)) is None


@pytest.mark.parametrize(
    "added", ["/Users", f"/Users/{ID}", "/users/.search", "/Groups", "/Me", "/.search", *DISCOVERY]
)
@pytest.mark.parametrize("path", ["/Users", f"/Users/{ID}", "/Users/.search", "/Groups", "/Bulk", "/Schemas", "/me"])
@pytest.mark.parametrize("base", ["", "/scim/v2", "/V2", "/scim"])
def test_misplaced_endpoint_is_split_off(added: str, base: str, path: str) -> None:
    misplaced = find_misplaced_endpoint(split_path(added + base + path), "", (load_user_type(),))

    assert misplaced is not None
    assert (misplaced.endpoint or "").lower() == split_path(added)[0].lower()
    assert misplaced.intended_segments == split_path(path)


@pytest.mark.parametrize("path", ["/Users", f"/users/{ID}", "/Users/.search", "/.search", "/Bulk", "/Schemas", "/Me"])
@pytest.mark.parametrize("query", ["aadOptscim062020", "x=1", "a&b=c", "x=", "x=a/b", "count=100", "attributes=title"])
@pytest.mark.parametrize("end", ["", "?filter=userName%20eq%20%22a%22&count=1", "&startIndex=1", "?x=%2FGroups"])
@pytest.mark.parametrize("base", ["", "/", "/scim/v2"])
def test_path_in_the_query_is_misplaced(query: str, base: str, path: str, end: str) -> None:
    for raw_path in (path, path.replace("/", "%2F"), path.replace("/", "%2f")):
        misplaced = find_misplaced_endpoint([], query + base + raw_path + end, (load_user_type(),))

        assert misplaced == MisplacedEndpoint(split_path(path))


@pytest.mark.parametrize(
    "query",
    [
        "aadOptscim062020",
        "aadOptscim062020/",
        "filter=manager.%24ref%20eq%20%22../Users/7%22&count=1",
        "FILTER=meta.location+eq+%22https%3A%2F%2Fscim.example.com%2Fscim%2Fv2%2FUsers%2F7%22",
        "attributes=urn:ietf:params:scim:schemas:core:2.0:User:userName",
        "url=https://example.com/user",
    ],
)
def test_other_queries_have_no_misplaced_endpoint(query: str) -> None:
    assert find_misplaced_endpoint([], query, (load_user_type(),)) is None


@pytest.mark.parametrize(
    ("find_own", "own"), [(discovery.find_endpoint, DISCOVERY), (bulk.find_endpoint, {"/Bulk": SERVED["/Bulk"]})]
)
def test_function_serves_its_own_routes_only(
    find_own: EndpointFinder, own: Mapping[str, tuple[str, list[str]]]
) -> None:
    endpoints = {path: find_own(split_path(path), (load_user_type(),)) for path in [*SERVED, *DISCOVERY, *NOT_SERVED]}

    assert {path: endpoint.name for path, endpoint in endpoints.items() if endpoint} == {
        path: name for path, (name, _) in own.items()
    }


@pytest.mark.parametrize("path", SERVED | DISCOVERY)
def test_other_method_is_405_with_allow_header(scim: Endpoint, path: str) -> None:
    _, handled = (SERVED | DISCOVERY)[path]
    allowed = [method for name in handled for method in ([name, "HEAD"] if name == "GET" else [name])]
    others = [method for method in (*ALL, "HEAD", "OPTIONS") if method not in allowed]

    responses = [scim.send(method, path) for method in others]

    assert [(status, headers["allow"]) for status, headers, _ in responses] == [(405, ", ".join(allowed))] * len(others)
    assert 405 not in [scim.send(method, path)[0] for method in allowed]


@pytest.mark.parametrize("path", NOT_SERVED)
def test_unknown_path_is_404_with_the_scim_url(scim: Endpoint, path: str) -> None:
    response = scim.request("GET", path)

    assert response.status == 404
    assert BASE_URL in response.json()["detail"]


@pytest.mark.parametrize("base", BASE_URLS)
def test_users_accept_all_forms_of_the_base_url(scim: Endpoint, base: str) -> None:
    def send(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, _, response = scim.send(method, path, body=body and json.dumps(body), base=base)
        return status, response and json.loads(response)

    status, user = send("POST", "/Users/", {"schemas": [CORE], "userName": "alice"})
    location = f"{BASE_URL}/Users/{user['id']}"
    assert (status, user["meta"]["location"]) == (201, location)

    assert send("GET", f"/Users/{user['id']}") == (200, user)
    assert send("GET", "/users?aadOptscim062020")[1]["Resources"] == [user]
    assert send("GET", "/Users?aadOptscim062020&filter=userName+eq+%22alice%22")[1]["Resources"] == [user]
    assert send("GET", "/ServiceProviderConfig")[1]["meta"]["location"] == f"{BASE_URL}/ServiceProviderConfig"
    assert send("DELETE", f"//Users//{user['id']}/")[0] == 204
    assert send("GET", f"/Users/{user['id']}")[0] == 404


class TestUnsupported:
    def test_groups_are_an_empty_list(self, scim: Endpoint) -> None:
        response = scim.request("GET", "/Groups?startIndex=1&count=100&filter=displayName+eq+%22x%22")

        assert (response.status, response.json()) == (
            200,
            {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": 0,
                "startIndex": 1,
                "itemsPerPage": 0,
                "Resources": [],
            },
        )

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/Groups"),
            ("GET", "/Groups/7"),
            ("PATCH", "/Groups/7"),
            ("DELETE", "/Groups/7"),
            ("POST", "/Groups/.search"),
        ],
    )
    def test_other_groups_requests_are_501_with_advice(self, scim: Endpoint, method: str, path: str) -> None:
        response = scim.request(method, path, {})

        assert response.status == 501
        assert "Turn group provisioning" in response.json()["detail"]

    @pytest.mark.parametrize("method", ALL)
    def test_me_is_501(self, scim: Endpoint, method: str) -> None:
        assert scim.request(method, "/Me", {}).status == 501

    @pytest.mark.parametrize("version", ["v1", "V3", "v1.1"])
    def test_other_protocol_version_is_rejected(self, scim: Endpoint, version: str) -> None:
        status, _, body = scim.send("GET", f"/{version}/Users", base="/scim")
        assert (status, json.loads(body)["scimType"]) == (400, "invalidVers")
