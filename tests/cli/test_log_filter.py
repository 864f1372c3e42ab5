"""Test the options of ``log`` that select entries, alone and together."""

from typing import Any

import pytest

from tests.cli.conftest import Muster
from tests.endpoint import CORE, Endpoint
from tests.handlers.tenants import start_environment

Entry = tuple[str, str, int | None]
"""The operation, the user and the status of an entry."""


def fail(endpoint: Endpoint, user_name: str, status: int = 400) -> None:
    body = {"schemas": [CORE], "userName": user_name, **({"active": "perhaps"} if status == 400 else {})}
    assert endpoint.request("POST", "/Users", body).status == status


@pytest.fixture
def acme(run: Muster) -> Endpoint:
    """Connect a tenant with entries of several kinds: two users, three failures, and a request that is partly ignored.

    The audit log also has the entries of the connection and of the first use of the token.
    """
    endpoint = start_environment(run.json("connect", "acme")["token"])
    ada = endpoint.create(userName="ada@example.com")
    endpoint.create(userName="dan@example.com")
    fail(endpoint, "bob@example.com")
    fail(endpoint, "ada@example.com", 409)
    assert endpoint.request("GET", "/Users?filter=zaphod").status == 400
    assert endpoint.patch(ada["id"], {"op": "replace", "path": "shoeSize", "value": 40}).status == 200
    return endpoint


def select(run: Muster, *options: str) -> list[Entry]:
    """Return the operation, the user and the status of the selected entries, newest first."""
    return [(entry["operation"], entry["user"], entry["status"]) for entry in run.json_lines("log", "acme", *options)]


CONFLICT: Entry = ("create", "ada@example.com", 409)
INVALID: Entry = ("create", "bob@example.com", 400)
QUERY: Entry = ("GET Users", "", 400)
IGNORED: Entry = ("patch", "ada@example.com", 200)
CREATED: list[Entry] = [("create", "dan@example.com", 201), ("create", "ada@example.com", 201)]

SELECTIONS: list[tuple[tuple[str, ...], list[Entry]]] = [
    (("--operation", "create"), [CONFLICT, INVALID, *CREATED]),
    (("--operation", "CREATE"), [CONFLICT, INVALID, *CREATED]),
    (("--operation", "get users"), [QUERY]),
    (("--operation", "connect"), [("connect", "", None)]),
    (("--operation", "delete"), []),
    (("--status", "400"), [QUERY, INVALID]),
    (("--status", "409"), [CONFLICT]),
    (("--status", "201"), CREATED),
    (("--status", "succeeded"), CREATED),
    (("--status", "failed"), [QUERY, CONFLICT, INVALID]),
    (("--status", "partly-ignored"), [IGNORED]),
    (("--status", "failures"), [IGNORED, QUERY, CONFLICT, INVALID]),
    (("--failures",), [IGNORED, QUERY, CONFLICT, INVALID]),
    (("--rule", "uniqueness"), [CONFLICT]),
    (("--rule", "unknown"), []),
    (("--operation", "create", "--status", "failed"), [CONFLICT, INVALID]),
    (("--person", "ada@example.com", "--status", "409"), [CONFLICT]),
    (("--person", "ada@example.com", "--operation", "patch"), [IGNORED]),
    (("--person", "ada@example.com", "--rule", "uniqueness", "--failures"), [CONFLICT]),
    (("--failures", "-n", "2"), [IGNORED, QUERY]),
    (("--failures", "--since", "1h", "-n", "1"), [IGNORED]),
]


@pytest.mark.usefixtures("acme")
class TestOptions:
    @pytest.mark.parametrize(("options", "selected"), SELECTIONS, ids=[" ".join(options) for options, _ in SELECTIONS])
    def test_option_selects_entries(self, run: Muster, options: tuple[str, ...], selected: list[Entry]) -> None:
        assert select(run, *options) == selected

    def test_table_has_the_selected_entries(self, run: Muster) -> None:
        lines = run("log", "acme", "--status", "409").stdout.splitlines()
        assert [line.split()[3:5] for line in lines[1:2]] == [["failure", "409"]]
        assert len([line for line in lines if not line.startswith(" ")]) == 2

    def test_until_excludes_later_entries(self, run: Muster) -> None:
        entries = run.json_lines("log", "acme", "--status", "201")
        newest, oldest = (entry["at"] for entry in entries)
        assert select(run, "--status", "201", "--until", newest) == CREATED[1:]
        assert select(run, "--status", "201", "--since", newest) == CREATED[:1]
        assert select(run, "--status", "201", "--since", oldest, "--until", newest) == CREATED[1:]
        assert select(run, "--until", "2026-01-01") == []

    def test_request_is_selected_by_its_id(self, run: Muster) -> None:
        for entry in run.json_lines("log", "acme", "--operation", "create"):
            (selected,) = run.json_lines("log", "acme", "--request", entry["request_id"])
            assert selected == entry
        assert select(run, "--request", "unknown") == []

    def test_request_and_person_are_combined(self, run: Muster) -> None:
        (conflict,) = run.json_lines("log", "acme", "--status", "409")
        by_request = ("--request", conflict["request_id"])
        assert select(run, *by_request, "--person", "ada@example.com") == [CONFLICT]
        assert select(run, *by_request, "--person", "bob@example.com") == []


class TestRequests:
    def test_earlier_request_of_a_repeated_failure_is_found(self, run: Muster, acme: Endpoint) -> None:
        """An entry names the last of its requests, but the customer may ask about an earlier one."""
        (first,) = run.json_lines("log", "acme", "--rule", "uniqueness")
        fail(acme, "ada@example.com", 409)
        (repeated,) = run.json_lines("log", "acme", "--request", first["request_id"])
        assert (repeated["count"], repeated["rule"]) == (2, "uniqueness")
        assert repeated["request_id"] != first["request_id"]

    def test_request_with_a_revoked_token_is_found(self, run: Muster, acme: Endpoint) -> None:
        run("revoke", "acme", "--yes")
        endpoint = start_environment(acme.token)
        assert endpoint.request("GET", "/Users").status == 401
        (entry,) = run.json_lines("log", "acme", "--rule", "token")
        assert select(run, "--request", entry["request_id"]) == [("authenticate", "", 401)]


class TestUsage:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--status", "often"), "'often' is not valid; use an HTTP status or one of failures, failed"),
            (("--status", "40"), "'40' is not valid"),
            (("--failures", "--status", "409"), "Use --failures or --status, not both."),
            (("--until", "later"), "use for example 30m"),
            (("-n", "0"), "0 is not in the range x>=1"),
        ],
    )
    def test_invalid_option_says_what_to_use(self, run: Muster, options: tuple[str, ...], message: str) -> None:
        assert message in run("log", "acme", *options, code=2).stderr


def test_followed_log_shows_only_selected_entries(run: Muster, acme: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt
        acme.create(userName="cleo@example.com")
        fail(acme, "dan@example.com", 409)

    monkeypatch.setattr("cli.log.runtime.sleep", sleep)
    lines: list[dict[str, Any]] = run.json_lines("log", "acme", "--follow", "--rule", "uniqueness")
    # The output also has the log lines of the requests that this test sends meanwhile.
    assert [entry["user"] for entry in lines if "level" not in entry] == ["ada@example.com", "dan@example.com"]
