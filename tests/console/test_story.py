"""The way of an operator and of an IT admin through the console."""

from tests.console.visitor import Visitor
from tests.endpoint import Endpoint


def test_from_signing_in_over_connect_to_the_first_user(table: object) -> None:
    operator = Visitor()
    page = operator.sign_in()
    assert page.status == 200, page.text
    page = operator.submit(page, page.form("/admin"), tenant="story-1")
    assert page.url == "/admin/tenants/story-1/connect"
    assert page.value("scim-url") == "https://scim.example.com/scim/v2"
    page = operator.submit(page, page.form("/token"))
    endpoint = Endpoint(page.value("token"))
    user = endpoint.create(userName="ada@example.com", displayName="Ada Lovelace")
    for path in (
        "",
        "/connect",
        "/log",
        "/people",
        "/people?who=ada@example.com",
        f"/people/{user['id']}",
        "/participants",
    ):
        page = operator.get(f"/admin/tenants/story-1{path}")
        assert page.status == 200, (path, page.text)
    page = operator.get("/admin/tenants/story-1/participants.csv")
    assert "ada@example.com" in page.text
