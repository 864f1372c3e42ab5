"""A user's life as scim2-client leads it, which checks each answer against the schemas that the endpoint publishes."""

from typing import Any

import pytest
from scim2_client import SCIMClientException
from scim2_models import BulkRequest, PatchOp, SCIMException, SearchRequest


@pytest.fixture
def model(client: Any) -> Any:
    """The user as discovery describes it."""
    client.discover()
    found = client.get_resource_model("User")
    assert found is not None
    return found


def patch(model: Any, path: str, value: Any) -> Any:
    operations = [{"op": "replace", "path": path, "value": value}]
    return parametrized(PatchOp, model).model_validate({"operations": operations})


def parametrized(message: Any, model: Any) -> Any:
    """A message about users as they were discovered, which no type checker knows."""
    return message[model]


def matching(text: str) -> SearchRequest[Any]:
    return SearchRequest.model_validate({"filter": text})


def test_user_lives_its_whole_life(client: Any, model: Any) -> None:
    email = {"value": "alice@example.com", "primary": True}
    created = client.create(model(user_name="alice@example.com", emails=[email]))
    assert created.active is True

    assert client.query(model, created.id) == created
    found = client.query(model, query_parameters=matching('userName eq "ALICE@example.com"'))
    assert (found.total_results, found.resources) == (1, [created])

    created.display_name = "Alice"
    replaced = client.replace(created)
    assert (replaced.display_name, replaced.meta.version) == ("Alice", 'W/"2"')

    modified = client.modify(replaced, patch(model, "active", False))
    assert (modified.active, modified.display_name, modified.meta.version) == (False, "Alice", 'W/"3"')

    assert client.search(search_request=matching("active eq false")).resources == [modified]

    assert client.delete(modified) is None
    with pytest.raises(SCIMException) as missing:
        client.query(model, created.id)
    assert missing.value.status == 404


def test_enterprise_attributes_come_back_as_they_were_sent(client: Any, model: Any) -> None:
    sent = model(user_name="alice")
    sent[model.get_extension_model("EnterpriseUser")] = {"department": "Kitchen", "manager": {"value": "26118915"}}

    created = client.create(sent)

    enterprise = created[model.get_extension_model("EnterpriseUser")]
    assert (enterprise.department, enterprise.manager.value) == ("Kitchen", "26118915")


def test_second_user_of_a_name_is_a_conflict(client: Any, model: Any) -> None:
    client.create(model(user_name="alice"))

    with pytest.raises(SCIMException) as conflict:
        client.create(model(user_name="Alice"))

    assert (conflict.value.status, conflict.value.scim_type) == (409, "uniqueness")


def test_user_that_changed_since_it_was_read_is_not_overwritten(client: Any, model: Any) -> None:
    read = client.create(model(user_name="alice"))
    client.modify(model, read.id, patch(model, "title", "Cook"))
    read.title = "Chef"

    with pytest.raises(SCIMException) as conflict:
        client.replace(read)

    assert conflict.value.status == 412
    assert client.query(model, read.id).title == "Cook"


def test_user_that_has_not_changed_is_not_sent_again(client: Any, model: Any) -> None:
    read = client.create(model(user_name="alice"))

    assert client.query(read) == read


def test_pages_lead_through_all_users(client: Any, model: Any) -> None:
    created = {client.create(model(user_name=f"user-{number}")).id for number in range(5)}

    pages = [client.query(model, query_parameters=SearchRequest(start_index=start, count=2)) for start in (1, 3, 5)]

    assert [(page.total_results, page.items_per_page) for page in pages] == [(5, 2), (5, 2), (5, 1)]
    assert {user.id for page in pages for user in page.resources} == created


def test_projection_shows_what_is_asked_for(client: Any, model: Any) -> None:
    created = client.create(model(user_name="alice", title="Chef"))

    shown = client.query(model, created.id, {"attributes": ["title"]})

    assert (shown.title, shown.user_name) == ("Chef", None)


def test_bulk_creates_changes_and_deletes(client: Any, model: Any) -> None:
    alice, bob = client.create(model(user_name="alice")), client.create(model(user_name="bob"))
    operations = [
        {"method": "POST", "path": "/Users", "bulk_id": "carol", "data": model(user_name="carol")},
        {"method": "PATCH", "path": f"/Users/{alice.id}", "data": patch(model, "title", "Chef")},
        {"method": "DELETE", "path": f"/Users/{bob.id}", "version": bob.meta.version},
    ]

    answer = client.bulk(parametrized(BulkRequest, model)(operations=operations))

    assert [each.status for each in answer.operations] == [201, 200, 204]
    assert sorted(user.user_name for user in client.query(model).resources) == ["alice", "carol"]


def test_wrong_filter_is_a_scim_error(client: Any, model: Any) -> None:
    with pytest.raises((SCIMException, SCIMClientException)) as wrong:
        client.query(model, query_parameters={"filter": "userName eq"}, check_request_payload=False)

    assert getattr(wrong.value, "scim_type", None) == "invalidFilter"
