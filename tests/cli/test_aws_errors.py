"""Test what commands say about errors of AWS: they name the next step."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from cli.aws_errors import describe_aws_error
from cli.main import muster
from scim.aws.errors import ErrorResponse, NoResponse

DENIED = (
    "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: cloudformation:DescribeStacks on resource: "
    "arn:aws:cloudformation:eu-west-1:123456789012:stack/muster/* because no identity-based policy allows it"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home directory without AWS configuration, and remove all credentials from the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "MUSTER_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


class FakeAws(ThreadingHTTPServer):
    """Answers each request with one error, in the format of CloudFormation."""

    code = ""
    message = ""
    status = 400


class Handler(BaseHTTPRequestHandler):
    server: FakeAws

    def do_POST(self) -> None:
        error = f"<Type>Sender</Type><Code>{self.server.code}</Code><Message>{self.server.message}</Message>"
        body = f"<ErrorResponse><Error>{error}</Error><RequestId>1</RequestId></ErrorResponse>".encode()
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def aws(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """Start a server to which the clients of AWS connect, and set credentials and a region."""
    with FakeAws(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(muster, [*arguments, "status", "acme", "--stack", "muster"])


def test_missing_region(home: Path) -> None:
    result = run()
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: No AWS region is set. Add --region REGION, or set AWS_REGION.\n",
    )


def test_missing_credentials(home: Path) -> None:
    result = run("--region", "eu-west-1")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There are no AWS credentials. Select a profile with --profile NAME")


def test_unknown_profile(home: Path) -> None:
    error = run("--region", "eu-west-1", "--profile", "missing").stderr
    assert "The config profile (missing) could not be found. To list the profiles: aws configure list-profiles" in error


def test_invalid_region(home: Path) -> None:
    assert "Check --region and AWS_REGION." in run("--region", "eu west").stderr


def test_damaged_configuration(home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text("no section\n")
    assert "Correct the file, or set AWS_CONFIG_FILE." in run("--region", "eu-west-1").stderr


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            "Your AWS session has ended. Sign in",
        ),
        ("InvalidClientTokenId", "The security token is invalid", "AWS does not accept your credentials"),
        ("SignatureDoesNotMatch", "Signature expired", "AWS does not accept your credentials"),
        ("ValidationError", "Stack with id muster does not exist", "There is no stack muster in eu-west-1."),
        (
            "AccessDenied",
            DENIED,
            "lacks the permission cloudformation:DescribeStacks on arn:aws:cloudformation:eu-west-1",
        ),
        ("AccessDenied", "Denied.", "lacks the permission DescribeStacks. Ask for this permission"),
        ("ThrottlingException", "Rate exceeded", "AWS throttles DescribeStacks"),
    ],
)
def test_error_of_aws_has_a_next_step(aws: FakeAws, code: str, message: str, expected: str) -> None:
    aws.code, aws.message = code, message
    result = run()
    assert expected in result.stderr
    assert result.exit_code == (3 if code == "ValidationError" else 1)
    assert len(result.stderr.splitlines()) == 1


def test_fault_of_aws(aws: FakeAws) -> None:
    aws.code, aws.status = "InternalFailure", 500
    assert "AWS could not answer DescribeStacks (InternalFailure). Repeat the command in a minute." in run().stderr


def test_no_network() -> None:
    message = 'Could not connect to the endpoint URL: "https://cloudformation.eu-west-1.amazonaws.com/"'
    text = describe_aws_error(NoResponse("DescribeStacks", "EndpointConnectionError", message))
    assert text.startswith("cloudformation.eu-west-1.amazonaws.com did not answer DescribeStacks")
    assert "Check the network, the proxy and --region" in text


def test_stopped_local_run(tmp_path: Path) -> None:
    message = 'Could not connect to the endpoint URL: "http://127.0.0.1:1/"'
    assert "restart it: make run" in describe_aws_error(NoResponse("GetItem", "EndpointConnectionError", message))


def test_missing_table() -> None:
    error = ErrorResponse("GetItem", "ResourceNotFoundException", "Requested resource not found", status=400)
    assert "Is it deleted, or is the region wrong (--region)?" in describe_aws_error(error)


def test_expired_session_of_the_identity_center(home: Path) -> None:
    """botocore raises this before it sends a call."""
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        "[profile work]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = admin\n"
        "[sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://example.com/start\n"
    )
    cache = home / ".aws/sso/cache"
    cache.mkdir(parents=True)
    token = {"accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z", "region": "eu-west-1"}
    (cache / "8a81f4b3b1a5a8e4.json").write_text(json.dumps(token))
    error = run("--region", "eu-west-1", "--profile", "work").stderr
    assert "Your AWS session has ended. Sign in again (for example: aws sso login --profile NAME)" in error
