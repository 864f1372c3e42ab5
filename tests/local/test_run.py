"""``python -m local`` from its first start to kill -9: the real template, handlers and engine."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
import httpx
import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from local.run_state import read_variables as running_variables
from local.services.server_process import find_free_port
from tests.judges.wsgi import application
from tests.local.processes import gone_within

ROOT = Path(__file__).parents[2]
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
READY = "Ctrl-C ends it"


@dataclass(frozen=True)
class Run:
    """A local run that serves."""

    process: subprocess.Popen[str]
    output: IO[str]
    introduction: str
    data: Path

    @property
    def connection(self) -> dict[str, str]:
        connection: dict[str, str] = json.loads((self.data / "connection.json").read_text())
        return connection

    def client(self) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.connection['token']}", "content-type": "application/scim+json"}
        return httpx.Client(base_url=self.connection["scim_url"], headers=headers, timeout=30)

    def user_names(self) -> set[str]:
        with self.client() as client:
            return {user["userName"] for user in client.get("/Users").json()["Resources"]}

    def create(self, name: str) -> None:
        with self.client() as client:
            assert client.post("/Users", json={"schemas": [SCHEMA], "userName": name}).status_code == 201

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events about a person, as soon as there are any."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            lines = [json.loads(line) for line in (self.data / "events.jsonl").read_text().splitlines()]
            if found := [line for line in lines if line["detail"]["userName"] == name]:
                return found
            time.sleep(0.05)
        return []

    def servers(self) -> dict[str, int]:
        """The process ids of the servers behind the functions, which it tells."""
        return {name: int(pid) for name, pid in re.findall(r"on ([\w ]+) \(process (\d+)\)", self.introduction)}

    def reads(self, text: str) -> bool:
        return any(text in line for line in self.output)


def command(data: Path, port: int | str) -> list[str]:
    return [sys.executable, "-u", "-m", "local", "--data", str(data), "--port", str(port)]


def environment() -> dict[str, str]:
    chosen = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return chosen | {"PYTHONPATH": "src"}


@contextmanager
def running(data: Path, port: int, *options: str) -> Iterator[Run]:
    process = subprocess.Popen(
        [*command(data, port), *options], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    introduction = ""
    for line in process.stdout:
        introduction += line
        if READY in line:
            break
    try:
        assert READY in introduction
        yield Run(process, process.stdout, introduction, data)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "data"


@pytest.fixture(scope="module")
def port() -> int:
    return find_free_port()


@pytest.fixture(scope="module")
def run(data: Path, port: int) -> Iterator[Run]:
    with running(data, port) as run:
        yield run


def engine(run: Run) -> int:
    return next(pid for name, pid in run.servers().items() if name != "moto")


def test_it_tells_url_token_and_a_line_to_try(run: Run, port: int) -> None:
    url, token = f"http://127.0.0.1:{port}/scim/v2", run.connection["token"]
    assert run.connection == {"scim_url": url, "token": token, "tenant": "acme"}
    assert f"SCIM URL      {url}\n" in run.introduction
    assert f"Bearer token  {token}\n" in run.introduction
    assert f"curl -H 'Authorization: Bearer {token}' {url}/Users\n" in run.introduction


def test_it_tells_which_engine_it_took_and_where_the_data_are(run: Run) -> None:
    assert re.search(rf"Table +on (dynoxide|ministack) \(process \d+\), data in {run.data}/\1\.", run.introduction)


def test_the_connection_is_its_owners_alone(run: Run) -> None:
    assert (run.data / "connection.json").stat().st_mode & 0o777 == 0o600
    assert run.data.stat().st_mode & 0o777 == 0o700


def test_the_token_opens_it_and_nothing_else_does(run: Run) -> None:
    with run.client() as client:
        assert client.get("/Users").status_code == 200
        assert client.get("/Users", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_every_function_serves(run: Run) -> None:
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}
    with run.client() as client:
        assert client.get("/ServiceProviderConfig").status_code == 200
        assert client.post("/Bulk", json=bulk).headers["content-type"].startswith("application/scim+json")


def test_default_customer_has_the_core_and_the_enterprise_schema(run: Run) -> None:
    with run.client() as client:
        schemas = {schema["id"] for schema in client.get("/Schemas").json()["Resources"]}
    extensions = {name for name in schemas if name.startswith("urn:ietf:params:scim:schemas:extension:")}
    assert extensions == {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}
    assert SCHEMA in schemas


@contextmanager
def standard_client(run: Run) -> Iterator[Any]:
    """scim2-client, whose requests go to the run over HTTP; its models are made of what the run says of itself."""
    with run.client() as http:

        def send(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
            sent = {name: value for name, value in headers.items() if name not in ("host", "content-length")}
            answer = http.request(method, f"http://127.0.0.1:{http.base_url.port}{path}", headers=sent, content=body)
            return answer.status_code, answer.headers, answer.content

        yield WSGISCIMClient(application(send), run.connection["scim_url"])


def test_standard_client_works_with_the_default_customer(run: Run) -> None:
    """scim2-client builds its models from what discovery says, and cannot do so for names with spaces."""
    with standard_client(run) as client:
        client.discover()
        user_model = client.get_resource_model("User")
        assert user_model is not None
        created = client.create(user_model(user_name="standard@example.com"))
        created.display_name = "Standard"
        replaced = client.replace(created)
        assert client.query(user_model, replaced.id).display_name == "Standard"
        client.delete(replaced)


def test_independent_tester_finds_no_error(run: Run) -> None:
    with standard_client(run) as client:
        results = check_server(client)
    assert [result for result in results if result.status is not Status.SUCCESS] == []
    assert len(results) > 20


def test_function_can_be_invoked_with_a_client_of_lambda(run: Run) -> None:
    variables = running_variables(run.data)
    access: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    functions = boto3.client("lambda", endpoint_url=variables["AWS_ENDPOINT_URL_LAMBDA"], **access)
    answer = functions.invoke(FunctionName="ChangesFunction", Payload=json.dumps({"Records": []}))
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    failed = functions.invoke(FunctionName="ChangesFunction", Payload=json.dumps({}))
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read()) == {"errorType": "KeyError", "errorMessage": "'Records'"}


def test_queues_can_be_reached_by_programs_beside_the_run(run: Run) -> None:
    variables = running_variables(run.data)
    access: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    queues = boto3.client("sqs", endpoint_url=variables["AWS_ENDPOINT_URL_SQS"], **access)
    queues.send_message(QueueUrl=variables["DEAD_LETTER_QUEUE_URL"], MessageBody='{"reason": "a test"}')
    line = json.loads((run.data / "dead-letters.jsonl").read_text().splitlines()[-1])
    assert line["body"] == {"reason": "a test"}
    assert f"Dead letters  {run.data}/dead-letters.jsonl" in run.introduction


def test_a_change_becomes_an_event_that_can_be_watched(run: Run) -> None:
    run.create("told@example.com")
    told = [event["detail-type"] for event in run.events("told@example.com")]
    assert told == ["UserProvisioned"]
    assert f"Events        {run.data}/events.jsonl" in run.introduction


def test_nothing_that_the_run_prints_or_logs_names_a_person(run: Run) -> None:
    run.create("hidden@example.com")
    assert run.events("hidden@example.com")
    log = (run.data / "functions.log").read_text()
    assert '"message":"changes"' in log
    assert "hidden@" not in log


def test_users_are_there_after_kill_9_of_the_engine(run: Run) -> None:
    run.create("before@example.com")
    os.kill(engine(run), signal.SIGKILL)
    assert run.reads("died and was started again")
    assert "before@example.com" in run.user_names()


def test_the_token_is_good_after_kill_9_of_secrets_manager(run: Run) -> None:
    os.kill(run.servers()["moto"], signal.SIGKILL)
    assert run.reads("Secrets Manager died and was started again")
    assert run.user_names()


def test_a_second_run_on_the_same_data_is_refused(run: Run) -> None:
    refused = fails(run.data, find_free_port())
    assert refused == f"error: another run uses {run.data}; stop it first\n"


def fails(data: Path, port: int | str) -> str:
    """What a run says that does not start."""
    failed = subprocess.run(
        command(data, port), cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert failed.returncode == 1
    assert failed.stdout == ""
    return failed.stderr


def test_a_busy_port_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = fails(tmp_path, port)
    assert told == f"error: port {port}: Address already in use; choose another with make run PORT=8081\n"


def test_a_port_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    assert fails(tmp_path, 99_999).startswith("error: port 99999: ")


@pytest.mark.parametrize("name", ["connection.json", "secrets.journal", "queues.db"])
def test_damaged_data_are_told_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("garbage\n")
    told = fails(tmp_path, find_free_port())
    assert told.startswith("error: ")
    assert name in told
    assert told.count("\n") == 1


def test_everything_outlives_the_runner(tmp_path: Path) -> None:
    port = find_free_port()
    with running(tmp_path, port) as run:
        run.create("ada@example.com")
        before = run.connection
        run.process.kill()
        assert all(gone_within(5.0, pid) for pid in run.servers().values())
    with running(tmp_path, port) as again:
        assert again.connection == before
        assert again.user_names() == {"ada@example.com"}
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(20) == 0
        assert all(gone_within(1.0, pid) for pid in again.servers().values())


def test_a_lost_connection_gets_a_new_token_for_the_same_tenant(tmp_path: Path) -> None:
    with running(tmp_path, find_free_port()) as run:
        run.create("ada@example.com")
        lost = run.connection
    (tmp_path / "connection.json").unlink()
    with running(tmp_path, find_free_port()) as again:
        assert again.connection["token"] != lost["token"]
        assert again.user_names() == {"ada@example.com"}


WORKER = """
import json, os

def handler(event, context):
    failed = []
    for record in event["Records"]:
        if record["body"] == "bad":
            failed.append({"itemIdentifier": record["messageId"]})
        else:
            with open(os.environ["OUTPUT"], "a") as file:
                file.write(json.dumps([record["body"], record["attributes"]["MessageGroupId"]]) + "\\n")
    return {"batchItemFailures": failed}
"""
RESOURCES = """
  TestedFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: tested.handler
      CodeUri: {directory}
      Timeout: 1
      Environment: {{Variables: {{OUTPUT: "{directory}/output"}}}}
      Events:
        Messages:
          Type: SQS
          Properties:
            Queue: !GetAtt TestedQueue.Arn
            FunctionResponseTypes: [ReportBatchItemFailures]
  TestedQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 1
      RedrivePolicy: {{deadLetterTargetArn: !GetAtt TestedDeadLetterQueue.Arn, maxReceiveCount: 2}}
  TestedDeadLetterQueue: {{Type: AWS::SQS::Queue}}

Outputs:
"""


def wait_for(path: Path, count: int) -> list[Any]:
    """The lines of a file, as soon as there are so many."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= count:
            return [json.loads(line) for line in lines]
        time.sleep(0.05)
    raise AssertionError(f"{path} has fewer than {count} lines")


def test_function_of_a_queue_gets_its_messages(tmp_path: Path) -> None:
    """What it processed is gone; what it fails for moves to the dead-letter queue, which can be watched."""
    (tmp_path / "tested.py").write_text(WORKER)
    text = (ROOT / "template.yaml").read_text().replace("CodeUri: src/", f"CodeUri: {ROOT}/src/")
    template = tmp_path / "template.yaml"
    template.write_text(text.replace("\nOutputs:\n", RESOURCES.format(directory=tmp_path)))
    with running(tmp_path / "data", find_free_port(), "--template", str(template)) as run:
        variables = running_variables(run.data)
        access: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
        queues = boto3.client("sqs", endpoint_url=variables["AWS_ENDPOINT_URL_SQS"], **access)
        url = queues.get_queue_url(QueueName="TestedQueue")["QueueUrl"]
        for body in ("good", "bad"):
            queues.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="acme")
        assert wait_for(tmp_path / "output", 1) == [["good", "acme"]]
        (dead,) = wait_for(run.data / "dead-letters.jsonl", 1)
        assert (dead["queue"], dead["source"], dead["body"]) == ("TestedDeadLetterQueue", "TestedQueue", "bad")
