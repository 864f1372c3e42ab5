"""Lambda functions and their execution environments, which are started on demand, reused, and replaced if they die."""

import asyncio
import json
import os
import sys
import time
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from local.aws_lambda.invocation import FunctionError
from local.constants import ACCOUNT, REGION
from local.errors import LocalRunError
from local.template import FunctionSpec

# For each function. Lambda would start one for each concurrent request. Here a request waits for a free one.
MAX_ENVIRONMENTS = 4
_ROOT = Path(__file__).parents[2]
_LINE_LIMIT = 64 * 1024 * 1024  # the maximum size of a result of 6 MB if JSON escapes all characters


class ExecutionEnvironment:
    """An execution environment: a process that runs a function's handler, one event at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._invocation_stream = cast(asyncio.StreamWriter, process.stdin)
        self._outcome_stream = cast(asyncio.StreamReader, process.stdout)

    @classmethod
    async def start(cls, spec: FunctionSpec, variables: Mapping[str, str], log: BinaryIO) -> Self:
        """Start the process; raise ``FunctionError`` if the handler can't be imported."""
        command = [sys.executable, "-m", "local.aws_lambda.runtime", spec.handler]
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(variables), stdin=PIPE, stdout=PIPE, stderr=log, limit=_LINE_LIMIT, process_group=0
        )
        environment = cls(process)
        try:
            await environment._read_outcome()
        except BaseException:
            await environment.stop()
            raise
        return environment

    @property
    def is_alive(self) -> bool:
        """Whether the process is running."""
        return self._process.returncode is None

    async def invoke(self, event: Mapping[str, Any], context: Mapping[str, Any]) -> object:
        """Return the result of the handler; raise ``FunctionError`` if it raises or the process dies."""
        try:
            self._invocation_stream.write(json.dumps({"event": event, "context": context}).encode() + b"\n")
            await self._invocation_stream.drain()
        except ConnectionError as error:
            raise FunctionError("the process died") from error
        return await self._read_outcome()

    async def _read_outcome(self) -> object:
        line = await self._outcome_stream.readline()
        if not line.endswith(b"\n"):
            raise FunctionError("the process died")
        outcome = json.loads(line)
        if "error" in outcome:
            raise HandlerError(outcome["error"])
        return outcome["result"]

    async def stop(self) -> None:
        """Kill the process and wait for its end."""
        if self.is_alive:
            self._process.kill()
        self._invocation_stream.close()
        await self._process.communicate()


class HandlerError(FunctionError):
    """The handler raised an exception. Its environment can still be used."""


@asynccontextmanager
async def start_functions(specs: Iterable[FunctionSpec], log: Path) -> AsyncIterator[dict[str, "LambdaFunction"]]:
    """Run the functions until the end of the block and return them by name. Their output goes to the log file."""
    functions = {spec.name: LambdaFunction(spec, log) for spec in specs}
    try:
        starts = [function.start() for function in functions.values()]
        for outcome in await asyncio.gather(*starts, return_exceptions=True):
            if outcome is not None:
                raise outcome
        yield functions
    finally:
        await asyncio.gather(*(function.stop() for function in functions.values()))


class LambdaFunction:
    """A function that can be invoked concurrently. ``variables`` are its environment variables."""

    def __init__(self, spec: FunctionSpec, log: Path) -> None:
        self.spec = spec
        self.variables = build_variables(spec)
        self._log = log
        self._slots = asyncio.Semaphore(MAX_ENVIRONMENTS)
        self._idle: list[ExecutionEnvironment] = []

    async def start(self) -> None:
        """Start one environment; raise ``LocalRunError`` if the handler can't be imported."""
        try:
            self._idle.append(await self._start_environment())
        except FunctionError as error:
            raise LocalRunError(
                f"{self.spec.name}: {self.spec.handler} does not start: {error} (see {self._log})"
            ) from error

    async def stop(self) -> None:
        """Stop all environments."""
        await asyncio.gather(*(environment.stop() for environment in self._idle))

    async def invoke(self, event: Mapping[str, Any]) -> object:
        """Return the result of the handler; raise ``FunctionError`` if it raises, dies or times out."""
        async with self._slots:
            environment = await self._acquire_environment()
            try:
                async with asyncio.timeout(self.spec.timeout):
                    result = await environment.invoke(event, self._build_context())
            except HandlerError:
                self._idle.append(environment)
                raise
            except BaseException as error:
                await environment.stop()
                raise FunctionError("timed out") if isinstance(error, TimeoutError) else error from error
            self._idle.append(environment)
            return result

    async def _acquire_environment(self) -> ExecutionEnvironment:
        """Return the idle environment that was used most recently, as Lambda does, or a new one."""
        while self._idle:
            environment = self._idle.pop()
            if environment.is_alive:
                return environment
            await environment.stop()
        return await self._start_environment()

    async def _start_environment(self) -> ExecutionEnvironment:
        with self._log.open("ab") as log:
            return await ExecutionEnvironment.start(self.spec, self.variables, log)

    def _build_context(self) -> dict[str, Any]:
        return {
            "function_name": self.spec.name,
            "function_version": "$LATEST",
            "invoked_function_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.spec.name}",
            "memory_limit_in_mb": str(self.spec.memory),
            "aws_request_id": str(uuid.uuid4()),
            "log_group_name": "local",
            "log_stream_name": "local",
            "deadline": time.time() + self.spec.timeout,
        }


def build_variables(spec: FunctionSpec) -> dict[str, str]:
    """Return the variables of a process that runs the function's source, with the packages of this environment."""
    # The runtime validates requests, so it needs our client of AWS, also if the function has other source.
    path = os.pathsep.join([str(spec.code), str(_ROOT), str(_ROOT / "src")])
    return build_runtime_variables(spec) | {"PYTHONPATH": path} | dict(spec.variables)


def build_runtime_variables(spec: FunctionSpec) -> dict[str, str]:
    """Return the variables that Lambda sets and those that Python needs, without the other variables of the user.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    return {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LANG": "en_US.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONUNBUFFERED": "1",  # so that printed lines appear in the log immediately
        "PYTHONUTF8": "1",
        "TZ": "UTC",
    }
