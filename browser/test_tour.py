"""Runs the commands of the README's tour and checks their results in the console."""

import re
import subprocess
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.console import add_customer, find_person, open_tab, sign_in, take_screenshot
from browser.local_run import LocalRun

README = Path(__file__).parent.parent / "README.md"
_CUSTOMER = "globex"
_TOKEN_PLACEHOLDER = "TOKEN='...'"  # noqa: S105  # a placeholder
_TIME_LIMIT_S = 120


def read_commands() -> list[str]:
    """Return the commands of the tour."""
    tour = README.read_text("utf-8").partition("\n## Try it\n")[2].partition("\n## ")[0]
    return re.findall(r"^ +```\n(.*?)^ +```$", tour, re.MULTILINE | re.DOTALL)


def run_command(command: str, token: str, local_run: LocalRun) -> str:
    """Run a command of the tour in a shell with the token; return its output."""
    set_token = _TOKEN_PLACEHOLDER.replace("...", token)
    script = command.replace(_TOKEN_PLACEHOLDER, "").replace("http://127.0.0.1:8080", local_run.url)
    shell = ["sh", "-ec", f"{set_token}\n{script}"]
    process = subprocess.run(shell, capture_output=True, text=True, check=True)  # noqa: S603  # from our README
    return process.stdout


def test_tour_takes_less_than_two_minutes(page: Page, local_run: LocalRun, capsys: pytest.CaptureFixture[str]) -> None:
    start = time.monotonic()
    run, create, fail = read_commands()
    assert run.split() == ["make", "run"]
    sign_in(page, local_run)
    token = add_customer(page, _CUSTOMER)
    take_screenshot(page, "connect")
    assert _TOKEN_PLACEHOLDER in create
    assert '"userName":"babs@example.com"' in run_command(create, token, local_run)
    page.goto(f"/admin/tenants/{_CUSTOMER}")
    open_tab(page, "Audit log")
    expect(page.get_by_role("row").filter(has_text="babs@example.com")).to_contain_text("Created, takes part now.")
    duration_s = local_run.ready_s + time.monotonic() - start
    with capsys.disabled():
        print(f"\nFrom make run in a fresh checkout to the user in the console: {duration_s:.0f} s")
    assert duration_s < _TIME_LIMIT_S

    find_person(page, "jensen")
    expect(page.get_by_role("heading", name="Barbara Jensen")).to_be_visible()
    take_screenshot(page, "timeline")
    assert '"status":"400"' in run_command(fail, token, local_run)
    open_tab(page, "Audit log")
    expect(page.get_by_role("row").filter(has_text="alan@example.com")).to_contain_text("What to change:")
    take_screenshot(page, "log")
