"""Test ``connect``, ``rotate``, ``revoke`` and ``disconnect``: output, confirmation, audit events and exit codes."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from scim.aws.errors import NoResponse
from scim.store.table import Table
from tests.cli.conftest import Muster
from tests.conftest import EXTENSION
from tests.endpoint import BASE_URL
from tests.handlers.tenants import start_environment

TOKEN = re.compile(r"muster_acme_[A-Za-z0-9_-]{43}_[0-9a-f]{32}")


def is_valid(token: str) -> bool:
    return start_environment(token).request("GET", "/Users").status == 200


def hours_from_now(text: str) -> float:
    return (datetime.fromisoformat(text) - datetime.now(tz=datetime.fromisoformat(text).tzinfo)) / timedelta(hours=1)


def test_connect_shows_url_and_valid_token(run: Muster) -> None:
    result = run("connect", "acme")
    (token,) = TOKEN.findall(result.stdout)

    assert re.search(rf"^SCIM URL +{BASE_URL}$", result.stdout, re.MULTILINE)
    assert re.search(r"^Expires +never$", result.stdout, re.MULTILINE)
    assert result.stderr == "Copy the token now. It is not shown again.\n"
    assert is_valid(token)


def test_connect_as_json(run: Muster) -> None:
    document = run.json("connect", "acme", "--expires", "90d")

    assert {**document, "token": "", "expires": ""} == {
        "tenant": "acme",
        "scim_url": BASE_URL,
        "token": "",
        "is_new": True,
        "expires": "",
        "previous_until": None,
    }
    assert hours_from_now(document["expires"]) == pytest.approx(90 * 24, abs=0.1)


def test_new_token_keeps_lifetime(run: Muster) -> None:
    run("connect", "acme", "--expires", "6d")

    expires = run.json("rotate", "acme")["expires"]
    assert hours_from_now(expires) == pytest.approx(6 * 24, abs=0.1)
    assert run.json("rotate", "acme", "--force", "--expires", "never")["expires"] is None
    assert run.json("rotate", "acme", "--force")["expires"] is None


def test_token_is_shown_once(run: Muster) -> None:
    token = run.json("connect", "acme")["token"]

    for command in (["connect", "acme"], ["rotate", "acme"], ["status", "acme"], ["tenants"]):
        code = 4 if command[0] == "connect" else 0
        result = run(*command, code=code)
        assert token not in result.output


@pytest.mark.parametrize("command", ["connect", "rotate"])
def test_token_that_was_never_shown_is_not_new(run: Muster, command: str) -> None:
    hidden = run.deployment.build_administration().tenants.connect("acme")
    document = run.json(command, "acme")
    assert (document["token"], document["is_new"]) == (hidden.token, False)
    assert run.json("rotate", "acme")["is_new"] is True


def test_output_says_whether_the_token_is_new(run: Muster) -> None:
    run.deployment.build_administration().tenants.connect("acme")
    earlier, new = run("rotate", "acme").stdout, run("rotate", "acme").stdout
    assert re.search(r"^New +no, it was created earlier and has never been shown$", earlier, re.MULTILINE)
    assert re.search(r"^New +yes$", new, re.MULTILINE)


def test_connect_with_strict_mode_and_custom_attributes(run: Muster, tmp_path: Path) -> None:
    file = tmp_path / "extension.json"
    file.write_text(json.dumps(EXTENSION))
    run("connect", "acme", "--strict", "--extension", str(file))

    document = run.json("status", "acme")

    assert (document["strict"], document["extensions"]) == (True, [EXTENSION["id"]])


def test_rotate_shows_expiry_of_previous_token(run: Muster) -> None:
    old = run.json("connect", "acme")["token"]
    new = run.json("rotate", "acme")

    assert hours_from_now(new["previous_until"]) == pytest.approx(24, abs=0.1)
    assert (is_valid(old), is_valid(new["token"])) == (True, True)


def test_rotate_shows_end_of_grace_period(run: Muster) -> None:
    run("connect", "acme")

    assert re.search(r"^Previous token until +\d{4}-\d\d-\d\d \d\d:\d\d", run("rotate", "acme").stdout, re.MULTILINE)


def test_rotate_without_grace_revokes_previous_token(run: Muster) -> None:
    old = run.json("connect", "acme")["token"]
    new = run.json("rotate", "acme", "--grace", "0")

    assert new["previous_until"] is None
    assert (is_valid(old), is_valid(new["token"])) == (False, True)


def test_rotate_in_grace_period_requires_force(run: Muster) -> None:
    run("connect", "acme")
    run("rotate", "acme")

    assert "is still valid until" in run("rotate", "acme", code=4).stderr
    run("rotate", "acme", "--force")


def test_connected_tenant_is_a_conflict(run: Muster) -> None:
    run("connect", "acme")

    assert "muster rotate acme" in run("connect", "acme", code=4).stderr


@pytest.mark.parametrize("command", ["revoke", "disconnect"])
def test_revoke_and_disconnect_ask_for_confirmation(run: Muster, command: str) -> None:
    token = run.json("connect", "acme")["token"]

    run(command, "acme", code=1)
    run(command, "acme", answer="n\n", code=1)
    assert is_valid(token)

    result = run(command, "acme", answer="y\n")
    assert "60 seconds" in result.stdout
    assert not is_valid(token)


def test_revoke_and_disconnect_as_json(run: Muster) -> None:
    run("connect", "acme")

    assert run.json("revoke", "acme", "--yes") == {"tenant": "acme", "state": "revoked", "effective_within_s": 60}
    assert run.json("disconnect", "acme", "--yes")["state"] == "disconnected"


def test_reconnect_keeps_users_and_ids(run: Muster) -> None:
    old = start_environment(run.json("connect", "acme")["token"])
    users = [old.create(userName=f"user-{number}") for number in range(3)]
    run("disconnect", "acme", "--yes")

    new = start_environment(run.json("connect", "acme")["token"])

    assert is_valid(old.token) is False
    assert [new.request("GET", f"/Users/{user['id']}").json() for user in users] == users


def test_audit_events_have_the_actor(run: Muster) -> None:
    run("connect", "acme")
    items = boto3.resource("dynamodb").Table("muster").scan()["Items"]

    actors = {item["actor"] for item in items if "operation" in item}

    assert actors == {boto3.client("sts").get_caller_identity()["Arn"]}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["rotate", "unknown"], 3),
        (["revoke", "unknown", "--yes"], 3),
        (["disconnect", "unknown", "--yes"], 3),
        (["connect", "Not An Id"], 2),
        (["connect", "acme", "--expires", "soon"], 2),
        (["connect", "acme", "--expires", "0"], 2),
        (["connect", "acme", "--expires", "0d"], 2),
        (["rotate", "acme", "--expires", "0"], 2),
        (["invite", "acme", "--expires", "0"], 2),
        (["connect", "acme", "--extension", "/nowhere"], 2),
        (["connect"], 2),
        (["connect", "acme", "--stack", "unknown"], 3),
        (["connect", "acme", "--stack", "other"], 3),
        (["no-command"], 2),
    ],
)
def test_exit_codes(run: Muster, arguments: list[str], code: int) -> None:
    result = run(*arguments, code=code)

    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_file_without_json_is_named(run: Muster, tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text("{")

    assert "broken.json is not valid JSON" in run("connect", "acme", "--extension", str(file), code=2).stderr


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_extension_in_another_encoding_is_an_error(run: Muster, tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "schema.json"
    file.write_bytes('{"id": "urn:x:ü"}'.encode(encoding))

    error = run("connect", "acme", "--extension", str(file), code=2).stderr

    assert "schema.json is not encoded in UTF-8. Save it as UTF-8." in error


def test_connection_error_is_one_line(run: Muster, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_connection_error(*_: Any, **__: Any) -> None:
        raise NoResponse("GetItem", "EndpointConnectionError")

    monkeypatch.setattr(Table, "get", raise_connection_error)

    result = run("rotate", "acme", code=1)

    assert result.stderr.count("\n") == 1


def test_stack_option_before_and_after_the_command(run: Muster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSTER_STACK")

    run("--stack", "muster", "tenants")
    run("tenants", "--stack", "muster")
    run("--stack", "unknown", "tenants", code=3)


def test_missing_local_run_is_explained(run: Muster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MUSTER_STACK")

    for data in (tmp_path, tmp_path / "absent"):
        result = run("tenants", "--data", str(data), code=1)
        assert "start one with make run, or select a deployed stack with --stack" in result.stderr
