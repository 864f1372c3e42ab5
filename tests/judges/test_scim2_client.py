"""scim2-client, the client library of python-scim, validates responses against the schemas that the endpoint serves."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import BulkRequest, PatchOp, SCIMException, SearchRequest

from tests.judges.checks import Checks
from tests.judges.conftest import Report
from tests.judges.local_run import Tenant
from tests.judges.verdict import Judge
from tests.size import scale

USERS = scale(150)


@pytest.fixture
def client(tenant: Tenant) -> Iterator[SyncSCIMClient]:
    with Client(base_url=tenant.url, headers={"Authorization": f"Bearer {tenant.token}"}) as http:
        client = SyncSCIMClient(http)
        client.discover()
        yield client


def test_users(client: SyncSCIMClient, report: Report) -> None:
    model = client.get_resource_model("User")
    checks = Checks()
    for name, check in CHECKS.items():
        with checks.check(name):
            check(client, model)

    report(Judge.SCIM2_CLIENT, checks.list())


def build_patch(model: Any, path: str | None, value: Any) -> Any:
    """Return a PATCH with one operation, for the user class that scim2-client builds from the schemas."""
    operation = {"op": "replace", "path": path, "value": value}
    return parametrize(PatchOp, model).model_validate({"operations": [operation]})


def parametrize(message: Any, model: Any) -> Any:
    """Return the message class for a user class, which type checkers do not know."""
    return message[model]


def search_by(text: str, **parameters: int) -> SearchRequest[Any]:
    return SearchRequest.model_validate({"filter": text} | parameters)


def check_lifecycle(client: Any, model: Any) -> None:
    created = client.create(model(user_name="ada@example.com", emails=[{"value": "ada@example.com", "primary": True}]))
    assert created.active is True

    assert client.query(model, created.id) == client.query(created) == created
    page = client.query(model, query_parameters=search_by('userName eq "ADA@example.com"'))
    assert (page.total_results, page.resources) == (1, [created])

    created.display_name = "Ada"
    replaced = client.replace(created)
    assert (replaced.display_name, replaced.meta.version) == ("Ada", 'W/"2"')

    modified = client.modify(replaced, build_patch(model, "active", False))
    assert (modified.active, modified.display_name, modified.meta.version) == (False, "Ada", 'W/"3"')

    assert client.search(search_request=search_by("active eq false")).resources == [modified]

    assert client.delete(modified) is None
    assert catch_error(lambda: client.query(model, created.id)).status == 404


def check_enterprise_attributes(client: Any, model: Any) -> None:
    enterprise = model.get_extension_model("EnterpriseUser")
    user = model(user_name="enterprise")
    user[enterprise] = {"department": "Kitchen", "manager": {"value": "26118915"}}

    created = client.create(user)

    assert (created[enterprise].department, created[enterprise].manager.value) == ("Kitchen", "26118915")


def check_duplicate_user_name(client: Any, model: Any) -> None:
    client.create(model(user_name="duplicate"))

    error = catch_error(lambda: client.create(model(user_name="Duplicate")))

    assert (error.status, error.scim_type) == (409, "uniqueness")


def check_outdated_replace(client: Any, model: Any) -> None:
    user = client.create(model(user_name="outdated"))
    client.modify(model, user.id, build_patch(model, "title", "Cook"))
    user.title = "Chef"

    assert catch_error(lambda: client.replace(user)).status == 412
    assert client.query(model, user.id).title == "Cook"


def check_patch_without_path(client: Any, model: Any) -> None:
    user = client.create(model(user_name="without-path"))

    assert client.modify(model, user.id, build_patch(model, None, {"title": "Chef"})).title == "Chef"


def check_pages(client: Any, model: Any) -> None:
    created = {client.create(model(user_name=f"page-{number}", title="Page")).id for number in range(USERS)}

    pages = [
        client.query(model, query_parameters=search_by('title eq "Page"', start_index=start, count=4))
        for start in range(1, USERS + 1, 4)
    ]

    assert {page.total_results for page in pages} == {USERS}
    assert sorted(user.id for page in pages for user in page.resources) == sorted(created)


def check_projection(client: Any, model: Any) -> None:
    created = client.create(model(user_name="projection", title="Chef"))

    projected = client.query(model, created.id, {"attributes": ["title"]})

    assert (projected.title, projected.user_name) == ("Chef", None)


def check_bulk(client: Any, model: Any) -> None:
    changed, deleted = client.create(model(user_name="bulk-1")), client.create(model(user_name="bulk-2"))
    operations = [
        {"method": "POST", "path": "/Users", "bulk_id": "new", "data": model(user_name="bulk-3")},
        {"method": "PATCH", "path": f"/Users/{changed.id}", "data": build_patch(model, "title", "Chef")},
        {"method": "DELETE", "path": f"/Users/{deleted.id}", "version": deleted.meta.version},
    ]

    response = client.bulk(parametrize(BulkRequest, model)(operations=operations))

    assert [result.status for result in response.operations] == [201, 200, 204]
    found = client.query(model, query_parameters=search_by('userName sw "bulk-"')).resources
    assert sorted(user.user_name for user in found) == ["bulk-1", "bulk-3"]


def check_invalid_filter(client: Any, model: Any) -> None:
    error = catch_error(
        lambda: client.query(model, query_parameters={"filter": "userName eq"}, check_request_payload=False)
    )
    assert (error.status, error.scim_type) == (400, "invalidFilter")


def catch_error(send: Callable[[], Any]) -> SCIMException:
    """Return the SCIM error that the endpoint answers with."""
    with pytest.raises(SCIMException) as error:
        send()
    return error.value


CHECKS: dict[str, Callable[[Any, Any], None]] = {
    "life cycle": check_lifecycle,
    "enterprise attributes": check_enterprise_attributes,
    "duplicate is 409": check_duplicate_user_name,
    "replace of an outdated version is 412": check_outdated_replace,
    "modify without a path": check_patch_without_path,
    "pages have every user once": check_pages,
    "projection": check_projection,
    "bulk": check_bulk,
    "invalid filter is 400": check_invalid_filter,
}
