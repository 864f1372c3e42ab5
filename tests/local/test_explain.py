"""``make explain``: the plan of a query and what it costs, without asking anything."""

import shlex
import subprocess
from pathlib import Path

import pytest

from local.explain import main

ROOT = Path(__file__).parents[2]


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """The lines by name; of several of a name the last."""
    assert main(arguments) == 0
    return {line[:8].strip(): line[9:] for line in capsys.readouterr().out.splitlines()}


@pytest.mark.parametrize(
    ("text", "sort", "plan", "tries", "costs"),
    [
        ("", "", "ids", "nothing: there is no filter", "3 calls, wherever it begins"),
        ("", "userName", "names", "nothing: there is no filter", "5 calls at most"),
        ("", "displayName", "walk,sort", "nothing: there is no filter", "every page reads all users"),
        ('userName eq "Bob"', "", "points:userName", "nothing", "a call for each key"),
        ('emails eq "a" or userName eq "b"', "", "points:emails.value,userName", "nothing", "a call for each key"),
        ('emails eq "a" and active eq true', "", "points:emails.value", "the whole filter", "a call for each key"),
        ('userName sw "bo"', "", "names", "nothing", "its keys, its users"),
        ('userName sw "bo" and active eq true', "", "names", "the whole filter", "reads all that lies there"),
        ('userName sw "bo"', "displayName", "names,sort", "nothing", "every page reads all that lies there"),
        ('meta.lastModified ge "2026-01-01T00:00:00Z"', "", "times", "nothing", "its keys, its users"),
        ("active eq true", "", "walk", "the whole filter", "the first page reads all users"),
    ],
)
def test_plan_and_its_cost_are_told(
    capsys: pytest.CaptureFixture[str], text: str, sort: str, plan: str, tries: str, costs: str
) -> None:
    lines = explained(capsys, text, sort)

    assert lines["plan"] == plan
    assert lines["tries"].startswith(tries)
    assert costs in lines["costs"]


def test_range_and_keys_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, 'userName ge "B"')["range"] == "keys of userName from b to the last"
    assert explained(capsys, 'userName eq "Bob"')["key"] == "userName = Bob"


def test_attributes_that_are_indexed_are_read_from_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert explained(capsys, 'title eq "T"')["plan"] == "walk"
    monkeypatch.setenv("INDEXED_ATTRIBUTES", "title")

    assert explained(capsys, 'title eq "T"')["plan"] == "points:title"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["userName eq"], "400 invalidFilter"),
        (["", "nothing.known"], "400 invalidValue"),
        (['password eq "x"'], "400 invalidFilter"),
    ],
)
def test_query_that_is_wrong_is_told_as_a_client_would_be(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith(told)


def test_index_that_can_not_be_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEXED_ATTRIBUTES", "nothing")

    assert main([]) == 1
    assert "INDEXED_ATTRIBUTES" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['userName eq "O\'Brien"', 'title eq "a b `x`"', 'userName sw "é"'])
def test_make_hands_every_filter_on_as_it_is(text: str) -> None:
    """Asked for what it would do only: a test must not renew the environment that it runs in."""
    command = ["make", "--dry-run", "--silent", "--old-file=.venv/installed", "explain", f"FILTER={text}"]

    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert shlex.split(told)[1:] == ["-m", "local.explain", text, ""]
