"""Starts ``python -m local`` for tests."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from cli.deployment import connect_local_run
from tests.stored_data import NO_LIMIT_PERCENT, check_tenants

ROOT = Path(__file__).parents[2]
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
_READY = "Press Ctrl-C to stop."


@dataclass(frozen=True)
class Run:
    """A running local run. ``summary`` is what it printed at its start."""

    process: subprocess.Popen[str]
    output: IO[str]
    summary: str
    data: Path

    @property
    def connection(self) -> dict[str, str]:
        connection: dict[str, str] = json.loads((self.data / "connection.json").read_text())
        return connection

    def open_client(self) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.connection['token']}", "content-type": "application/scim+json"}
        return httpx.Client(base_url=self.connection["scim_url"], headers=headers, timeout=30)

    def list_user_names(self) -> set[str]:
        with self.open_client() as client:
            return {user["userName"] for user in client.get("/Users").json()["Resources"]}

    def create(self, name: str) -> None:
        with self.open_client() as client:
            assert client.post("/Users", json={"schemas": [SCHEMA], "userName": name}).status_code == 201

    def wait_for_events(self, name: str) -> list[dict[str, Any]]:
        """Wait at most 20 seconds for events about a user; return them."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            lines = [json.loads(line) for line in (self.data / "events.jsonl").read_text().splitlines()]
            if events := [line for line in lines if line["detail"]["userName"] == name]:
                return events
            time.sleep(0.05)
        return []

    def parse_servers(self) -> dict[str, int]:
        """Return the process ids of the servers by name, from the summary."""
        return {name: int(pid) for name, pid in re.findall(r"on ([\w ]+) \(process (\d+)\)", self.summary)}

    def prints(self, text: str) -> bool:
        """Return whether a text is in the remaining output."""
        return any(text in line for line in self.output)


def build_command(data: Path, port: int | str) -> list[str]:
    return [sys.executable, "-u", "-m", "local", "--data", str(data), "--port", str(port)]


def build_environment() -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return variables | {"PYTHONPATH": "src"}


@contextmanager
def start_run(data: Path, port: int, *options: str) -> Iterator[Run]:
    """Start a run, and stop it at the end of the block. Before that, ``muster check`` must find nothing."""
    process = subprocess.Popen(
        [*build_command(data, port), *options], cwd=ROOT, env=build_environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    summary = ""
    for line in process.stdout:
        summary += line
        if _READY in line:
            break
    try:
        assert _READY in summary
        yield Run(process, process.stdout, summary, data)
        if process.poll() is None:  # some tests end the run themselves
            findings = check_tenants(connect_local_run(data).build_maintenance(NO_LIMIT_PERCENT))
            assert not findings, findings[:20]
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
