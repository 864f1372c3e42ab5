"""What is served where."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from handlers.http.routes import EndpointFinder, bulk, discovery
from handlers.http.routes.all_routes import find_endpoint
from handlers.http.routes.misplaced_endpoint import split_misplaced_endpoint
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

# Every form of the base URL (docs: what an administrator may paste into an identity provider).
BASES = ["/scim/v2", "", "/scim", "/v2", "/", "//scim//v2", "/scim/v2/", "/SCIM/V2"]


def segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


@pytest.mark.parametrize("path", SERVED | DISCOVERY)
@pytest.mark.parametrize("change", [str, str.lower, str.upper], ids=["as written", "lower case", "upper case"])
def test_path_leads_to_its_endpoint_in_any_case(path: str, change: Callable[[str], str]) -> None:
    endpoint = find_endpoint(segments(change(path)), (load_user_type(),))

    assert endpoint is not None
    assert (endpoint.name, list(endpoint.handlers)) == (SERVED | DISCOVERY)[path]


@pytest.mark.parametrize("path", NOT_SERVED)
def test_other_paths_lead_nowhere(path: str) -> None:
    assert find_endpoint(segments(path), (load_user_type(),)) is None


@pytest.mark.parametrize("path", [*(SERVED | DISCOVERY), "/Users/Ada", "/User/Users", "/Nothing/Users"])
def test_valid_path_has_no_misplaced_endpoint(path: str) -> None:
    assert split_misplaced_endpoint(segments(path), (load_user_type(),)) is None


@pytest.mark.parametrize(
    "added", ["/Users", f"/Users/{ID}", "/users/.search", "/Groups", "/Me", "/.search", *DISCOVERY]
)
@pytest.mark.parametrize("path", ["/Users", f"/Users/{ID}", "/Users/.search", "/Groups", "/Bulk", "/Schemas", "/me"])
@pytest.mark.parametrize("base", ["", "/scim/v2", "/V2", "/scim"])
def test_misplaced_endpoint_is_split_off(added: str, base: str, path: str) -> None:
    found = split_misplaced_endpoint(segments(added + base + path), (load_user_type(),))

    assert found is not None
    assert found.endpoint.lower() == segments(added)[0].lower()
    assert found.intended_segments == segments(path)


@pytest.mark.parametrize(
    ("find_own", "own"), [(discovery.find_endpoint, DISCOVERY), (bulk.find_endpoint, {"/Bulk": SERVED["/Bulk"]})]
)
def test_function_serves_its_own_routes_only(
    find_own: EndpointFinder, own: Mapping[str, tuple[str, list[str]]]
) -> None:
    found = {path: find_own(segments(path), (load_user_type(),)) for path in [*SERVED, *DISCOVERY, *NOT_SERVED]}

    assert {path: endpoint.name for path, endpoint in found.items() if endpoint} == {
        path: name for path, (name, _) in own.items()
    }


@pytest.mark.parametrize("path", SERVED | DISCOVERY)
def test_other_method_is_405_with_allow_header(scim: Endpoint, path: str) -> None:
    _, allowed = (SERVED | DISCOVERY)[path]
    others = [method for method in (*ALL, "HEAD", "OPTIONS") if method not in allowed]

    answers = [scim.send(method, path) for method in others]

    assert [(status, headers["allow"]) for status, headers, _ in answers] == [(405, ", ".join(allowed))] * len(others)
    assert 405 not in [scim.send(method, path)[0] for method in allowed]


@pytest.mark.parametrize("path", NOT_SERVED)
def test_unknown_path_is_404_with_the_scim_url(scim: Endpoint, path: str) -> None:
    answer = scim.request("GET", path)

    assert answer.status == 404
    assert BASE_URL in answer.json()["detail"]


@pytest.mark.parametrize("base", BASES)
def test_user_is_served_under_every_form_of_base_url(scim: Endpoint, base: str) -> None:
    def send(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, _, answer = scim.send(method, path, body=body and json.dumps(body), base=base)
        return status, answer and json.loads(answer)

    status, user = send("POST", "/Users/", {"schemas": [CORE], "userName": "alice"})
    location = f"{BASE_URL}/Users/{user['id']}"
    assert (status, user["meta"]["location"]) == (201, location)

    assert send("GET", f"/Users/{user['id']}") == (200, user)
    assert send("GET", "/users?aadOptscim062020")[1]["Resources"] == [user]
    assert send("GET", "/Users?aadOptscim062020&filter=userName+eq+%22alice%22")[1]["Resources"] == [user]
    assert send("GET", "/ServiceProviderConfig")[1]["meta"]["location"] == f"{BASE_URL}/ServiceProviderConfig"
    assert send("DELETE", f"//Users//{user['id']}/")[0] == 204
    assert send("GET", f"/Users/{user['id']}")[0] == 404


# What is not supported says so


def test_groups_are_an_empty_list(scim: Endpoint) -> None:
    answer = scim.request("GET", "/Groups?startIndex=1&count=100&filter=displayName+eq+%22x%22")

    assert (answer.status, answer.json()) == (
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
def test_other_groups_requests_are_501_with_advice(scim: Endpoint, method: str, path: str) -> None:
    answer = scim.request(method, path, {})

    assert answer.status == 501
    assert "Turn group provisioning" in answer.json()["detail"]


@pytest.mark.parametrize("method", ALL)
def test_me_is_501(scim: Endpoint, method: str) -> None:
    assert scim.request(method, "/Me", {}).status == 501


@pytest.mark.parametrize("version", ["v1", "V3", "v1.1"])
def test_other_protocol_version_is_rejected(scim: Endpoint, version: str) -> None:
    status, _, body = scim.send("GET", f"/{version}/Users", base="/scim")
    assert (status, json.loads(body)["scimType"]) == (400, "invalidVers")
