"""``connect``, ``rotate``, ``revoke``, ``disconnect``: what is shown, asked, recorded, and with which exit code."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from scim.store.table import Table
from tests.cli.conftest import Muster
from tests.conftest import EXTENSION
from tests.endpoint import BASE_URL, Endpoint

TOKEN = re.compile(r"muster_acme_[A-Za-z0-9_-]{43}_[0-9a-f]{32}")


def opens(token: str) -> bool:
    return Endpoint(token, ScimApplication(find_endpoint)).request("GET", "/Users").status == 200


def hours_from_now(text: str) -> float:
    return (datetime.fromisoformat(text) - datetime.now(tz=datetime.fromisoformat(text).tzinfo)) / timedelta(hours=1)


def test_connecting_shows_the_url_and_the_token_that_works(run: Muster) -> None:
    result = run("connect", "acme")
    (token,) = TOKEN.findall(result.stdout)

    assert re.search(rf"^SCIM URL +{BASE_URL}$", result.stdout, re.MULTILINE)
    assert re.search(r"^Expires +never$", result.stdout, re.MULTILINE)
    assert result.stderr == "The token is shown only now.\n"
    assert opens(token)


def test_connecting_for_programs_is_one_document(run: Muster) -> None:
    told = run.json("connect", "acme", "--expires", "90d")

    assert {**told, "token": "", "expires": ""} == {
        "tenant": "acme",
        "scim_url": BASE_URL,
        "token": "",
        "expires": "",
        "previous_until": None,
    }
    assert hours_from_now(told["expires"]) == pytest.approx(90 * 24, abs=0.1)


def test_lifetime_is_kept_until_another_one_is_given(run: Muster) -> None:
    run("connect", "acme", "--expires", "6d")

    kept = run.json("rotate", "acme")["expires"]
    assert hours_from_now(kept) == pytest.approx(6 * 24, abs=0.1)
    assert run.json("rotate", "acme", "--force", "--expires", "never")["expires"] is None
    assert run.json("rotate", "acme", "--force")["expires"] is None


def test_token_is_shown_once(run: Muster) -> None:
    token = run.json("connect", "acme")["token"]

    for command in (["connect", "acme"], ["rotate", "acme"], ["status", "acme"], ["tenants"]):
        code = 4 if command[0] == "connect" else 0
        result = run(*command, code=code)
        assert token not in result.output


def test_connection_takes_strict_mode_and_custom_attributes(run: Muster, tmp_path: Path) -> None:
    file = tmp_path / "extension.json"
    file.write_text(json.dumps(EXTENSION))
    run("connect", "acme", "--strict", "--extension", str(file))

    told = run.json("status", "acme")

    assert (told["mode"], told["extensions"]) == ("strict", [EXTENSION["id"]])


def test_rotation_shows_until_when_the_old_token_is_valid(run: Muster) -> None:
    old = run.json("connect", "acme")["token"]
    new = run.json("rotate", "acme")

    assert hours_from_now(new["previous_until"]) == pytest.approx(24, abs=0.1)
    assert (opens(old), opens(new["token"])) == (True, True)


def test_rotation_for_people_shows_the_end_of_the_grace(run: Muster) -> None:
    run("connect", "acme")

    assert re.search(r"^Old token until +\d{4}-\d\d-\d\d \d\d:\d\d", run("rotate", "acme").stdout, re.MULTILINE)


def test_rotation_on_compromise_ends_the_old_token(run: Muster) -> None:
    old = run.json("connect", "acme")["token"]
    new = run.json("rotate", "acme", "--grace", "0")

    assert new["previous_until"] is None
    assert (opens(old), opens(new["token"])) == (False, True)


def test_rotation_in_a_grace_is_4_unless_forced(run: Muster) -> None:
    run("connect", "acme")
    run("rotate", "acme")

    assert "is valid until" in run("rotate", "acme", code=4).stderr
    run("rotate", "acme", "--force")


@pytest.mark.parametrize("command", ["revoke", "disconnect"])
def test_ending_access_asks_first(run: Muster, command: str) -> None:
    token = run.json("connect", "acme")["token"]

    run(command, "acme", code=1)
    run(command, "acme", answer="n\n", code=1)
    assert opens(token)

    result = run(command, "acme", answer="y\n")
    assert "60 seconds" in result.stdout
    assert not opens(token)


def test_ending_access_for_programs(run: Muster) -> None:
    run("connect", "acme")

    assert run.json("revoke", "acme", "--yes") == {"tenant": "acme", "state": "revoked", "effective_within_s": 60}
    assert run.json("disconnect", "acme", "--yes")["state"] == "disconnected"


def test_disconnecting_and_connecting_again_keeps_users_and_ids(run: Muster) -> None:
    old = Endpoint(run.json("connect", "acme")["token"], ScimApplication(find_endpoint))
    users = [old.create(userName=f"user-{number}") for number in range(3)]
    run("disconnect", "acme", "--yes")

    new = Endpoint(run.json("connect", "acme")["token"], ScimApplication(find_endpoint))

    assert opens(old.token) is False
    assert [new.request("GET", f"/Users/{user['id']}").json() for user in users] == users


def test_records_name_who_acted(run: Muster) -> None:
    run("connect", "acme")
    items = boto3.resource("dynamodb").Table("muster").scan()["Items"]

    actors = {item["actor"] for item in items if "operation" in item}

    assert actors == {boto3.client("sts").get_caller_identity()["Arn"]}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["rotate", "nobody"], 3),
        (["revoke", "nobody", "--yes"], 3),
        (["disconnect", "nobody", "--yes"], 3),
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


def test_file_that_holds_no_json_is_named(run: Muster, tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text("{")

    assert "broken.json holds no JSON" in run("connect", "acme", "--extension", str(file), code=2).stderr


def test_silence_of_aws_is_1_in_one_line(run: Muster, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any, **__: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(Table, "get", silent)

    result = run("rotate", "acme", code=1)

    assert result.stderr.count("\n") == 1


def test_the_stack_can_be_named_before_and_after_the_command(run: Muster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSTER_STACK")

    run("--stack", "muster", "tenants")
    run("tenants", "--stack", "muster")
    run("--stack", "unknown", "tenants", code=3)


def test_without_a_stack_and_without_a_local_run_it_says_how_to_start_one(
    run: Muster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MUSTER_STACK")

    for data in (tmp_path, tmp_path / "absent"):
        result = run("tenants", "--data", str(data), code=1)
        assert "start it with make run, or name a deployed stack with --stack" in result.stderr
