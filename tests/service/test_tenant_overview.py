"""How a tenant stands, in words."""

import threading
from dataclasses import replace

import pytest

from scim.service.health import Health
from scim.service.ports import Tenant, TokenState, Use
from scim.service.standing import Standing, side_by_side, standing
from tests.service.fakes import MemoryTenants

NOW = 1_800_000_000.0
DAY_S = 86_400
WELL, ILL = Health(0, 1, 0, []), Health(5_000, 1, 0, ["quarantined"])
TOKEN = TokenState("v2", NOW - DAY_S, 2 * DAY_S)


class Used(MemoryTenants):
    """Has two users, one of whom is active, and was called with the token of a version."""

    version = "v2"

    def last_use(self, _: str) -> Use | None:
        return Use(NOW, self.version) if self.version else None

    def count(self, _: str) -> tuple[int, int]:
        return 2, 1


def stands(token: TokenState = TOKEN, *, connected: bool = True, used: str = "v2", health: Health = WELL) -> Standing:
    store = Used()
    store.version = used
    return standing(Tenant("acme", connected=connected, token=token), store, NOW, health)


@pytest.mark.parametrize(
    ("token", "used", "attention"),
    [
        (TOKEN, "v2", ""),
        (TOKEN, "", "The identity provider has not called yet."),
        (TokenState(ended=("v1",)), "v2", "The token was revoked: make a new one."),
        (replace(TOKEN, shown=False), "v2", "The new token has not been shown yet."),
        (replace(TOKEN, expires=NOW + DAY_S), "v2", "The token expires within 1 day."),
        (replace(TOKEN, expires=NOW + 6 * DAY_S), "v2", "The token expires within 7 days."),
        (replace(TOKEN, expires=NOW), "v2", "The token has expired: make a new one."),
    ],
)
def test_attention_is_what_somebody_should_do_about_the_token(token: TokenState, used: str, attention: str) -> None:
    assert stands(token, used=used).attention == attention
    assert stands(token, used=used, connected=False).attention == ""


def test_attention_names_a_quarantine_beside_what_the_token_wants() -> None:
    quarantine = "So much fails that Entra ID may quarantine: look at the status."
    expired = replace(TOKEN, expires=NOW)
    assert stands(health=ILL).attention == quarantine
    assert stands(expired, health=ILL).attention == f"The token has expired: make a new one. {quarantine}"
    assert stands(connected=False, health=ILL).attention == ""


def test_standing_tells_state_grace_use_and_numbers() -> None:
    shown = stands(used="v1")
    assert (shown.state, shown.in_grace, shown.used, shown.users, shown.active) == ("connected", True, "earlier", 2, 1)
    assert stands().used == "current"
    assert stands(used="").used == ""
    assert stands(TokenState(ended=("v1",))).state == "revoked"
    gone = stands(connected=False)
    assert (gone.state, gone.in_grace, gone.is_waiting) == ("disconnected", False, False)
    assert stands(replace(TOKEN, shown=False)).is_waiting


def test_tenants_are_looked_at_side_by_side_and_told_in_their_order() -> None:
    together = threading.Barrier(4, timeout=10)

    def look(tenant_id: str) -> Standing | None:
        together.wait()
        return None if tenant_id == "gone" else replace(stands(), tenant=Tenant(tenant_id))

    found = side_by_side(look, ["a", "b", "gone", "c"])
    assert [each.tenant.id for each in found] == ["a", "b", "c"]
