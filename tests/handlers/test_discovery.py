"""Discovery over HTTP, and that its function serves nothing else: RFC 7644, section 4."""

import pytest

from tests.conftest import EXTENSION
from tests.endpoint import CORE, SURVEY, Endpoint, invoke, load
from tests.handlers.conftest import Log
from tests.handlers.events import event

COLLECTIONS = ["/ResourceTypes", "/Schemas"]
DOCUMENTS = ["/ServiceProviderConfig", *COLLECTIONS, "/ResourceTypes/User", f"/Schemas/{CORE}"]


@pytest.mark.parametrize("path", COLLECTIONS)
def test_listed_documents_are_served_at_their_location(scim: Endpoint, path: str) -> None:
    answer = scim.request("GET", path).json()

    assert answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    assert answer["totalResults"] == answer["itemsPerPage"] == len(answer["Resources"])
    assert [
        scim.request("GET", each["meta"]["location"].partition("/scim/v2")[2]).json() for each in answer["Resources"]
    ] == answer["Resources"]


def test_service_provider_config_is_served_at_its_location(scim: Endpoint) -> None:
    config = scim.request("GET", "/ServiceProviderConfig").json()

    assert config["meta"]["location"].endswith("/scim/v2/ServiceProviderConfig")


def test_extension_of_the_tenant_is_shown(scim: Endpoint) -> None:
    schema = scim.request("GET", f"/Schemas/{SURVEY}").json()
    (kind,) = scim.request("GET", "/ResourceTypes").json()["Resources"]

    assert [each["name"] for each in schema["attributes"]] == [each["name"] for each in EXTENSION["attributes"]]
    assert {"schema": SURVEY, "required": False} in kind["schemaExtensions"]


@pytest.mark.parametrize("path", ["/ResourceTypes/Group", "/Schemas/urn:nothing", "/Schemas/%20"])
def test_document_that_is_not_served_is_404(scim: Endpoint, path: str) -> None:
    assert scim.request("GET", path).status == 404


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_documents_are_not_written(scim: Endpoint, path: str, method: str) -> None:
    answer = scim.request(method, path, {})

    assert (answer.status, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("path", DOCUMENTS)
def test_filter_is_forbidden(scim: Endpoint, path: str) -> None:
    answer = scim.request("GET", f"{path}?filter=id+pr")

    assert (answer.status, answer.json()["status"]) == (403, "403")


@pytest.mark.parametrize("path", DOCUMENTS)
def test_other_parameters_of_a_query_are_ignored(scim: Endpoint, path: str) -> None:
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

    status, *_ = invoke(load("handlers.discovery.handler"), event(method, path, headers=headers, body="{}"))

    assert (status, log.last["dynamodb_calls"]) == (404, 0)
