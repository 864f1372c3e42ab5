"""scim2-client uses the endpoint and validates each response against the schemas that the endpoint publishes."""

from typing import Any

import pytest
from scim2_client import SCIMClientException
from scim2_models import BulkRequest, PatchOp, SCIMException, SearchRequest


@pytest.fixture
def model(client: Any) -> Any:
    """The class for users that scim2-client builds from the discovery endpoints."""
    client.discover()
    model = client.get_resource_model("User")
    assert model is not None
    return model


def build_patch(model: Any, path: str, value: Any) -> Any:
    operations = [{"op": "replace", "path": path, "value": value}]
    return parametrize(PatchOp, model).model_validate({"operations": operations})


def parametrize(message: Any, model: Any) -> Any:
    """Return the message class for the discovered user class, which type checkers do not know."""
    return message[model]


def search_by(text: str) -> SearchRequest[Any]:
    return SearchRequest.model_validate({"filter": text})


def test_user_lifecycle(client: Any, model: Any) -> None:
    email = {"value": "alice@example.com", "primary": True}
    created = client.create(model(user_name="alice@example.com", emails=[email]))
    assert created.active is True

    assert client.query(model, created.id) == created
    page = client.query(model, query_parameters=search_by('userName eq "ALICE@example.com"'))
    assert (page.total_results, page.resources) == (1, [created])

    created.display_name = "Alice"
    replaced = client.replace(created)
    assert (replaced.display_name, replaced.meta.version) == ("Alice", 'W/"2"')

    modified = client.modify(replaced, build_patch(model, "active", False))
    assert (modified.active, modified.display_name, modified.meta.version) == (False, "Alice", 'W/"3"')

    assert client.search(search_request=search_by("active eq false")).resources == [modified]

    assert client.delete(modified) is None
    with pytest.raises(SCIMException) as error:
        client.query(model, created.id)
    assert error.value.status == 404


def test_enterprise_attributes_are_stored(client: Any, model: Any) -> None:
    user = model(user_name="alice")
    user[model.get_extension_model("EnterpriseUser")] = {"department": "Kitchen", "manager": {"value": "26118915"}}

    created = client.create(user)

    enterprise = created[model.get_extension_model("EnterpriseUser")]
    assert (enterprise.department, enterprise.manager.value) == ("Kitchen", "26118915")


def test_duplicate_user_name_is_conflict(client: Any, model: Any) -> None:
    client.create(model(user_name="alice"))

    with pytest.raises(SCIMException) as conflict:
        client.create(model(user_name="Alice"))

    assert (conflict.value.status, conflict.value.scim_type) == (409, "uniqueness")


def test_outdated_replace_is_rejected(client: Any, model: Any) -> None:
    user = client.create(model(user_name="alice"))
    client.modify(model, user.id, build_patch(model, "title", "Cook"))
    user.title = "Chef"

    with pytest.raises(SCIMException) as conflict:
        client.replace(user)

    assert conflict.value.status == 412
    assert client.query(model, user.id).title == "Cook"


def test_unchanged_user_is_not_modified(client: Any, model: Any) -> None:
    user = client.create(model(user_name="alice"))

    assert client.query(user) == user


def test_pages_cover_all_users(client: Any, model: Any) -> None:
    created = {client.create(model(user_name=f"user-{number}")).id for number in range(5)}

    pages = [client.query(model, query_parameters=SearchRequest(start_index=start, count=2)) for start in (1, 3, 5)]

    assert [(page.total_results, page.items_per_page) for page in pages] == [(5, 2), (5, 2), (5, 1)]
    assert {user.id for page in pages for user in page.resources} == created


def test_attributes_parameter_projects(client: Any, model: Any) -> None:
    created = client.create(model(user_name="alice", title="Chef"))

    projected = client.query(model, created.id, {"attributes": ["title"]})

    assert (projected.title, projected.user_name) == ("Chef", None)


def test_bulk_creates_patches_and_deletes(client: Any, model: Any) -> None:
    alice, bob = client.create(model(user_name="alice")), client.create(model(user_name="bob"))
    operations = [
        {"method": "POST", "path": "/Users", "bulk_id": "carol", "data": model(user_name="carol")},
        {"method": "PATCH", "path": f"/Users/{alice.id}", "data": build_patch(model, "title", "Chef")},
        {"method": "DELETE", "path": f"/Users/{bob.id}", "version": bob.meta.version},
    ]

    response = client.bulk(parametrize(BulkRequest, model)(operations=operations))

    assert [result.status for result in response.operations] == [201, 200, 204]
    assert sorted(user.user_name for user in client.query(model).resources) == ["alice", "carol"]


def test_invalid_filter_is_scim_error(client: Any, model: Any) -> None:
    with pytest.raises((SCIMException, SCIMClientException)) as error:
        client.query(model, query_parameters={"filter": "userName eq"}, check_request_payload=False)

    assert getattr(error.value, "scim_type", None) == "invalidFilter"
