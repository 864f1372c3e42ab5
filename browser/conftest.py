"""A local run in a fresh checkout, and the installed Chromium."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from browser.console import PictureFolder
from browser.local_run import LocalRun, start_run

ROOT = Path(__file__).parent.parent
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="save the screenshots in docs/images")


def pytest_configure(config: pytest.Config) -> None:
    PictureFolder.is_writable = bool(config.getoption("--pictures"))


@pytest.fixture(scope="session")
def local_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRun]:
    """``make run`` in a copy of the files in the repository."""
    checkout = tmp_path_factory.mktemp("muster")
    _copy_tracked_files(checkout)
    with start_run(checkout) as local_run:
        yield local_run


def _copy_tracked_files(to: Path) -> None:
    command = ["git", "ls-files", "-z"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603  # git's
    for name in filter(None, output.split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, to / name)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _CHROMIUM)), None)
    assert path, "no chromium on this machine: apt-get install chromium, or CHROMIUM=/path/to/it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, local_run: LocalRun) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=local_run.url, viewport={"width": 960, "height": 720}, accept_downloads=True)
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
