"""Test ``invite`` and ``revoke-invitations``."""

from tests.cli.conftest import Muster
from tests.endpoint import Endpoint
from tests.handlers.console.visitor import Visitor


def test_link_opens_the_tenant_once(run: Muster) -> None:
    run("connect", "acme")
    link = run.json("invite", "acme")["link"]
    guest = Visitor()
    page = guest.get(link)
    assert guest.submit(page, page.forms[0]).url.endswith("/admin/tenants/acme/connect")
    assert Visitor().get(link).status == 410


def test_link_is_shown_once(run: Muster) -> None:
    run("connect", "acme")
    result = run("invite", "acme", "--expires", "24h")
    assert "https://scim.example.com/admin/invitation/" in result.stdout
    assert result.stderr == "Copy the link now. It is not shown again.\n"


def test_unknown_tenant_is_an_error(run: Muster) -> None:
    run("invite", "unknown", code=3)
    run("revoke-invitations", "unknown", code=3)


def test_revoked_link_is_gone(run: Muster) -> None:
    run("connect", "acme")
    link = run.json("invite", "acme")["link"]
    run("revoke-invitations", "acme")
    assert Visitor().get(link).status == 410
    assert run.json("revoke-invitations", "acme") == {"tenant": "acme"}


def test_status_has_the_request_for_a_link_until_it_is_answered(run: Muster) -> None:
    Endpoint(run.json("connect", "acme")["token"]).create()
    run.deployment.build_administration().invitations.request_link("acme")
    status = run.json("status", "acme")
    assert status["link_requested"] > "2026"
    assert status["next_command"] == "muster invite acme"
    run("invite", "acme")
    status = run.json("status", "acme")
    assert (status["link_requested"], status["next_command"]) == (None, None)
