"""The state of one run of the smoke test, which its checks share."""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cli.deployment import Deployment
from deployment.smoke.check import CheckFailed
from deployment.smoke.scim_client import ScimClient, ScimResponse
from deployment.smoke.stack import Stack

Value = TypeVar("Value")

PREFIX = "smoke-test-"
"""The first part of the names of everything that a run creates."""
_RUN_ID = re.compile(rf"{PREFIX}(\d{{8}}t\d{{6}})-[0-9a-f]{{6}}")
_TIME_FORMAT = "%Y%m%dt%H%M%S"
_PAUSE_S = 3.0
DEFAULT_WAIT_S = 300.0


def create_run_id() -> str:
    """Return a new id of a run. It is also the id of the run's customer, and contains the time."""
    return f"{PREFIX}{datetime.now(UTC).strftime(_TIME_FORMAT)}-{secrets.token_hex(3)}"


def parse_start(name: str) -> datetime | None:
    """Return when a run started that created something with this name, ``None`` if no run did."""
    match = _RUN_ID.fullmatch(name)
    return datetime.strptime(match[1], _TIME_FORMAT).replace(tzinfo=UTC) if match else None


@dataclass
class SmokeRun:
    """One run against a stack.

    Attributes:
        stack: The stack.
        deployment: The access of an operator to the stack, as that of the command line.
        scim_url: The SCIM URL. By default it is the output of the stack.
        wait_s: How many seconds a check waits at most for an event, a link, a log line or a metric.
        run_id: The id of the run, and of its customer.
        started: When the run started, in seconds since 1970.
        tokens: The tokens of the customer, the current one last.
        queue_url: The URL of the temporary queue.
        users: The ids of the users by their role in the run.
        responses: The responses whose log lines and metrics are checked later, by their role in the run.
        events: The events that the temporary queue has received.
    """

    stack: Stack
    deployment: Deployment
    scim_url: str
    wait_s: float = DEFAULT_WAIT_S
    run_id: str = field(default_factory=create_run_id)
    started: float = field(default_factory=time.time)
    tokens: list[str] = field(default_factory=list, repr=False)
    queue_url: str = ""
    users: dict[str, str] = field(default_factory=dict)
    responses: dict[str, ScimResponse] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def client(self) -> ScimClient:
        """A client with the customer's current token, or with none."""
        return ScimClient(self.scim_url, self.tokens[-1] if self.tokens else None)

    @property
    def console_url(self) -> str:
        """The URL of the console, at the host of the SCIM URL."""
        parts = urlsplit(self.scim_url)
        return f"{parts.scheme}://{parts.netloc}/admin"

    @property
    def secret_name(self) -> str:
        """The name of the secret with the customer's tokens."""
        return self.stack.outputs["SecretPrefix"] + self.run_id

    def build_user_name(self, role: str) -> str:
        """Return a ``userName`` for a user of this run."""
        return f"{role}.{self.run_id}@example.com"

    def wait_for(self, what: str, probe: Callable[[], Value | None]) -> Value:
        """Call ``probe`` until it returns a value. Raise :class:`CheckFailed` if it does not in ``wait_s`` seconds."""
        deadline = time.monotonic() + self.wait_s
        while (value := probe()) is None:
            if time.monotonic() + _PAUSE_S > deadline:
                raise CheckFailed(f"{what} did not arrive within {self.wait_s:.0f} s.")
            time.sleep(_PAUSE_S)
        return value
