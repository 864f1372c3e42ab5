"""Test ``log``, ``why`` and ``health``."""

import re

import pytest

from tests.cli.conftest import Muster
from tests.endpoint import CORE, Endpoint
from tests.handlers.tenants import start_environment


@pytest.fixture
def acme(run: Muster) -> Endpoint:
    """Connect a tenant with a user and a failed create."""
    endpoint = start_environment(run.json("connect", "acme")["token"])
    endpoint.create(userName="ada@example.com", displayName="Ada Lovelace")
    body = {"schemas": [CORE], "userName": "bob@example.com", "active": "perhaps"}
    assert endpoint.request("POST", "/Users", body).status == 400
    return endpoint


def test_log_has_changes_and_failures(run: Muster, acme: Endpoint) -> None:
    lines = run("log", "acme").stdout.splitlines()

    cells = [re.split(r"  +", line.strip()) for line in lines]
    assert cells[0] == ["TIME", "KIND", "STATUS", "OPERATION", "USER", "COUNT", "RESULT"]
    assert cells[1][1:6] == ["failure", "400", "create", "bob@example.com", "1"]
    assert cells[1][6].startswith("The value of active has the wrong type.")
    assert lines[2] == "    Sent: userName, active"
    assert lines[3].startswith("    What to change: ")
    assert cells[4][1:] == ["change", "201", "create", "ada@example.com", "1", "Created. The user is now active."]
    assert lines[5:7] == ["    Sent: userName, displayName", "    Changed: userName, displayName, active"]


def test_log_has_audit_events_and_their_actors(run: Muster) -> None:
    run("connect", "acme")
    run("strict", "acme", "on")
    run("rotate", "acme", "--expires", "90d")
    run("revoke", "acme", "--yes")

    lines = run("log", "acme").stdout.splitlines()[1:]
    output = [re.sub(r"  +", "  ", re.sub(r"20[-\d]+ [\d:]+ UTC", "THEN", line)) for line in lines[::2]]

    by = "arn:aws:sts::123456789012:user/moto"
    assert output == [
        "THEN  audit-event  -  revoke  -  1  Revoked all tokens: no previous token is valid.",
        "THEN  audit-event  -  show  -  1  Showed the new token.",
        "THEN  audit-event  -  rotate  -  1  Created a new token: "
        "the token expires at THEN; the previous token is valid until THEN.",
        "THEN  audit-event  -  configure  -  1  Changed the settings: strict mode on.",
        "THEN  audit-event  -  show  -  1  Showed the new token.",
        "THEN  audit-event  -  connect  -  1  Connected the customer: strict mode off; no custom schemas; "
        "the token never expires; no previous token is valid; brake off.",
    ]
    assert lines[1::2] == [f"    Actor: {by}"] * 6
    assert len(run("log", "acme", "--failures").stdout.splitlines()) == 1
    assert run.json_lines("log", "acme", "-n", "1")[0]["actor"] == by


def test_log_options(run: Muster, acme: Endpoint) -> None:
    assert [entry["kind"] for entry in run.json_lines("log", "acme")] == [
        "failure",
        "change",
        "first-use",
        "audit-event",
        "audit-event",
    ]
    assert [entry["user"] for entry in run.json_lines("log", "acme", "--failures")] == ["bob@example.com"]
    assert [entry["kind"] for entry in run.json_lines("log", "acme", "-n", "1")] == ["failure"]


def test_log_since(run: Muster, acme: Endpoint) -> None:
    (newest,) = run.json_lines("log", "acme", "-n", "1")
    assert [entry["at"] for entry in run.json_lines("log", "acme", "--since", newest["at"])] == [newest["at"]]
    assert len(run.json_lines("log", "acme", "--since", "1h")) == 5
    assert run.json_lines("log", "acme", "--since", "2999-01-01") == []
    assert "use for example 30m" in run("log", "acme", "--since", "soon", code=2).stderr


def test_log_of_a_person(run: Muster, acme: Endpoint) -> None:
    assert [entry["user"] for entry in run.json_lines("log", "acme", "--person", "Ada Lovelace")] == ["ada@example.com"]
    assert [entry["kind"] for entry in run.json_lines("log", "acme", "--person", "bob@example.com")] == ["failure"]
    assert run.json_lines("log", "acme", "--person", "ada@example.com", "--failures") == []
    assert run.json_lines("log", "acme", "--person", "nobody") == []


def test_log_of_several_people_is_an_error(run: Muster, acme: Endpoint) -> None:
    error = run("log", "acme", "--person", "example.com", code=2).stderr
    assert "Several people match example.com: ada@example.com, bob@example.com. Use a userName or an id." in error


@pytest.mark.parametrize("arguments", [("why", "acme", " "), ("log", "acme", "--person", "")])
def test_empty_person_is_a_usage_error(run: Muster, acme: Endpoint, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, code=2)
    assert "is empty" in result.stderr
    assert "Usage: muster" in result.stderr


def test_followed_log_shows_each_entry_once(run: Muster, acme: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure that occurs again is shown again, with its new count."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt
        if len(pauses) == 2:
            acme.create(userName="cleo@example.com")
            acme.request("POST", "/Users", {"schemas": [CORE], "userName": "bob@example.com", "active": "perhaps"})

    monkeypatch.setattr("cli.log.runtime.sleep", sleep)
    # The output also has the log lines of the requests that this test sends meanwhile.
    entries = [line for line in run.json_lines("log", "acme", "--follow", "-n", "2") if "level" not in line]

    assert [(entry["user"], entry["count"]) for entry in entries] == [
        ("ada@example.com", 1),
        ("bob@example.com", 1),
        ("cleo@example.com", 1),
        ("bob@example.com", 2),
    ]


def test_followed_log_is_a_table(run: Muster, acme: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.log.runtime.sleep", stop)
    lines = run("log", "acme", "-f", "--failures").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["TIME", lines[1].split()[0], "Sent:", "What"]


def test_log_is_read_page_by_page(run: Muster, acme: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.log._PAGE_SIZE", 1)
    assert len(run.json_lines("log", "acme")) == 5


def test_why_prints_failure_and_remediation(run: Muster, acme: Endpoint) -> None:
    output = run("why", "acme", "bob@example.com").stdout
    assert "A create request failed with 400" in output
    assert "What to change: " in output

    report = run.json("why", "acme", "Ada Lovelace")
    assert report["query"] == "Ada Lovelace"
    assert report["users"][0]["userName"] == "ada@example.com"
    assert report["diagnosis"][0].startswith("ada@example.com has been active since")
    assert [entry["operation"] for entry in report["timeline"]] == ["create"]


def test_why_follows_a_renamed_person(run: Muster, acme: Endpoint) -> None:
    user = acme.create(userName="grace@example.com")
    acme.patch(user["id"], {"op": "replace", "path": "userName", "value": "hopper@example.com"})

    first, second = run("why", "acme", "grace@example.com").stdout.splitlines()[:2]
    report = run.json("why", "acme", "grace@example.com")

    assert first == "grace@example.com was renamed to hopper@example.com, active."
    assert second.startswith("hopper@example.com has been active since")
    assert report["renamed_users"] == [{"id": user["id"], "userName": "hopper@example.com", "active": True}]
    assert report["diagnosis"][0] == first


def test_why_has_unidentified_failures(run: Muster, acme: Endpoint) -> None:
    assert acme.request("POST", "/Users", {"schemas": [CORE]}).status == 400

    for arguments in (("why", "acme"), ("why", "acme", "unknown@example.com")):
        assert "A request that names no user failed at 20" in run(*arguments).stdout
        (entry,) = run.json(*arguments)["unidentified_failures"]
        assert (entry["operation"], entry["status"], entry["user"]) == ("create", 400, "")


def test_log_has_the_wrong_scim_url(run: Muster, acme: Endpoint) -> None:
    assert acme.request("POST", "/Users/Users", {"schemas": [CORE], "userName": "eve"}).status == 404
    entry = run.json_lines("log", "acme", "--failures")[0]
    assert (entry["rule"], entry["user"], entry["operation"]) == ("scim-url", "eve", "create")


def test_output_has_no_control_characters(run: Muster, acme: Endpoint) -> None:
    acme.request("POST", "/Users", {"schemas": [CORE], "userName": "eve\u001b[31m", "active": "x"})

    output = run("why", "acme", "eve\u001b[31m").stdout

    assert "eve\N{REPLACEMENT CHARACTER}[31m" in output
    assert "\u001b" not in output + run("log", "acme").stdout


def test_why_lists_all_people_with_a_name(run: Muster, acme: Endpoint) -> None:
    report = run.json("why", "acme", "example.com")

    assert ([user["userName"] for user in report["users"]], report["failed_candidates"]) == (
        ["ada@example.com"],
        ["bob@example.com"],
    )
    rows = run("why", "acme", "example.com").stdout.splitlines()[2:]
    assert [re.split(r"  +", line.strip()) for line in rows] == [
        ["USER NAME", "NAME", "EMAIL", "STATE"],
        ["ada@example.com", "Ada Lovelace", "-", "active"],
        ["bob@example.com", "-", "-", "not provisioned"],
    ]


def test_entries_have_attributes(run: Muster, acme: Endpoint) -> None:
    ada = acme.create(userName="bo", title="Cook")["id"]
    acme.request("DELETE", f"/Users/{ada}")

    deleted, created, *_ = run.json_lines("log", "acme")

    assert (deleted["operation"], deleted["attributes_sent"]) == ("delete", [])
    assert (created["attributes_sent"], set(created["attributes_changed"])) == (
        ["userName", "title"],
        {"userName", "title", "active"},
    )


def test_health_has_state_share_and_counts(run: Muster, acme: Endpoint) -> None:
    assert run("health", "acme").stdout == (
        "Health: healthy.\n"
        "Identity provider: not detected yet.\n"
        "Failed writes today and yesterday: 1, at most 50% of all writes. Changes: 1.\n"
    )
    for number in range(2):
        body = {"schemas": [CORE], "userName": f"bob-{number}", "active": "perhaps"}
        acme.request("POST", "/Users", body, user_agent="Okta SCIM Client 1.0.0")

    output = run.json("health", "acme")

    assert {name: output[name] for name in ("state", "provider", "failed_writes", "create", "changes", "share")} == {
        "state": "failing",
        "provider": "okta",
        "failed_writes": 3,
        "create": 3,
        "changes": 1,
        "share": 0.75,
    }
    assert "Health: failing. 3 writes failed since yesterday, 75% of all" in run("health", "acme").stdout


@pytest.mark.parametrize("arguments", [("log", "unknown"), ("why", "unknown", "ada"), ("health", "unknown")])
def test_unknown_tenant_is_an_error(run: Muster, arguments: tuple[str, ...]) -> None:
    assert "There is no tenant unknown." in run(*arguments, code=3).stderr
