"""scim2-tester, an independent test suite, finds no error."""

from typing import TYPE_CHECKING

from scim2_tester import Status, check_server

if TYPE_CHECKING:
    from scim2_client.engines.wsgi import WSGISCIMClient

# The expected checks: if the tester stopped early, no check would fail.
CHECKS = {
    "service_provider_config_endpoint",
    "service_provider_config_endpoint_methods",
    "query_all_resource_types",
    "query_resource_type_by_id",
    "resource_types_schema_validation",
    "access_invalid_resource_type",
    "resource_types_endpoint_methods",
    "query_all_schemas",
    "access_schema_by_id",
    "access_invalid_schema",
    "schemas_endpoint_methods",
    "random_url",
    "object_creation",
    "object_query",
    "object_query_without_id",
    "object_query_with_attributes",
    "object_list_with_attributes",
    "search_with_attributes",
    "object_replacement",
    "object_deletion",
    "check_add_attribute",
    "check_replace_attribute",
    "check_remove_attribute",
}


def test_all_checks_succeed(client: "WSGISCIMClient") -> None:
    results = check_server(client)

    assert [result for result in results if result.status is not Status.SUCCESS] == []
    assert {result.title for result in results} == CHECKS
