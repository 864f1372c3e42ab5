"""Custom attributes in the console: operators change them, guests can only read them."""

import json
import time
from typing import Any

import pytest

from tests.conftest import EXTENSION
from tests.endpoint import PASSWORD, SURVEY, Endpoint
from tests.handlers.console.conftest import HOSTILE
from tests.handlers.console.test_security import accept, invite
from tests.handlers.console.visitor import Page, Visitor

Tenant = tuple[str, Endpoint]


def add_schema(visitor: Visitor, tenant: Tenant, document: Any) -> Page:
    page = visitor.get(f"/admin/tenants/{tenant[0]}/attributes")
    text = document if isinstance(document, str) else json.dumps(document)
    return visitor.submit(page, page.form("/add"), document=text)


def test_add_replace_and_remove_schema(operator_visitor: Visitor, tenant: Tenant) -> None:
    page = add_schema(operator_visitor, tenant, EXTENSION)
    assert page.status == 200
    assert f"<td>{SURVEY}:Business Unit</td>" in page.text
    assert "string, at most 256 characters" in page.text

    more = EXTENSION | {"attributes": [*EXTENSION["attributes"], {"name": "Badge", "type": "integer"}]}
    page = add_schema(operator_visitor, tenant, more)
    assert f"<td>{SURVEY}:Badge</td>" in page.text
    assert page.text.count("<summary>") == 1

    page = operator_visitor.submit(page, page.form("/remove"))
    assert "No custom attributes yet." in page.text
    assert "Users may still have values of these attributes." in page.text
    assert page.text.count('<th scope="row">Badge</th><td>integer</td>') == 1

    page = add_schema(operator_visitor, tenant, more | {"attributes": [{"name": "Badge", "type": "string"}]})
    assert (page.status, "cannot change from integer to string" in page.text) == (400, True)
    page = add_schema(operator_visitor, tenant, more)
    assert "Removed attributes" not in page.text


def test_users_have_added_attributes(operator_visitor: Visitor, tenant: Tenant) -> None:
    add_schema(operator_visitor, tenant, EXTENSION)
    scim = Endpoint(tenant[1].token)
    created = scim.create(schemas=[*scim.create()["schemas"], SURVEY], **{SURVEY: {"Business Unit": "North"}})
    assert created[SURVEY] == {"Business Unit": "North"}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "The document is not valid JSON: line 1, column 2."),
        ("[" * 1_000, "The document has more than 32 levels of nesting."),
        ("[]", "The schema is invalid at the top level"),
        ({"id": "urn:example:x", "attributes": [{"name": "a", "type": "colour"}]}, "attributes.0.type"),
        (EXTENSION | {"attributes": [{"name": "Business Unit", "type": "integer"}]}, "The type of"),
    ],
)
def test_invalid_schema_is_shown_with_its_error(
    operator_visitor: Visitor, tenant: Tenant, document: Any, reason: str
) -> None:
    add_schema(operator_visitor, tenant, EXTENSION)
    page = add_schema(operator_visitor, tenant, document)
    assert page.status == 400
    assert reason in page.text
    assert (document if isinstance(document, str) else document["id"]) in page.text
    page_after = operator_visitor.get(f"/admin/tenants/{tenant[0]}/attributes")
    assert "string, at most 256 characters" in page_after.text
    assert page_after.text.count("<summary>") == 1


def test_hostile_document_is_shown_as_text(operator_visitor: Visitor, tenant: Tenant) -> None:
    hostile = EXTENSION | {"description": HOSTILE}
    for document in (hostile, HOSTILE):
        page = add_schema(operator_visitor, tenant, document)
        assert "alert(1)" in page.text
        assert not {"img", "svg"} & {tag for tag, _ in page.tags}
        assert all(page.scripts)


def test_unknown_schema_cannot_be_removed(operator_visitor: Visitor, tenant: Tenant) -> None:
    page = add_schema(operator_visitor, tenant, EXTENSION)
    form = page.form("/remove")
    operator_visitor.submit(page, form)
    assert operator_visitor.post(page, form).status == 409


@pytest.mark.parametrize("action", ["/add", "/remove"])
def test_schema_change_requires_csrf_token_and_password(
    operator_visitor: Visitor, tenant: Tenant, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_schema(operator_visitor, tenant, EXTENSION)
    now = time.time()
    monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 301)
    page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/attributes")
    form = page.form(action)
    document = json.dumps(EXTENSION | {"id": f"{SURVEY}2"})
    assert operator_visitor.post(page, form, document=document, csrf="", password=PASSWORD).status == 403
    assert operator_visitor.post(page, form, document=document, password="wrong").status == 403
    assert operator_visitor.get(page.url).text.count("<summary>") == 1
    after = operator_visitor.submit(page, form, document=document, password=PASSWORD)
    assert after.text.count("<summary>") == {"/add": 2, "/remove": 0}[action]


def test_guest_cannot_change_attributes(operator_visitor: Visitor, tenant: Tenant) -> None:
    add_schema(operator_visitor, tenant, EXTENSION)
    guest = Visitor()
    accept(invite(operator_visitor, tenant[0]), guest)
    page = guest.get(f"/admin/tenants/{tenant[0]}/attributes")
    assert f"{SURVEY}:Business Unit" in page.text
    assert [form.action for form in page.forms] == ["/admin/sign-out"]
    fields = {"csrf": page.forms[0].fields["csrf"], "schema": SURVEY, "document": json.dumps(EXTENSION)}
    for action in ("add", "remove"):
        assert guest.send("POST", f"{page.url}/{action}", fields).status == 404
    assert f"{SURVEY}:Business Unit" in guest.get(page.url).text
