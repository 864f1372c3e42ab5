"""Test ``tenants``, ``status``, ``strict``, ``schema``, and ``users``."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from cli.main import muster
from tests.cli.conftest import Muster
from tests.conftest import EXTENSION
from tests.endpoint import BASE_URL, CORE, SURVEY, Endpoint
from tests.fake_clock import FakeClock
from tests.handlers.tenants import start_environment
from tests.throttling import throttle_tenant
from tests.tokens import new_token


@pytest.fixture
def acme(run: Muster) -> Endpoint:
    return start_environment(run.json("connect", "acme")["token"])


def test_list_says_what_to_do(run: Muster) -> None:
    run("connect", "zebra", "--expires", "6d")
    run("connect", "acme", "--strict")
    run("connect", "gone")
    run("disconnect", "gone", "--yes")
    run("connect", "shut")
    run("revoke", "shut", "--yes")

    lines = run.lines("tenants")

    assert [[cell.strip() for cell in line[:4]] for line in lines] == [
        ["TENANT", "STATE", "HEALTH", "STRICT MODE"],
        ["acme", "connected", "no request yet", "on"],
        ["gone", "disconnected", "disconnected", "off"],
        ["shut", "revoked", "no valid token", "off"],
        ["zebra", "connected", "no request yet", "off"],
    ]
    no_request = (
        "No request with a valid token has arrived yet. Enter the SCIM URL and the token in the identity provider."
    )
    assert lines[-1][-1].strip() == f"The token expires within 7 days. {no_request}"
    assert [tenant["warning"] for tenant in run.json_lines("tenants")] == [
        no_request,
        None,
        "All tokens are revoked. Create a new one.",
        f"The token expires within 7 days. {no_request}",
    ]


def test_health_is_in_list_and_status(run: Muster, acme: Endpoint) -> None:
    """If 31 % of the writes fail, the list and the status say so."""
    for number in range(20):
        acme.create(userName=f"user-{number}")
    assert [tenant["health"] for tenant in run.json_lines("tenants")] == ["healthy"]

    for number in range(9):
        body = {"schemas": [CORE], "userName": f"ada-{number}", "active": "perhaps"}
        assert acme.request("POST", "/Users", body).status == 400

    advice = "9 writes failed since yesterday, 31% of all. See the failures in the audit log."
    assert [(tenant["health"], tenant["warning"]) for tenant in run.json_lines("tenants")] == [("failing", advice)]
    assert run("status", "acme").stdout.startswith("acme: failing\n")
    assert run.json("status", "acme")["warning"] == advice

    for _ in range(5):
        acme.request("POST", "/Users", {"schemas": [CORE], "userName": "eve", "active": "perhaps"})
    assert [tenant["health"] for tenant in run.json_lines("tenants")] == ["repeating failure"]


@pytest.mark.parametrize(
    ("agent", "expected"),
    [("Okta SCIM Client 1.0.0", "Enter the token in Okta"), ("", "If the customer uses Microsoft Entra ID")],
)
def test_warning_about_rejected_token_follows_the_provider(
    run: Muster, acme: Endpoint, agent: str, expected: str
) -> None:
    assert acme.request("GET", "/Users", user_agent=agent).status == 200
    assert start_environment(new_token("acme")).request("GET", "/Users", user_agent=agent).status == 401

    (tenants,), document = run.json_lines("tenants"), run.json("status", "acme")

    assert (tenants["health"], document["health"]) == ("token rejected", "token rejected")
    assert "A token was rejected at 20" in tenants["warning"]
    assert document["warnings"] == run.json("health", "acme")["warnings"]
    assert expected in document["warnings"][0]
    assert ("quarantine" in document["warnings"][0]) is ("Entra" in expected)


def test_status_groups_failures_by_cause_and_names_the_next_command(run: Muster, acme: Endpoint) -> None:
    for name in ("ada", "bob", "bob"):
        acme.request("POST", "/Users", {"schemas": [CORE], "userName": name, "active": "perhaps"})
    acme.request("POST", "/Users", {"schemas": [CORE]})

    document = run.json("status", "acme")

    problems = [(item["operation"], item["rule"], item["requests"], item["users"]) for item in document["problems"]]
    assert problems == [("create", "type", 3, ["bob", "ada"]), ("create", "required", 1, [])]
    assert document["next_command"] == "muster why acme bob"
    lines = run("status", "acme").stdout.splitlines()
    assert lines[0] == "acme: failing"
    assert lines[-1] == "Next: muster why acme bob"
    assert "    People: bob, ada" in lines


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([], "muster why acme"),
        ([("revoke", "acme", "--yes")], "muster rotate acme"),
        ([("disconnect", "acme", "--yes")], "muster connect acme"),
    ],
)
def test_next_command_follows_the_state(run: Muster, commands: list[tuple[str, ...]], expected: str) -> None:
    run("connect", "acme")
    for command in commands:
        run(*command)
    assert run.json("status", "acme")["next_command"] == expected


def test_healthy_tenant_has_no_next_command(run: Muster, acme: Endpoint) -> None:
    acme.create()
    assert (run.json("status", "acme")["problems"], run.json("status", "acme")["next_command"]) == ([], None)
    assert "Next:" not in run("status", "acme").stdout


def test_next_command_quotes_the_person(run: Muster, acme: Endpoint) -> None:
    acme.request("POST", "/Users", {"schemas": [CORE], "userName": "o'neil; ls", "active": "perhaps"})
    command = run.json("status", "acme")["next_command"]
    assert shlex.split(command) == ["muster", "why", "acme", "o'neil; ls"]


@pytest.mark.parametrize(
    ("filter_text", "names"),
    [('userName eq "ada"', ["ada"]), ('title co "oo"', ["bob"]), ('title pr or userName sw "a"', ["ada", "bob"])],
)
def test_users_by_filter(run: Muster, acme: Endpoint, filter_text: str, names: list[str]) -> None:
    acme.create(userName="ada")
    acme.create(userName="bob", title="Cook")
    found = run.json_lines("users", "acme", "--filter", filter_text)
    assert sorted(user["userName"] for user in found) == names


def test_users_by_filter_are_read_in_pages(run: Muster, acme: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    names = sorted(acme.create(title="Cook")["userName"] for _ in range(5))
    monkeypatch.setattr("scim.service.resources.search.MAX_RESULTS", 2)
    found = run.json_lines("users", "acme", "--filter", 'title eq "Cook"')
    assert sorted(user["userName"] for user in found) == names


def test_filter_may_read_more_users_than_a_request(
    run: Muster, acme: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(acme.create(title="Cook")["userName"] for _ in range(3))
    monkeypatch.setattr("scim.store.query.reader.MAX_RESOURCES_READ", 2)
    found = run.json_lines("users", "acme", "--filter", 'title eq "Cook"')
    assert sorted(user["userName"] for user in found) == names


def test_invalid_filter_is_a_usage_error(run: Muster, acme: Endpoint) -> None:
    error = run("users", "acme", "--filter", "userName eq", code=2).stderr
    assert "Invalid value for --filter: A value is expected at the end." in error


def test_unreadable_tenant_is_unknown(run: Muster, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    for name in ("acme", "ill", "zebra"):
        run("connect", name)
    throttle_tenant("ill", monkeypatch)

    tenants = run.json_lines("tenants")

    assert [(tenant["tenant"], tenant["health"], tenant["state"]) for tenant in tenants] == [
        ("acme", "no request yet", "connected"),
        ("ill", "unknown", None),
        ("zebra", "no request yet", "connected"),
    ]
    assert len({tuple(tenant) for tenant in tenants}) == 1, "every tenant has the same members"
    result = run("tenants")
    assert "Could not be read in time." in result.stdout
    assert result.stderr.startswith("ill could not be read: ")
    assert clock.total_s > 0


def test_empty_list(run: Muster) -> None:
    assert run.json_lines("tenants") == []


def test_status_has_access_token_and_users(run: Muster, acme: Endpoint) -> None:
    acme.create(userName="bjensen")
    acme.create(userName="jsmith", active=False)

    document = run.json("status", "acme")

    assert {name: document[name] for name in ("tenant", "scim_url", "state", "strict", "users", "active")} == {
        "tenant": "acme",
        "scim_url": BASE_URL,
        "state": "connected",
        "strict": False,
        "users": 2,
        "active": 1,
    }
    assert (document["last_used_token"], document["expires"], document["previous_until"]) == ("current", None, None)
    assert document["last_use"] is not None
    assert ["token expires", "never"] in [[cell.strip() for cell in line] for line in run.lines("status", "acme")]


def test_status_has_last_used_token(run: Muster, acme: Endpoint) -> None:
    acme.request("GET", "/Users")
    run("rotate", "acme")

    document = run.json("status", "acme")

    assert document["last_used_token"] == "previous"
    assert document["previous_until"] is not None


def test_status_mentions_token_that_was_not_shown(run: Muster) -> None:
    run.deployment.build_administration().tenants.connect("acme")

    assert "has not been shown yet" in run.json("status", "acme")["warning"]


def test_status_says_who_created_the_token(run: Muster, acme: Endpoint) -> None:
    status = run.json("status", "acme")
    (event,) = (entry for entry in run.json_lines("log", "acme") if entry["operation"] == "connect")
    assert status["token_created_by"] == event["actor"]
    assert status["token_created"] <= event["at"]
    assert "token created by" in run("status", "acme").stdout
    run("revoke", "acme", "--yes")
    status = run.json("status", "acme")
    assert (status["token_created"], status["token_created_by"]) == (None, None)


def test_identity_provider_is_chosen(run: Muster, acme: Endpoint) -> None:
    acme.request("GET", "/Users", user_agent="Okta SCIM Client 1.0.0")
    status = run.json("status", "acme")
    assert (status["provider"], status["chosen_provider"]) == ("okta", None)
    assert run.json("provider", "acme", "entra") == {"tenant": "acme", "chosen_provider": "entra"}
    status = run.json("status", "acme")
    assert (status["provider"], status["chosen_provider"]) == ("entra", "entra")
    assert run.json("health", "acme")["provider"] == "entra"
    assert "identity provider Microsoft Entra ID" in run("log", "acme").stdout
    assert run("provider", "acme", "detect").stdout == "The identity provider of acme is detected by its requests.\n"
    assert run.json("status", "acme")["provider"] == "okta"
    run("provider", "acme", "unknown", code=2)
    run("provider", "unknown", "okta", code=3)


def test_strict_mode_is_turned_on_and_off(run: Muster, acme: Endpoint) -> None:
    run("strict", "acme", "on")
    assert run.json("status", "acme")["strict"] is True
    assert run.json("strict", "acme", "off") == {"tenant": "acme", "strict": False}
    run("strict", "acme", "maybe", code=2)


def test_schema_commands(run: Muster, acme: Endpoint, tmp_path: Path) -> None:
    file = tmp_path / "extension.json"
    file.write_text(json.dumps(EXTENSION))
    assert run.json("schema", "add", "acme", str(file)) == {"tenant": "acme", "extensions": [SURVEY]}
    assert run.json_lines("schema", "show", "acme") == [EXTENSION]
    assert [cell.strip() for cell in run.lines("schema", "show", "acme")[1]] == [
        "Business Unit",
        "string, at most 256 characters",
        "in use",
        SURVEY,
    ]

    more = {"name": "Badge", "type": "string"}
    file.write_text(json.dumps(EXTENSION | {"attributes": [*EXTENSION["attributes"], more]}))
    run("schema", "add", "acme", str(file))
    (document,) = run.json_lines("schema", "show", "acme")
    assert document["attributes"][-1] == more

    run("schema", "remove", "acme", SURVEY.upper())
    assert run.json_lines("schema", "show", "acme") == []
    assert [cell.strip() for cell in run.lines("schema", "show", "acme")[1]] == [
        "Business Unit",
        "string",
        "removed",
        SURVEY,
    ]
    run("schema", "remove", "acme", SURVEY, code=3)


def test_removed_attribute_keeps_its_type(run: Muster, acme: Endpoint, tmp_path: Path) -> None:
    file = tmp_path / "extension.json"
    file.write_text(json.dumps(EXTENSION))
    run("schema", "add", "acme", str(file))
    run("schema", "remove", "acme", SURVEY)
    file.write_text(json.dumps({"id": SURVEY, "attributes": [{"name": "Mentor", "type": "boolean"}]}))
    assert "cannot change from string to boolean" in run("schema", "add", "acme", str(file), code=2).stderr


def test_hidden_values_are_not_listed(run: Muster, acme: Endpoint, tmp_path: Path) -> None:
    file = tmp_path / "extension.json"
    file.write_text(json.dumps(EXTENSION))
    run("schema", "add", "acme", str(file))
    fresh = start_environment(acme.token)
    user = fresh.create(**{SURVEY: {"Business Unit": "R&D"}})
    assert run.json_lines("users", "acme")[-1][SURVEY] == {"Business Unit": "R&D"}
    run("schema", "remove", "acme", SURVEY)
    assert SURVEY not in json.dumps(run.json_lines("users", "acme"))
    assert SURVEY not in json.dumps(run.json("why", "acme", user["id"])["users"])


def test_invalid_schema_is_explained(run: Muster, acme: Endpoint, tmp_path: Path) -> None:
    file = tmp_path / "extension.json"
    file.write_text(json.dumps({"id": "urn:example:x", "attributes": [{"name": "a", "type": "colour"}]}))

    assert "attributes.0.type" in run("schema", "add", "acme", str(file), code=2).stderr


def test_users_as_table(run: Muster, acme: Endpoint) -> None:
    acme.create(
        userName="bjensen",
        name={"givenName": "Barbara", "familyName": "Jensen"},
        emails=[{"value": "home@example.com"}, {"value": "work@example.com", "primary": True}],
    )

    header, row = run.lines("users", "acme")

    assert [cell.strip() for cell in header] == ["ID", "USER NAME", "STATE", "SINCE", "NAME", "EMAIL", "MODIFIED"]
    cells = [cell.strip() for cell in row]
    assert cells[1:3] + cells[4:6] == ["bjensen", "active", "Barbara Jensen", "work@example.com"]
    assert cells[3] == cells[6]


def test_users_as_json(run: Muster, acme: Endpoint) -> None:
    users = sorted((acme.create(active=number != 1) for number in range(3)), key=lambda user: user["id"])

    all_users = run.json_lines("users", "acme")
    active_users = run.json_lines("users", "acme", "--state", "active")

    assert [user["id"] for user in all_users] == [user["id"] for user in users]
    assert [user["userName"] for user in all_users] == [user["userName"] for user in users]
    assert all_users[0]["meta"]["version"] == 'W/"1"'
    assert all_users[0]["meta"]["activeSince"] == all_users[0]["meta"]["created"]
    assert active_users == [user for user in all_users if user["active"]]
    assert len(active_users) == 2
    assert run.json_lines("users", "acme", "--state", "inactive") == [user for user in all_users if not user["active"]]


def test_control_characters_are_replaced(run: Muster, acme: Endpoint) -> None:
    acme.create(displayName="\x1b[2Jgone")

    assert "\x1b" not in run("users", "acme").stdout


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["users"], ["schema", "show"], ["strict"], ["schema", "remove"]],
    ids=" ".join,
)
def test_unknown_tenant_is_an_error(run: Muster, arguments: list[str]) -> None:
    more = {"strict": ["on"], "schema remove": ["urn:x:y"]}.get(" ".join(arguments), [])

    assert "no tenant unknown" in run(*arguments, "unknown", *more, code=3).stderr


def list_commands(group: Any = muster, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        paths += list_commands(command, (*path, name)) if hasattr(command, "commands") else [(*path, name)]
    return paths


@pytest.mark.parametrize("command", list_commands(), ids=" ".join)
def test_commands_have_json_and_stack_options(run: Muster, command: tuple[str, ...]) -> None:
    text = run(*command, "--help").stdout

    assert {"--json", "--stack"} <= set(text.split())


@pytest.mark.parametrize(
    "command", sorted({path[:depth] for path in list_commands() for depth in (1, 2)}), ids=" ".join
)
def test_help_has_examples(run: Muster, command: tuple[str, ...]) -> None:
    assert re.search(rf"^    muster {' '.join(command)}\b", run(*command, "--help").stdout, re.MULTILINE)


def test_status_has_first_and_last_contact(run: Muster, acme: Endpoint) -> None:
    before = run.json("status", "acme")
    acme.request("GET", "/Users", user_agent="Okta SCIM Client 1.0.0")
    document = run.json("status", "acme")

    assert (before["first_contact"], before["connection"], before["last_request"]) == (None, None, None)
    assert document["first_contact"] == document["last_use"]
    assert (document["connection"], document["last_request"]) == ("Connection tested by Okta", "a read")
    assert "Connection tested by Okta" in run("log", "acme").stdout


def test_status_has_malformed_tokens(run: Muster, acme: Endpoint) -> None:
    acme.request("GET", "/Users")
    before = run.json("status", "acme")["malformed_tokens"]
    acme.request("GET", "/Users", authorization=f"Bearer Bearer {acme.token}")

    assert before is None
    assert "At least 1 request with a malformed token" in run.json("status", "acme")["malformed_tokens"]
    assert "malformed-token" in run("log", "acme").stdout
    assert run.json("health", "acme")["warnings"] == []
