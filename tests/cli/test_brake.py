"""Test ``brake`` and ``release``."""

import pytest

from tests.cli.conftest import Muster
from tests.endpoint import Endpoint
from tests.handlers.tenants import start_environment


def delete_users(endpoint: Endpoint, number: int) -> list[int]:
    """Create and delete users. Return the statuses of the deletions."""
    users = [endpoint.create() for _ in range(number)]
    return [endpoint.request("DELETE", f"/Users/{user['id']}").status for user in users]


def test_brake_and_release(run: Muster) -> None:
    token = run.json("connect", "acme")["token"]
    assert run.json("status", "acme")["brake"] is False
    assert run.json("brake", "acme", "on") == {"tenant": "acme", "brake": True}
    status = run.json("status", "acme")
    assert (status["brake"], status["released_until"]) == (True, None)
    assert delete_users(start_environment(token), 12) == [204] * 9 + [403] * 3

    (listed,) = run.json_lines("tenants")
    advice = "Deactivations are held. Check whether they are intended, and release them (Status)."
    assert (listed["health"], listed["warning"]) == ("deactivations held", advice)
    (warning, *_) = run.json("status", "acme")["warnings"]
    assert warning.startswith("9 of 12 active users were deactivated or deleted within an hour (")
    assert "`muster release TENANT`" in warning
    kinds = [entry["kind"] for entry in run.json_lines("log", "acme")]
    assert [kind for kind in kinds if kind in ("alert", "audit-event")][:2] == ["alert", "audit-event"]

    released = run.json("release", "acme", "--for", "4h")
    assert released["released_until"] > "2026"
    assert run.json("status", "acme")["released_until"] == released["released_until"]
    assert delete_users(start_environment(token), 12) == [204] * 12
    assert run.json_lines("tenants")[0]["health"] != "deactivations held"


@pytest.mark.parametrize("arguments", [("brake", "unknown", "on"), ("release", "unknown")])
def test_unknown_tenant(run: Muster, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, code=3)
    assert result.stderr == "Error: There is no tenant unknown. To list the tenants: muster tenants\n"
