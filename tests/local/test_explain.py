"""``make explain`` prints the plan of a query and its cost."""

import shlex
import subprocess
from pathlib import Path

import pytest

from local.explain import KEY_NAMES, main
from scim.store.query.plan import OrderedIndex

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _clear_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings of a deployment: ``make explain`` needs none."""
    for name in ("TABLE_NAME", "SECRET_PREFIX", "MASTER_KEY_SECRET"):
        monkeypatch.delenv(name, raising=False)


def explain(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """Return the printed lines by name; the last one of each name."""
    assert main(arguments) == 0
    return {line[:8].strip(): line[9:] for line in capsys.readouterr().out.splitlines()}


@pytest.mark.parametrize(
    ("text", "sort", "plan", "checks", "cost"),
    [
        ("", "", "ids", "nothing: there is no filter", "3 calls for each page"),
        ("", "userName", "names", "nothing: there is no filter", "at most 5 calls"),
        ("", "displayName", "scan,sort", "nothing: there is no filter", "every page reads all users"),
        ('userName eq "Bob"', "", "index:userName", "nothing", "one call for each key"),
        ('emails eq "a" or userName eq "b"', "", "index:emails.value,userName", "nothing", "one call for each key"),
        ('emails eq "a" and active eq true', "", "index:emails.value", "the whole filter", "one call for each key"),
        ('userName sw "bo"', "", "names", "nothing", "the keys and users of the page"),
        ('userName sw "bo" and active eq true', "", "names", "the whole filter", "reads the whole range"),
        ('userName sw "bo"', "displayName", "names,sort", "nothing", "every page reads the whole range"),
        ('meta.lastModified ge "2026-01-01T00:00:00Z"', "", "times", "nothing", "the keys and users of the page"),
        ("active eq true", "", "scan", "the whole filter", "the first page reads all users"),
    ],
)
def test_plan_and_cost_are_printed(
    capsys: pytest.CaptureFixture[str], text: str, sort: str, plan: str, checks: str, cost: str
) -> None:
    lines = explain(capsys, text, sort)

    assert lines["plan"] == plan
    assert lines["checks"].startswith(checks)
    assert cost in lines["cost"]


def test_range_and_keys_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(capsys, 'userName ge "B"')["range"] == "keys of userName from b to the last"
    assert explain(capsys, 'userName sw "B"')["range"] == "keys of userName that begin with b"
    assert explain(capsys, 'userName eq "Bob"')["key"] == "userName = Bob"


def test_ordered_indexes_have_names() -> None:
    assert KEY_NAMES.keys() == set(OrderedIndex)


def test_indexed_attributes_come_from_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert explain(capsys, 'title eq "T"')["plan"] == "scan"
    monkeypatch.setenv("INDEXED_ATTRIBUTES", "title")

    assert explain(capsys, 'title eq "T"')["plan"] == "index:title"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["userName eq"], "400 invalidFilter"),
        (["", "nothing.known"], "400 invalidValue"),
        (['password eq "x"'], "400 invalidFilter"),
    ],
)
def test_invalid_query_prints_scim_error(capsys: pytest.CaptureFixture[str], arguments: list[str], error: str) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith(error)


def test_invalid_index_is_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEXED_ATTRIBUTES", "nothing")

    assert main([]) == 1
    assert "INDEXED_ATTRIBUTES" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['userName eq "O\'Brien"', 'title eq "a b `x`"', 'userName sw "é"'])
def test_make_passes_filter_unchanged(text: str) -> None:
    """The test is a dry run, because make could rebuild the virtual environment in which the test runs."""
    command = ["make", "--dry-run", "--silent", "--old-file=.venv/installed", "explain", f"FILTER={text}"]

    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert shlex.split(output)[1:] == ["-m", "local.explain", text, ""]
