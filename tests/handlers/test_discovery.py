"""Discovery over HTTP: RFC 7644, section 4. Its function serves no other endpoints."""

import pytest

from scim.service.tenants.tenant_service import TenantService
from tests.conftest import EXTENSION
from tests.endpoint import CORE, SURVEY, Endpoint, invoke, load
from tests.handlers.conftest import Log
from tests.handlers.events import build_event
from tests.handlers.tenants import get_tenant_id, start_environment

COLLECTIONS = ["/ResourceTypes", "/Schemas"]
DOCUMENTS = ["/ServiceProviderConfig", *COLLECTIONS, "/ResourceTypes/User", f"/Schemas/{CORE}"]


@pytest.mark.parametrize("path", COLLECTIONS)
def test_listed_documents_are_served_at_their_location(scim: Endpoint, path: str) -> None:
    response = scim.request("GET", path).json()

    assert response["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    assert response["totalResults"] == response["itemsPerPage"] == len(response["Resources"])
    assert [
        scim.request("GET", document["meta"]["location"].partition("/scim/v2")[2]).json()
        for document in response["Resources"]
    ] == response["Resources"]


def test_service_provider_config_is_served_at_its_location(scim: Endpoint) -> None:
    config = scim.request("GET", "/ServiceProviderConfig").json()

    assert config["meta"]["location"].endswith("/scim/v2/ServiceProviderConfig")


def test_discovery_has_the_tenants_extension(scim: Endpoint) -> None:
    schema = scim.request("GET", f"/Schemas/{SURVEY}").json()
    (resource_type,) = scim.request("GET", "/ResourceTypes").json()["Resources"]

    assert [attribute["name"] for attribute in schema["attributes"]] == [
        attribute["name"] for attribute in EXTENSION["attributes"]
    ]
    assert {"schema": SURVEY, "required": False} in resource_type["schemaExtensions"]


@pytest.mark.parametrize("path", ["/ResourceTypes/Group", "/Schemas/urn:nothing", "/Schemas/%20"])
def test_unknown_document_is_404(scim: Endpoint, path: str) -> None:
    assert scim.request("GET", path).status == 404


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_documents_are_read_only(scim: Endpoint, path: str, method: str) -> None:
    response = scim.request(method, path, {})

    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", DOCUMENTS)
def test_filter_is_forbidden(scim: Endpoint, path: str) -> None:
    response = scim.request("GET", f"{path}?filter=id+pr")

    assert (response.status, response.json()["status"]) == (403, "403")


@pytest.mark.parametrize("path", DOCUMENTS)
def test_other_query_parameters_are_ignored(scim: Endpoint, path: str) -> None:
    query = "startIndex=2&count=0&sortBy=id&attributes=name&excludedAttributes=name"

    assert scim.request("GET", f"{path}?{query}").json() == scim.request("GET", path).json()


@pytest.mark.parametrize("path", DOCUMENTS)
def test_discovery_reads_only_the_settings(scim: Endpoint, log: Log, path: str) -> None:
    scim.request("GET", path)
    cold = log.last
    scim.request("GET", path)

    assert (cold["dynamodb_calls_auth"], cold["dynamodb_calls"]) in [(2, 0), (0, 0)]
    assert (log.last["dynamodb_calls_auth"], log.last["dynamodb_calls"]) == (0, 0)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/scim/v2/Users"),
        ("POST", "/scim/v2/Users"),
        ("GET", "/scim/v2"),
        ("POST", "/scim/v2/.search"),
        ("POST", "/scim/v2/Bulk"),
        ("GET", "/scim/v2/Groups"),
        ("GET", "/scim/v2/Me"),
        ("GET", "/scim/v2/Users/00000000-0000-4000-8000-000000000000"),
    ],
)
def test_discovery_function_reads_no_users(scim: Endpoint, log: Log, method: str, path: str) -> None:
    headers = {"authorization": f"Bearer {scim.token}"}

    status, *_ = invoke(load("handlers.discovery.handler"), build_event(method, path, headers=headers, body="{}"))

    assert (status, log.last["dynamodb_calls"]) == (404, 0)


class TestWithoutToken:
    """``/ServiceProviderConfig`` is public (RFC 7643 section 5)."""

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("base", ["/scim/v2", "", "/scim//v2", "/SCIM/V2"])
    def test_config_needs_no_token_and_no_call(
        self, scim: Endpoint, calls: list[str], log: Log, base: str, method: str
    ) -> None:
        """Exact paths go to the discovery function, other spellings to the users function."""
        status, headers, body = scim.send(
            method, "/ServiceProviderConfig?aadOptscim062020", {"authorization": ""}, base=base
        )

        assert (status, calls) == (200, [])
        assert (headers["cache-control"], headers["vary"]) == ("public, max-age=3600", "Accept, Authorization")
        assert bool(body) is (method == "GET")
        assert (log.last["operation"], log.last["status"]) == (f"{method} ServiceProviderConfig", 200)
        assert "tenant" not in log.last

    @pytest.mark.parametrize("is_strict", [False, True])
    def test_config_is_that_of_every_tenant(self, scim: Endpoint, operator: TenantService, *, is_strict: bool) -> None:
        operator.configure(get_tenant_id(scim), is_strict=is_strict)
        endpoint = start_environment(scim.token)
        with_token = endpoint.request("GET", "/ServiceProviderConfig")
        without_token = endpoint.request("GET", "/ServiceProviderConfig", authorization="")

        assert (with_token.status, without_token.status) == (200, 200)
        assert with_token.body == without_token.body
        assert "cache-control" not in with_token.headers

    @pytest.mark.parametrize("authorization", ["Bearer", "Bearer x", "x", "Basic YTpi", "Bearer muster_acme_x"])
    def test_invalid_token_is_401(self, scim: Endpoint, authorization: str) -> None:
        assert scim.request("GET", "/ServiceProviderConfig", authorization=authorization).status == 401

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            *(("GET", path) for path in [*DOCUMENTS[1:], "/ServiceProviderConfig/7", "/Users/ServiceProviderConfig"]),
            *((method, "/ServiceProviderConfig") for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")),
        ],
    )
    def test_other_requests_need_a_token(self, scim: Endpoint, calls: list[str], method: str, path: str) -> None:
        assert (scim.request(method, path, authorization="").status, calls) == (401, [])

    def test_filter_is_forbidden(self, scim: Endpoint) -> None:
        response = scim.request("GET", "/ServiceProviderConfig?filter=id%20pr", authorization="")

        assert (response.status, response.json()["status"]) == (403, "403")
