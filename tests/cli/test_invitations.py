"""``invite``: a link that opens one tenant of the console."""

from tests.cli.conftest import Muster
from tests.handlers.console.visitor import Visitor


def test_link_opens_the_tenant_once(run: Muster) -> None:
    run("connect", "acme")
    link = run.json("invite", "acme")["link"]
    guest = Visitor()
    door = guest.get(link)
    assert guest.submit(door, door.forms[0]).url.endswith("/admin/tenants/acme/connect")
    assert Visitor().get(link).status == 410


def test_link_is_shown_once_and_for_people(run: Muster) -> None:
    run("connect", "acme")
    result = run("invite", "acme", "--expires", "24h")
    assert "https://scim.example.com/admin/invitation/" in result.stdout
    assert result.stderr == "The link is shown only now.\n"


def test_nobody_is_invited_to_a_tenant_that_is_not_there(run: Muster) -> None:
    run("invite", "nobody", code=3)
    run("revoke-invitations", "nobody", code=3)


def test_revoked_link_opens_nothing(run: Muster) -> None:
    run("connect", "acme")
    link = run.json("invite", "acme")["link"]
    run("revoke-invitations", "acme")
    assert Visitor().get(link).status == 410
    assert run.json("revoke-invitations", "acme") == {"tenant": "acme"}
