"""An AWS account on the emulator, to which the SAM CLI deploys."""

import hashlib
import os
import platform
import ssl
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from local.services import die_with_parent
from local.services.server_process import ServerProcess
from tests.deployment.emulated.gateway import Gateway, start_gateway
from tests.deployment.emulated.paths import BUILD, ROOT, SAM
from tests.deployment.emulated.stack import DeployedStack
from tests.deployment.emulated.workaround import Workaround

REGION = "eu-west-1"
_DOMAIN = f"{REGION}.amazonaws.com"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
ARCHITECTURE = "x86_64" if platform.machine() == "x86_64" else "arm64"
_SHOWN_CHARACTERS = 6000
"""How much of the output of a failed command is shown. The SAM CLI prints the error at the end."""


class DeploymentError(Exception):
    """A command failed. The message is the end of what it printed."""


@dataclass(frozen=True)
class EmulatedAccount:
    """An empty account with all services. IAM policies are enforced. ``directory`` is for its files."""

    directory: Path
    endpoint: str
    gateway: Gateway

    def client(self, service: str) -> Any:
        """Return a boto3 client with the permissions of the account's owner."""
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint)

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables for commands that use the account and its APIs."""
        return {**_CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint, **self.gateway.variables}

    def open_http_client(self) -> httpx.Client:
        """Return an HTTP client that reaches the API of a stack by its URL."""
        context = ssl.create_default_context(cafile=self.gateway.certificate)
        return httpx.Client(proxy=self.gateway.url, verify=context, trust_env=False, timeout=60)

    def run(self, *command: str | Path, source: Path = ROOT, **variables: str) -> str:
        """Run a command in the directory of the account, with the modules of ``source``.

        Return what it prints to its standard output.

        Raise :class:`DeploymentError` if it fails.
        """
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "SAM_CLI_TELEMETRY": "0"}
        environment |= {"PYTHONPATH": f"{source}:{source / 'src'}"} | self.variables | variables
        if "PYENV_VERSION" in os.environ:
            environment["PYENV_VERSION"] = os.environ["PYENV_VERSION"]
        result = subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True)
        if result.returncode:
            raise DeploymentError((result.stdout + result.stderr)[-_SHOWN_CHARACTERS:])
        return result.stdout

    def deploy(self, name: str, *parameters: str, build: Path = BUILD) -> DeployedStack:
        """Deploy packages as ``make deploy`` does: tidy the versions, deploy, protect the table.

        Raise :class:`DeploymentError` if the deployment fails.
        """
        (self.directory / "samconfig.toml").write_text(
            f'version = 0.1\n[default.global.parameters]\nstack_name = "{name}"\nregion = "{REGION}"\n'
        )
        self.run_deployment("versions")
        self.deploy_with_sam(name, f"Architecture={ARCHITECTURE}", *parameters, build=build)
        self.run_deployment("table_protection")
        self.run_deployment("versions")
        return self.read_stack(name)

    def deploy_with_sam(self, name: str, *parameters: str, build: Path) -> DeployedStack:
        """Deploy packages with the SAM CLI only, as the releases before ``make deploy`` had other steps did."""
        overrides = ["--parameter-overrides", *parameters] if parameters else []
        self.run(
            *(SAM / "sam", "deploy", "--no-confirm-changeset", f"--template={self._package(build)}"),
            *(f"--stack-name={name}", f"--region={REGION}", "--capabilities=CAPABILITY_IAM", "--resolve-s3"),
            *("--no-fail-on-empty-changeset", "--on-failure=DELETE", *overrides),
        )
        return self.read_stack(name)

    def _package(self, build: Path) -> Path:
        """Upload packages once, and return the template that refers to them. ``sam deploy`` alone uploads each time."""
        template = self.directory / f"packaged-{hashlib.sha256(str(build).encode()).hexdigest()[:8]}.yaml"
        if not template.exists():
            paths = (f"--template={build}/template.yaml", f"--output-template-file={template}")
            self.run(SAM / "sam", "package", "--no-progressbar", "--resolve-s3", f"--region={REGION}", *paths)
        return template

    def run_deployment(self, module: str, *arguments: str) -> str:
        """Run a module of ``deployment`` for the stack that was deployed last. Return what it prints."""
        return self.run(SAM / "python", "-m", f"deployment.{module}", "default", *arguments)

    def read_stack(self, name: str) -> DeployedStack:
        """Return a stack that exists."""
        client = self.client("cloudformation")
        (description,) = client.describe_stacks(StackName=name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in description["Outputs"]}
        return DeployedStack(self, name, outputs)

    def list_stacks(self) -> list[str]:
        """Return the names of the stacks that exist, except the one with the bucket of the SAM CLI."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return [stack["StackName"] for stack in stacks if stack["StackName"] != "aws-sam-cli-managed-default"]

    def delete(self, name: str) -> None:
        """Delete a stack with the SAM CLI, which also deletes the packages that it uploaded."""
        self.run(SAM / "sam", "delete", "--no-prompts", f"--stack-name={name}", f"--region={REGION}")
        for template in self.directory.glob("packaged-*.yaml"):
            template.unlink()


@contextmanager
def start_account(directory: Path, workarounds: Iterable[Workaround] = Workaround) -> Iterator[EmulatedAccount]:
    """Run the emulator until the end of the block, with these workarounds."""
    site_packages = next((ROOT / ".venv-ministack/lib").glob("python3.*/site-packages"))
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": "{port}",
        "MINISTACK_HOST": _DOMAIN,
        "AUTH": "true",  # the policies of roles are enforced
        "IOT_MTLS_ENABLED": "0",
    }
    command = [
        *(sys.executable, "-S", "-E", die_with_parent.__file__, str(os.getpid())),
        *("/usr/bin/env", "--ignore-environment"),
        *(f"{name}={value}" for name, value in variables.items()),
        *(str(SAM / "python"), str(Path(__file__).with_name("emulator.py")), str(site_packages)),
        *(str(ROOT / ".venv-lambda/bin/python"), *workarounds),
    ]
    with (
        ServerProcess("ministack", command, directory / "emulator") as server,
        start_gateway(directory, f"execute-api.{_DOMAIN}", server.port) as gateway,
    ):
        server.wait()
        yield EmulatedAccount(directory, server.url, gateway)
