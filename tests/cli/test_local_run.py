"""Test the command line with a local run: the real engine, secrets and handlers."""

import json
import os
import pty
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.aws_client import create_client
from local.services.server_process import find_free_port
from scim.events import dead_letter
from tests.cli.test_main import list_imports
from tests.events.history import build_stream_record
from tests.events.test_stream_record import IMAGE
from tests.local.run_process import ROOT, Run, build_environment, start_run

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with start_run(tmp_path_factory.mktemp("run") / "data", find_free_port()) as run:
        yield run


def muster(run: Run, *arguments: str) -> list[Any]:
    """Return the documents that a command prints: one object, or one in each line."""
    command = [sys.executable, "-m", "cli", *arguments, "--data", str(run.data), "--json"]
    variables = build_environment() | {"PYTHONPATH": "src:."}
    process = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    return [json.loads(process.stdout)] if lines[:1] == ["{"] else list(map(json.loads, lines))


def test_connect_rotate_and_list_on_the_local_run(run: Run) -> None:
    (connection,) = muster(run, "connect", "beta")
    headers = {"authorization": f"Bearer {connection['token']}", "content-type": "application/scim+json"}
    with httpx.Client(base_url=connection["scim_url"], headers=headers, timeout=30) as client:
        assert client.post("/Users", json={"schemas": [SCHEMA], "userName": "ada"}).status_code == 201
        (new,) = muster(run, "rotate", "beta")
        for token in (connection["token"], new["token"]):
            assert client.get("/Users", headers={"authorization": f"Bearer {token}"}).status_code == 200

    assert [user["userName"] for user in muster(run, "users", "beta", "--state", "active")] == ["ada"]
    assert [tenant["tenant"] for tenant in muster(run, "tenants")] == ["acme", "beta"]
    assert muster(run, "status", "beta")[0]["last_use"] is not None


@pytest.mark.parametrize("arguments", [["status", "acme"], ["tenants"], ["users", "acme"], ["log", "acme"]])
def test_command_that_reads_the_table_imports_no_botocore(run: Run, arguments: list[str]) -> None:
    """An import of botocore takes about as long as such a command."""
    imports = list_imports(*arguments, "--data", str(run.data))
    assert "scim" in imports
    assert imports.isdisjoint({"boto3", "botocore"})


def test_doctor_finds_no_problem(run: Run) -> None:
    findings = muster(run, "doctor")
    assert [finding for finding in findings if finding["level"] != "ok"] == []
    assert {"table", "stream", "master key", "dead-letter queue", "API"} <= {finding["subject"] for finding in findings}


def test_dead_letters_are_listed_and_sent_back(run: Run) -> None:
    """Use the local SQS, Lambda's Invoke and the real function."""
    variables = json.loads((run.data / "running.json").read_text())
    queues = create_client("sqs", variables["AWS_ENDPOINT_URL_SQS"])
    image = {**IMAGE, "pk": {"S": "T#acme"}, "userName": {"S": "sent.back@example.com"}}
    letter = dead_letter.build_record_dead_letter(build_stream_record(image), "TypeError at links.py:1 made")
    queues.send_message(QueueUrl=variables["DEAD_LETTER_QUEUE_URL"], MessageBody=json.dumps(letter))

    (listed,) = muster(run, "redrive")
    assert (listed["tenant"], listed["reason"]) == ("acme", "TypeError at links.py:1 made")
    assert muster(run, "redrive", "--send")[0]["outcome"] == "done"
    assert [event["detail"]["sequence"] for event in run.wait_for_events("sent.back@example.com")] == [12]
    assert muster(run, "redrive") == []


def test_quick_command_leaves_the_terminal_clean(run: Run) -> None:
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "cli", "users", "acme", "--json", "--data", str(run.data)]
    variables = build_environment() | {"PYTHONPATH": "src:."}
    run.create("bjensen")

    process = subprocess.run(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=end, check=True)
    os.write(end, b"END")
    output = os.read(terminal, 10_000)
    os.close(end)
    os.close(terminal)

    assert len(process.stdout.splitlines()) == 1
    assert output == b"END"


def test_manager_who_is_created_later_is_linked(run: Run) -> None:
    """Use the stream, the links queue and both functions, as make run starts them."""
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    with run.open_client() as client:
        body = {"schemas": [SCHEMA], "userName": "report@example.com", enterprise: {"manager": {"value": "boss@x"}}}
        report = client.post("/Users", json=body).json()["id"]
        boss = client.post("/Users", json={"schemas": [SCHEMA], "userName": "boss@x"}).json()["id"]
        deadline = time.monotonic() + 20
        manager: dict[str, str] = {}
        while "$ref" not in manager and time.monotonic() < deadline:
            time.sleep(0.1)
            manager = client.get(f"/Users/{report}").json()[enterprise]["manager"]
    assert manager.get("$ref", "").endswith(f"/Users/{boss}")


def test_installed_script_works_from_any_directory(run: Run, tmp_path: Path) -> None:
    """The script finds the checkout by its own location, .venv/bin."""
    checkout = tmp_path / "checkout"
    (checkout / ".venv/bin").mkdir(parents=True)
    for name in ("src", "cli", "local"):
        (checkout / name).symlink_to(ROOT / name)
    (checkout / ".venv/bin/python").symlink_to(sys.executable)
    script = shutil.copy(ROOT / "local/muster.sh", checkout / ".venv/bin/muster")
    Path(script).chmod(0o755)
    (checkout / ".venv/pyvenv.cfg").symlink_to(Path(sys.prefix) / "pyvenv.cfg")
    (checkout / ".venv/lib").symlink_to(Path(sys.prefix) / "lib")

    process = subprocess.run(
        [script, "status", "acme", "--data", str(run.data)], cwd="/", capture_output=True, text=True, check=False
    )

    assert (process.returncode, process.stderr) == (0, "")
    assert "connected" in process.stdout

    (tmp_path / "bin").mkdir()
    (tmp_path / "muster").symlink_to(script)
    (tmp_path / "bin/muster").symlink_to("../muster")
    path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    linked = subprocess.run(
        ["/bin/sh", "-c", "muster --help"], cwd="/", env=path, capture_output=True, text=True, check=False
    )
    assert (linked.returncode, linked.stderr) == (0, "")


def complete(home: Path, words: str) -> list[str]:
    """Return what a shell would complete. ``words`` is the line so far."""
    variables = build_environment() | {
        "PYTHONPATH": "src:.",
        "HOME": str(home),
        "_MUSTER_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    command = [sys.executable, "-m", "cli"]
    process = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    assert process.stderr == ""
    return [line.partition(",")[2] for line in process.stdout.split()]


def test_shell_completes_commands_and_options(tmp_path: Path) -> None:
    assert complete(tmp_path, "muster ro") == ["rotate"]
    assert "--grace" in complete(tmp_path, "muster rotate --g")


def test_shell_completes_tenants_and_keeps_them_for_a_minute(run: Run, tmp_path: Path) -> None:
    line = f"muster --data {run.data} status "
    assert complete(tmp_path, f"{line}ac") == ["acme"]
    (cache,) = tmp_path.glob(".config/muster/tenants-*.json")
    assert cache.stat().st_mode & 0o777 == 0o600

    cache.write_text('["acorn"]')
    assert complete(tmp_path, f"{line}ac") == ["acorn"]
    os.utime(cache, (0, 0))
    assert complete(tmp_path, f"{line}ac") == ["acme"]


def test_completion_of_tenants_fails_silently(tmp_path: Path) -> None:
    assert complete(tmp_path, f"muster --data {tmp_path / 'nothing'} status ") == []
    assert complete(tmp_path, "muster --stack muster --region eu-west-1 --profile missing status ") == []
