"""``python -m local``, from its first start to kill -9, with the real template, handlers and engine."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.aws_client import create_client
from local.run_state import read_variables
from local.services.server_process import find_free_port
from tests.local.processes import ends_within
from tests.local.run_process import ROOT, SCHEMA, Run, build_command, build_environment, start_run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "data"


@pytest.fixture(scope="module")
def port() -> int:
    return find_free_port()


@pytest.fixture(scope="module")
def run(data: Path, port: int) -> Iterator[Run]:
    with start_run(data, port) as run:
        yield run


def get_engine_pid(run: Run) -> int:
    return next(pid for name, pid in run.parse_servers().items() if name != "moto")


def test_summary_has_url_token_and_example(run: Run, port: int) -> None:
    url, token = f"http://127.0.0.1:{port}/scim/v2", run.connection["token"]
    assert run.connection == {"scim_url": url, "token": token, "tenant": "acme"}
    assert "Customer      acme\n" in run.summary
    assert f"SCIM URL      {url}\n" in run.summary
    assert f"Token         {token}\n" in run.summary
    assert f'curl -H "Authorization: Bearer $(cat {run.data}/token)" {url}/Users\n' in run.summary
    assert (run.data / "token").read_text() == f"{token}\n"


def test_root_redirects_to_console(run: Run, port: int) -> None:
    url = f"http://127.0.0.1:{port}/"
    assert f"Console       {url}\n" in run.summary
    response = httpx.get(url)
    assert (response.status_code, response.headers["location"]) == (302, "/admin")
    assert httpx.get(url, follow_redirects=True, timeout=30).status_code == 200
    assert httpx.post(url, timeout=30).status_code == 401


def test_summary_has_engine_and_data_file(run: Run) -> None:
    assert re.search(rf"Table +on (dynoxide|ministack) \(process \d+\), data in {run.data}/\1\.", run.summary)


def test_data_directory_is_private(run: Run) -> None:
    assert (run.data / "connection.json").stat().st_mode & 0o777 == 0o600
    assert run.data.stat().st_mode & 0o777 == 0o700


def test_only_the_token_is_accepted(run: Run) -> None:
    with run.open_client() as client:
        assert client.get("/Users").status_code == 200
        assert client.get("/Users", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_all_functions_serve(run: Run) -> None:
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}
    with run.open_client() as client:
        assert client.get("/ServiceProviderConfig").status_code == 200
        assert client.post("/Bulk", json=bulk).headers["content-type"].startswith("application/scim+json")


def test_default_tenant_has_core_and_enterprise_schemas(run: Run) -> None:
    with run.open_client() as client:
        schemas = {schema["id"] for schema in client.get("/Schemas").json()["Resources"]}
    extensions = {name for name in schemas if name.startswith("urn:ietf:params:scim:schemas:extension:")}
    assert extensions == {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}
    assert SCHEMA in schemas


def test_function_can_be_invoked_with_boto3(run: Run) -> None:
    variables = read_variables(run.data)
    functions = create_client("lambda", variables["AWS_ENDPOINT_URL_LAMBDA"])
    response = functions.invoke(FunctionName="ChangesFunction", Payload=json.dumps({"Records": []}))
    assert json.loads(response["Payload"].read()) == {"batchItemFailures": []}
    failed = functions.invoke(FunctionName="ChangesFunction", Payload=json.dumps({}))
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read()) == {"errorType": "KeyError", "errorMessage": "'Records'"}


def test_other_programs_can_use_queues(run: Run) -> None:
    variables = read_variables(run.data)
    queues = create_client("sqs", variables["AWS_ENDPOINT_URL_SQS"])
    queues.send_message(QueueUrl=variables["DEAD_LETTER_QUEUE_URL"], MessageBody='{"reason": "a test"}')
    line = json.loads((run.data / "dead-letters.jsonl").read_text().splitlines()[-1])
    assert line["body"] == {"reason": "a test"}
    assert f"Dead letters  {run.data}/dead-letters.jsonl" in run.summary


def test_change_is_published_as_event(run: Run) -> None:
    run.create("event@example.com")
    types = [event["detail-type"] for event in run.wait_for_events("event@example.com")]
    assert types == ["UserProvisioned"]
    assert f"Events        {run.data}/events.jsonl" in run.summary


def test_log_has_no_user_names(run: Run) -> None:
    run.create("hidden@example.com")
    assert run.wait_for_events("hidden@example.com")
    log = (run.data / "functions.log").read_text()
    assert '"message":"changes"' in log
    assert "hidden@" not in log


def test_users_survive_kill_9_of_engine(run: Run) -> None:
    run.create("before@example.com")
    os.kill(get_engine_pid(run), signal.SIGKILL)
    assert run.prints("died and was started again")
    assert "before@example.com" in run.list_user_names()


def test_token_survives_kill_9_of_secrets_manager(run: Run) -> None:
    os.kill(run.parse_servers()["moto"], signal.SIGKILL)
    assert run.prints("Secrets Manager died and was started again")
    assert run.list_user_names()


def test_second_run_on_same_data_is_rejected(run: Run) -> None:
    error = run_and_fail(run.data, find_free_port())
    assert error == f"error: another local run uses {run.data}; stop it first with Ctrl-C\n"


def run_and_fail(data: Path, port: int | str, *options: str) -> str:
    """Start a run that fails; return its standard error."""
    failed = subprocess.run(
        [*build_command(data, port), *options],
        cwd=ROOT,
        env=build_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert failed.returncode == 1
    assert failed.stdout == ""
    return failed.stderr


def test_busy_port_is_one_line_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        error = run_and_fail(tmp_path, port)
    assert error == f"error: port {port}: Address already in use; choose another: make run PORT={port + 1}\n"


def test_invalid_port_is_one_line_error(tmp_path: Path) -> None:
    assert run_and_fail(tmp_path, 99_999) == (
        "error: PORT is '99999'; it must be a number from 1024 to 65535, for example: make run PORT=8081\n"
    )


@pytest.mark.parametrize("name", ["connection.json", "secrets.journal", "queues.db"])
def test_damaged_data_is_one_line_error(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("garbage\n")
    error = run_and_fail(tmp_path, find_free_port())
    assert error.startswith("error: ")
    assert name in error
    assert error.count("\n") == 1


def test_data_survives_kill_of_runner(tmp_path: Path) -> None:
    port = find_free_port()
    with start_run(tmp_path, port) as run:
        run.create("ada@example.com")
        before = run.connection
        run.process.kill()
        assert all(ends_within(5.0, pid) for pid in run.parse_servers().values())
    with start_run(tmp_path, port) as restarted:
        assert restarted.connection == before
        assert restarted.list_user_names() == {"ada@example.com"}
        restarted.process.send_signal(signal.SIGINT)
        assert restarted.process.wait(20) == 0
        assert all(ends_within(1.0, pid) for pid in restarted.parse_servers().values())


def test_parameters_of_the_template_can_be_set(tmp_path: Path) -> None:
    options = [f"--parameter={text}" for text in ("RateLimit=0.5", "RateLimitBurst=1000")]
    with start_run(tmp_path, find_free_port(), *options) as run, run.open_client() as client:
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@example.com"}
        response = client.post("/Users", json=body)
        assert response.headers["ratelimit-policy"] == '"default";q=1000;w=2000'


def test_unknown_parameter_is_one_line_error(tmp_path: Path) -> None:
    error = run_and_fail(tmp_path, find_free_port(), "--parameter=Rate=1")
    assert error.startswith("error: template.yaml has no parameter Rate; its parameters are ")
    assert error.count("\n") == 1


def test_lost_connection_gets_new_token(tmp_path: Path) -> None:
    with start_run(tmp_path, find_free_port()) as run:
        run.create("ada@example.com")
        lost = run.connection
    (tmp_path / "connection.json").unlink()
    with start_run(tmp_path, find_free_port()) as restarted:
        assert restarted.connection["token"] != lost["token"]
        assert restarted.list_user_names() == {"ada@example.com"}


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


def wait_for_lines(path: Path, count: int) -> list[Any]:
    """Wait until a file has at least this number of lines; return them."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= count:
            return [json.loads(line) for line in lines]
        time.sleep(0.05)
    raise AssertionError(f"{path} has fewer than {count} lines")


def test_queue_function_gets_messages(tmp_path: Path) -> None:
    """Processed messages are deleted. Failed messages move to the dead-letter queue, which is written to a file."""
    (tmp_path / "tested.py").write_text(WORKER)
    text = (ROOT / "template.yaml").read_text().replace("CodeUri: src/", f"CodeUri: {ROOT}/src/")
    template = tmp_path / "template.yaml"
    template.write_text(text.replace("\nOutputs:\n", RESOURCES.format(directory=tmp_path)))
    with start_run(tmp_path / "data", find_free_port(), "--template", str(template)) as run:
        variables = read_variables(run.data)
        queues = create_client("sqs", variables["AWS_ENDPOINT_URL_SQS"])
        url = queues.get_queue_url(QueueName="TestedQueue")["QueueUrl"]
        for body in ("good", "bad"):
            queues.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="acme")
        assert wait_for_lines(tmp_path / "output", 1) == [["good", "acme"]]
        (dead_letter,) = wait_for_lines(run.data / "dead-letters.jsonl", 1)
        assert (dead_letter["queue"], dead_letter["source"], dead_letter["body"]) == (
            "TestedDeadLetterQueue",
            "TestedQueue",
            "bad",
        )
