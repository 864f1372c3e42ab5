"""The local tenant and what a client needs to reach it: ``connection.json``."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from local.api_gateway.app import Gateway
from local.api_gateway.event import Request
from local.constants import HOST
from local.errors import LocalRunError

TENANT = "acme"


@dataclass(frozen=True)
class Connection:
    """What goes into an identity provider."""

    scim_url: str
    token: str
    tenant: str

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What an earlier run wrote, if one did; a ``LocalRunError`` if it is something else."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise LocalRunError(f"{path} is damaged; delete it, and the next start makes a new token") from error

    def save(self, path: Path) -> None:
        """Writes all of it or nothing, for its owner's eyes only."""
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        draft.touch(0o600)
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(path)


async def ensure_connection(path: Path, scim_url: str, gateway: Gateway, variables: Mapping[str, str]) -> Connection:
    """The connection of the last run if its token still opens the endpoint, else one with a new token."""
    last = Connection.load(path)
    token = last.token if last and await _is_accepted(gateway, last.token) else await _create_token(variables)
    connection = Connection(scim_url, token, TENANT)
    connection.save(path)
    return connection


async def _is_accepted(gateway: Gateway, token: str) -> bool:
    headers = (("host", "localhost"), ("authorization", f"Bearer {token}"))
    response = await gateway.answer(Request("GET", "/scim/v2/Users", "count=0", headers, b"", HOST))
    if response.status not in (200, 401):
        raise LocalRunError(f"the endpoint answers {response.status} to GET /Users: {response.body.decode()}")
    return response.status == 200


async def _create_token(variables: Mapping[str, str]) -> str:
    """Runs this module's main function with the environment of the functions, which is where the settings come from."""
    command = [sys.executable, "-m", "local.connection"]
    process = await asyncio.create_subprocess_exec(*command, env=dict(variables), stdout=PIPE, stderr=PIPE)
    token, errors = await process.communicate()
    if process.returncode:
        raise LocalRunError(f"the tenant {TENANT} can't be connected: {errors.decode().strip().rpartition(chr(10))[2]}")
    return token.decode().strip()


def main() -> None:
    """Print the token of the tenant: its first, or a new one if it was connected and its token is lost.

    A tenant that was disconnected is connected again: the local run has no use without one.
    """
    from scim import wiring
    from scim.service.tenants.tenants import TenantExists
    from scim.settings import Settings

    tenants = wiring.build_operator(Settings.from_environment(os.environ), "make run").tenants()
    try:
        issued = tenants.connect(TENANT)
    except TenantExists:
        issued = tenants.rotate(TENANT, grace_s=0)
    print(issued.token)
    tenants.mark_revealed(issued)


if __name__ == "__main__":
    main()
