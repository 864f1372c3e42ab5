"""The name of the product and the support contact, which IT admins see."""

import pytest

from scim.service.console.product import Product
from tests.endpoint import Endpoint
from tests.handlers.console.conftest import HOSTILE
from tests.handlers.console.test_security import accept, invite
from tests.handlers.console.visitor import Page, Visitor

Tenant = tuple[str, Endpoint]


def save(operator: Visitor, name: str, support: str) -> Page:
    page = operator.get("/admin/product")
    return operator.submit(page, page.form("/product"), name=name, support=support)


def test_it_admins_see_the_product(operator_visitor: Visitor, tenant: Tenant) -> None:
    page = save(operator_visitor, " Payroll ", "help@payroll.example")
    assert "The settings were saved." in page.text
    assert (page.value("name"), page.value("support")) == ("Payroll", "help@payroll.example")
    link, guest = invite(operator_visitor, tenant[0]), Visitor()
    assert "deactivates users in <strong>Payroll</strong>." in guest.get(link).text
    page = accept(link, guest)
    assert ">Payroll</a>" in page.text
    assert "mailto:help@payroll.example" in page.links
    page = guest.get(f"/admin/tenants/{tenant[0]}/connect/okta")
    assert "Please set up user provisioning (SCIM) for Payroll in Okta." in page.text
    assert "Questions?" not in operator_visitor.get("/admin").text
    save(operator_visitor, "", "")
    page = guest.get(f"/admin/tenants/{tenant[0]}")
    assert "Questions?" not in page.text
    assert ">Muster</a>" in page.text


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("help@example.com", "mailto:help@example.com"),
        ("https://example.com/help", "https://example.com/help"),
        ("https://example.com or by phone", ""),
        ("javascript:alert(1)", ""),
        ("http://example.com", ""),
        ("help@example.com?bcc=a@example.com", ""),
        ("Call 555-0100", ""),
        ("", ""),
    ],
)
def test_only_addresses_and_https_urls_are_links(contact: str, link: str) -> None:
    assert Product("", contact).support_link == link


def test_hostile_texts_are_escaped(operator_visitor: Visitor, tenant: Tenant) -> None:
    save(operator_visitor, HOSTILE, HOSTILE)
    page = accept(invite(operator_visitor, tenant[0]), Visitor())
    assert not {"img", "svg"} & {tag for tag, _ in page.tags}
    assert all(page.scripts)
    save(operator_visitor, "", "")


@pytest.mark.parametrize("text", ["x" * 201, "a\nb"])
def test_long_texts_are_rejected(operator_visitor: Visitor, text: str) -> None:
    page = save(operator_visitor, text, "")
    assert page.status == 400
    assert "at most 200 characters, in one line" in page.text


def test_guests_cannot_change_it(operator_visitor: Visitor, tenant: Tenant) -> None:
    guest = Visitor()
    page = accept(invite(operator_visitor, tenant[0]), guest)
    assert guest.get("/admin/product").status == 404
    assert guest.send("POST", "/admin/product", page.form("/sign-out").fields).status == 404
