"""Run the commands of the README's tour and check their results in the console."""

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.console import find_person, open_tab, sign_in, take_screenshot
from browser.local_run import LocalRun

README = Path(__file__).parent.parent / "README.md"
_PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def read_commands() -> list[str]:
    """Return the commands of the tour."""
    tour = README.read_text("utf-8").partition("\n## Try it\n")[2].partition("\n## ")[0]
    return re.findall(r"^ +```\n(.*?)^ +```$", tour, re.MULTILINE | re.DOTALL)


def run_command(command: str, local_run: LocalRun) -> str:
    """Run a command of the tour in a shell, in the checkout; return its output."""
    shell = ["sh", "-ec", command.replace("http://127.0.0.1:8080", local_run.url)]
    options: dict[str, Any] = {"cwd": local_run.checkout, "capture_output": True, "text": True, "check": True}
    process = subprocess.run(shell, **options)  # noqa: S603  # from our README
    output: str = process.stdout
    return output


def patch(local_run: LocalRun, user_id: str, attribute: str, value: object) -> int:
    """Replace the value of an attribute and return the status of the response."""
    body = {"schemas": [_PATCH_SCHEMA], "Operations": [{"op": "replace", "path": attribute, "value": value}]}
    return local_run.send(local_run.token, "PATCH", f"/Users/{user_id}", body)[0]


def test_tour(page: Page, local_run: LocalRun, capsys: pytest.CaptureFixture[str]) -> None:
    start = time.monotonic()
    run, create, fail = read_commands()
    assert run.split() == ["make", "run"]
    response = run_command(create, local_run)
    assert '"userName":"babs@example.com"' in response
    page.goto("/")
    sign_in(page, local_run)
    page.get_by_role("link", name="acme", exact=True).click()
    find_person(page, "jensen")
    expect(page.get_by_role("heading", name="Barbara Jensen")).to_be_visible()
    duration_s = local_run.ready_s + time.monotonic() - start
    with capsys.disabled():
        print(f"\nFrom make run in a fresh checkout to the user in the console: {duration_s:.0f} s")

    set_token = create.splitlines()[0]
    assert '"status":"400"' in run_command(f"{set_token}\n{fail}", local_run)
    open_tab(page, "Audit log")
    expect(page.get_by_role("row").filter(has_text="alan@example.com")).to_contain_text("What to change:")
    take_screenshot(page, "log")


def test_timeline_for_readme(page: Page, local_run: LocalRun) -> None:
    """The picture at the top of the README shows more entries than the tour creates."""
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "mary@example.com"}
    details = {"displayName": "Mary Poppins", "emails": [{"value": "mary@example.com", "primary": True}]}
    status, created = local_run.send(local_run.token, "POST", "/Users", user | details)
    assert status == 201
    assert patch(local_run, created["id"], "title", "Nanny") == 200
    assert patch(local_run, created["id"], "active", "perhaps") == 400
    assert patch(local_run, created["id"], "active", False) == 200
    sign_in(page, local_run)
    page.goto(f"/admin/tenants/acme/users/{created['id']}")
    advice = page.locator("details", has_text="What to change:").first
    advice.locator("summary").first.click()
    expect(advice.get_by_text("What to change:").first).to_be_visible()
    take_screenshot(page, "timeline")
