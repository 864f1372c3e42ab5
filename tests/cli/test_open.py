"""Test ``open``."""

import click
import pytest

from tests.cli.conftest import Muster

CONSOLE = "https://scim.example.com/admin"


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the URLs that are opened, and open none."""
    urls: list[str] = []

    def launch(url: str) -> int:
        urls.append(url)
        return len(urls) - 1  # the second one fails

    monkeypatch.setattr(click, "launch", launch)
    return urls


def test_console_is_opened_and_printed(run: Muster, launched: list[str]) -> None:
    assert run("open").stdout == f"{CONSOLE}\n"
    assert run("open", "acme").stderr == "No browser could be opened. Copy the URL.\n"
    assert launched == [CONSOLE, f"{CONSOLE}/tenants/acme"]


def test_url_is_only_printed(run: Muster, launched: list[str]) -> None:
    assert run("open", "--print").stdout == f"{CONSOLE}\n"
    assert run.json("open") == {"console_url": CONSOLE}
    assert launched == []
