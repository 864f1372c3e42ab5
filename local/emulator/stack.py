"""The built functions, with the services that they use and the customer of the sample events."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local.aws_client import create_client
from local.aws_lambda.function import build_variables
from local.emulator.function import EmulatedFunction, Invocation
from local.emulator.sample_customer import read_setup
from local.emulator.sample_event import SampleEvent, build_outcome
from local.errors import LocalRunError
from local.stack import REFERENCES, TABLE, Services, build_overrides, create_resources, start_services
from local.template import FunctionSpec, Template


@dataclass(frozen=True)
class EmulatedStack:
    """The functions by name. They are started when they are first invoked. ``started`` has those."""

    specs: Mapping[str, FunctionSpec]
    started: dict[str, EmulatedFunction]
    services: Services
    state: "_InitialState"
    data: Path
    processes: ExitStack

    def run(self, event: SampleEvent) -> tuple[dict[str, Any], Invocation]:
        """Invoke the function of an event in the initial state, after the preceding events; return the outcome."""
        self.state.restore()
        for preceding in event.preceding:
            self._invoke(preceding)
        messaging = self.services.messaging
        files = (messaging.events, messaging.dead_letters)
        sizes = [path.stat().st_size if path.exists() else 0 for path in files]
        invocation = self._invoke(event)
        added = [_read_lines(path, size) for path, size in zip(files, sizes, strict=True)]
        return build_outcome(invocation.result, invocation.log, *added), invocation

    def stop_functions(self) -> None:
        """Stop all functions. The next invocation starts its function again."""
        while self.started:
            _, function = self.started.popitem()
            function.stop()

    def _invoke(self, event: SampleEvent) -> Invocation:
        spec = event.select_function(self.specs.values())
        if spec.name not in self.started:
            function = EmulatedFunction(spec, self.data)
            self.started[spec.name] = self.processes.enter_context(function)
            function.wait()
        return self.started[spec.name].invoke(self.state.complete(event.content))


class _InitialState:
    """The items of the table and the secret of the customer, as :mod:`local.emulator.sample_customer` creates them."""

    def __init__(self, services: Services, secret_name: str) -> None:
        self._dynamodb = create_client("dynamodb", services.dynamodb.url)
        self._secrets = create_client("secretsmanager", services.secrets_manager.url)
        self._secret_name = secret_name
        self._items = self._read_items()
        self._secret = self._secrets.get_secret_value(SecretId=secret_name)
        self._stages = self._read_stages()

    def complete(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return an event with the ARN of the secret: Secrets Manager chooses its last six characters."""
        return {**event, "SecretId": self._secret["ARN"]} if "SecretId" in event else dict(event)

    def restore(self) -> None:
        """Restore the items and the secret."""
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in self._read_items()]
        self._write([{"DeleteRequest": {"Key": key}} for key in keys])
        self._write([{"PutRequest": {"Item": item}} for item in self._items])
        if self._read_stages() != self._stages:
            self._secrets.delete_secret(SecretId=self._secret_name, ForceDeleteWithoutRecovery=True)
            self._secret = self._secrets.create_secret(
                Name=self._secret_name,
                SecretString=self._secret["SecretString"],
                ClientRequestToken=self._secret["VersionId"],
            ) | {"SecretString": self._secret["SecretString"]}

    def _read_items(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]
        return items

    def _read_stages(self) -> object:
        return self._secrets.describe_secret(SecretId=self._secret_name)["VersionIdsToStages"]

    def _write(self, requests: list[dict[str, Any]]) -> None:
        for start in range(0, len(requests), 25):  # the limit of BatchWriteItem
            self._dynamodb.batch_write_item(RequestItems={TABLE: requests[start : start + 25]})


@contextmanager
def start_stack(path: Path, build: Path, data: Path) -> Iterator[EmulatedStack]:
    """Run the services until the end of the block, with the sample customer.

    Raise ``LocalRunError`` if the functions are not built or a service does not start.

    Args:
        path: The template.
        build: The directory of the finished packages (``deployment.packages``).
        data: An empty directory for data and logs.
    """
    if not (build / "finished").exists():
        raise LocalRunError(f"{build} has no packages of the functions; make invoke builds them")
    template = Template(path)
    with start_services(data, template) as services, ExitStack() as processes:
        services.secrets_manager.wait()
        create_resources(template, services, read_setup("customer")["masterKey"])
        references = REFERENCES | services.messaging.build_references()
        specs = template.read_all_functions(references, build_overrides("", services))
        _create_customer(specs[0])
        secret = f"{specs[0].variables['SECRET_PREFIX']}{read_setup('customer')['id']}"
        state = _InitialState(services, secret)
        built = {spec.name: replace(spec, code=build / spec.name) for spec in specs}
        yield EmulatedStack(built, {}, services, state, data, processes)


def _create_customer(spec: FunctionSpec) -> None:
    """Create the customer in a process with the environment of a function, which contains the settings."""
    command = [sys.executable, "-m", "local.emulator.sample_customer"]
    process = subprocess.run(command, env=build_variables(spec), capture_output=True, text=True)  # noqa: S603 - our own
    if process.returncode:
        raise LocalRunError(f"the sample customer can't be created: {process.stderr.strip().rpartition(chr(10))[2]}")


def _read_lines(path: Path, start: int) -> list[str]:
    """Return the lines of a file after the first ``start`` bytes."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(start)
        return file.read().decode().splitlines()
