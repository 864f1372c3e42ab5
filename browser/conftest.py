"""The local run on a free port, and Debian's chromium in front of it."""

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass(frozen=True)
class Running:
    """A local run. ``url`` has neither path nor slash at its end."""

    url: str
    password: str

    def send(self, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A request of an identity provider: status and body of the answer."""
        request = urllib.request.Request(  # noqa: S310  # our own address
            f"{self.url}/scim/v2{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    port = _free_port()
    data = tmp_path_factory.mktemp("data")
    python = ROOT / ".venv/bin/python"
    with _started([str(python), "-u", "-m", "local", "--port", str(port), "--data", str(data)]) as output:
        told = ""
        for line in output:
            told += line
            if found := re.search(r"^Console .*password (\S+)$", told, re.MULTILINE):
                yield Running(f"http://127.0.0.1:{port}", found[1])
                return
    raise AssertionError(told)


@contextmanager
def _started(command: list[str]) -> Iterator[Any]:
    process = subprocess.Popen(  # noqa: S603  # our own command
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "src"}, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process.stdout
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _CHROMIUM)), None)
    assert path, "no chromium on this machine: apt-get install chromium, or CHROMIUM=/path/to/it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, running: Running) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=running.url, viewport={"width": 960, "height": 720}, accept_downloads=True)
    context.set_default_timeout(15_000)
    yield context
    context.close()
