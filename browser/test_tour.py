"""The README's tour, walked by its own words: what it says to type is what is run here."""

import re
import subprocess
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.console import add_customer, find_person, open_tab, picture, sign_in
from browser.running import Running

README = Path(__file__).parent.parent / "README.md"
_CUSTOMER = "globex"
_PLACE_OF_THE_TOKEN = "TOKEN='...'"  # noqa: S105  # where it goes
_AT_MOST_S = 120


def commands() -> list[str]:
    """What the tour says to type, step by step."""
    tour = README.read_text("utf-8").partition("\n## Try it\n")[2].partition("\n## ")[0]
    return re.findall(r"^ +```\n(.*?)^ +```$", tour, re.MULTILINE | re.DOTALL)


def typed(command: str, token: str, running: Running) -> str:
    """What a command of the tour prints, in a shell that knows the token."""
    set_token = _PLACE_OF_THE_TOKEN.replace("...", token)
    script = command.replace(_PLACE_OF_THE_TOKEN, "").replace("http://127.0.0.1:8080", running.url)
    shell = ["sh", "-ec", f"{set_token}\n{script}"]
    ran = subprocess.run(shell, capture_output=True, text=True, check=True)  # noqa: S603  # what README says
    return ran.stdout


def test_tour_leads_from_make_run_to_a_user_in_the_console_within_two_minutes(
    page: Page, running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    run, create, fail = commands()
    assert run.split() == ["make", "run"]
    sign_in(page, running)
    token = add_customer(page, _CUSTOMER)
    picture(page, "connect")
    assert _PLACE_OF_THE_TOKEN in create
    assert '"userName":"babs@example.com"' in typed(create, token, running)
    page.goto(f"/admin/tenants/{_CUSTOMER}")
    open_tab(page, "Log")
    expect(page.get_by_role("row").filter(has_text="babs@example.com")).to_contain_text("Created, takes part now.")
    took = running.ready_s + time.monotonic() - start
    with capsys.disabled():
        print(f"\nFrom make run in a fresh checkout to the user in the console: {took:.0f} s")
    assert took < _AT_MOST_S

    find_person(page, "jensen")
    expect(page.get_by_role("heading", name="Barbara Jensen")).to_be_visible()
    picture(page, "timeline")
    assert '"status":"400"' in typed(fail, token, running)
    open_tab(page, "Log")
    expect(page.get_by_role("row").filter(has_text="alan@example.com")).to_contain_text("What to change:")
    picture(page, "log")
