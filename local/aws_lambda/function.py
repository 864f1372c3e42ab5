"""The execution environments of one function: started when needed, kept, and replaced when they die."""

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

from local.api_gateway.app import FunctionError
from local.constants import ACCOUNT, REGION
from local.errors import LocalRunError
from local.template import FunctionSpec

# Lambda would start as many as there are requests. Here they share a laptop, and a request waits for a free one.
ENVIRONMENTS = 4
_ROOT = Path(__file__).parents[2]
_LINE_LIMIT = 64 * 1024 * 1024  # of a result of 6 MB, written as JSON in ASCII


class ExecutionEnvironment:
    """A process that runs a function's handler."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._invocations = cast(asyncio.StreamWriter, process.stdin)
        self._outcomes = cast(asyncio.StreamReader, process.stdout)

    @classmethod
    async def start(cls, spec: FunctionSpec, variables: Mapping[str, str], log: BinaryIO) -> Self:
        """``FunctionError`` if the handler can't be imported."""
        command = [sys.executable, "-m", "local.aws_lambda.runtime", spec.handler]
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(variables), stdin=PIPE, stdout=PIPE, stderr=log, limit=_LINE_LIMIT, process_group=0
        )
        environment = cls(process)
        try:
            await environment._outcome()
        except BaseException:
            await environment.stop()
            raise
        return environment

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def invoke(self, event: Mapping[str, Any], context: Mapping[str, Any]) -> object:
        try:
            self._invocations.write(json.dumps({"event": event, "context": context}).encode() + b"\n")
            await self._invocations.drain()
        except ConnectionError as error:
            raise FunctionError("the process died") from error
        return await self._outcome()

    async def _outcome(self) -> object:
        line = await self._outcomes.readline()
        if not line.endswith(b"\n"):
            raise FunctionError("the process died")
        outcome = json.loads(line)
        if "error" in outcome:
            raise HandlerError(outcome["error"])
        return outcome["result"]

    async def stop(self) -> None:
        if self.alive:
            self._process.kill()
        self._invocations.close()
        await self._process.communicate()


class HandlerError(FunctionError):
    """The handler's own exception. Its environment goes on."""


@asynccontextmanager
async def start_functions(specs: Iterable[FunctionSpec], log: Path) -> AsyncIterator[dict[str, "LambdaFunction"]]:
    """The functions by name, until the end of the block. What their handlers print goes to the log."""
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
    """A function that can be invoked, several times at once. ``variables`` are its environment."""

    def __init__(self, spec: FunctionSpec, log: Path) -> None:
        self.spec = spec
        self.variables = _runtime_variables(spec) | dict(spec.variables)
        self._log = log
        self._free = asyncio.Semaphore(ENVIRONMENTS)
        self._idle: list[ExecutionEnvironment] = []

    async def start(self) -> None:
        """Starts one environment, so that a handler that can't be imported is known at once: a ``LocalRunError``."""
        try:
            self._idle.append(await self._started())
        except FunctionError as error:
            raise LocalRunError(
                f"{self.spec.name}: {self.spec.handler} does not start: {error} (see {self._log})"
            ) from error

    async def stop(self) -> None:
        await asyncio.gather(*(environment.stop() for environment in self._idle))

    async def invoke(self, event: Mapping[str, Any]) -> object:
        """What the handler returns for this event; ``FunctionError`` if it raises, dies or takes too long."""
        async with self._free:
            environment = await self._take()
            try:
                async with asyncio.timeout(self.spec.timeout):
                    result = await environment.invoke(event, self._context())
            except HandlerError:
                self._idle.append(environment)
                raise
            except BaseException as error:
                await environment.stop()
                raise FunctionError("timed out") if isinstance(error, TimeoutError) else error from error
            self._idle.append(environment)
            return result

    async def _take(self) -> ExecutionEnvironment:
        """The environment that was used last, as Lambda does, or a new one."""
        while self._idle:
            environment = self._idle.pop()
            if environment.alive:
                return environment
            await environment.stop()
        return await self._started()

    async def _started(self) -> ExecutionEnvironment:
        with self._log.open("ab") as log:
            return await ExecutionEnvironment.start(self.spec, self.variables, log)

    def _context(self) -> dict[str, Any]:
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


def _runtime_variables(spec: FunctionSpec) -> dict[str, str]:
    """What Lambda sets, and what Python needs to be started at all; nothing else of the user's environment gets in.

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
        "PYTHONPATH": os.pathsep.join([str(spec.code), str(_ROOT)]),
        "PYTHONUNBUFFERED": "1",  # a line is in the log when it is printed
        "PYTHONUTF8": "1",
        "TZ": "UTC",
    }
