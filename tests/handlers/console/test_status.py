"""The page Status: its rows, and who created the token."""

import re
from pathlib import Path
from typing import Any

from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import Endpoint
from tests.handlers.console.test_security import accept, invite
from tests.handlers.console.visitor import Visitor

CONSOLE_PAGE = Path(__file__).parents[3] / "docs/operate/console.md"


def read_rows(visitor: Visitor, name: str, page: str = "") -> dict[str, str]:
    """Return the rows of a page of a tenant: labels and values."""
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", visitor.get(f"/admin/tenants/{name}{page}").text))


def test_rows_are_documented(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    section = CONSOLE_PAGE.read_text("utf-8").partition("\n## Status\n")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)
    assert documented == ["row", *read_rows(operator_visitor, tenant[0])]


class TestTokenCreation:
    def test_only_operators_see_which_operator_it_was(
        self, operator_visitor: Visitor, tenant: tuple[str, Endpoint], operator: TenantService
    ) -> None:
        name, _ = tenant
        guest = Visitor()
        accept(invite(operator_visitor, name), guest)
        for page, row in (("", "Token created"), ("/token", "Created")):
            assert read_rows(operator_visitor, name, page)[row].endswith(f" UTC by {operator.actor}")
            assert read_rows(guest, name, page)[row].endswith(" UTC by the operator")

    def test_it_can_be_an_it_admin(self, operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
        name, scim = tenant
        assert scim.request("GET", "/Users").status == 200
        guest = Visitor()
        accept(invite(operator_visitor, name), guest)
        page = guest.get(f"/admin/tenants/{name}/token")
        guest.submit(page, page.form("/token"))
        assert read_rows(operator_visitor, name, "/token")["Created"].endswith(" UTC by IT admin")

    def test_it_is_omitted_if_it_is_not_known(
        self, operator_visitor: Visitor, tenant: tuple[str, Endpoint], table: Any
    ) -> None:
        """Tokens of earlier versions have no creator."""
        name, _ = tenant
        table.update_item(Key={"pk": f"A#{name}", "sk": "A#settings"}, UpdateExpression="REMOVE created_by")
        assert read_rows(operator_visitor, name)["Token created"].endswith(" UTC")

    def test_there_is_none_after_a_revocation(
        self, operator_visitor: Visitor, tenant: tuple[str, Endpoint], operator: TenantService
    ) -> None:
        operator.tokens.revoke(tenant[0])
        assert read_rows(operator_visitor, tenant[0])["Token created"] == "no token"
