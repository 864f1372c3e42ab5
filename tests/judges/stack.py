"""A deployed stack instead of a local run, if ``JUDGES_STACK`` names one."""

import os
from dataclasses import dataclass

from tests.judges.local_run import LocalRun

NAME = os.environ.get("JUDGES_STACK", "")


@dataclass(frozen=True)
class JudgedStack(LocalRun):
    """A stack in the account of the environment's credentials. The tests do not delete their tenants."""

    name: str = NAME

    @property
    def options(self) -> list[str]:
        """The options with which the command line finds the stack."""
        return [f"--stack={self.name}"]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this process, with its credentials and region."""
        return {**os.environ, "PYTHONPATH": "src:."}
