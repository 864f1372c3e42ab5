"""The SCIM URL and the token of the local run's tenant, in the files ``connection.json`` and ``token``."""

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
    """The values to enter in an identity provider."""

    scim_url: str
    token: str
    tenant: str

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Return the connection that an earlier run saved, if any; raise ``LocalRunError`` if the file is damaged."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise LocalRunError(f"{path} is damaged; delete it, then the next start creates a new token") from error

    def save(self, path: Path) -> None:
        """Write the file, and next to it the file ``token``, which contains only the token."""
        _write_private(path, json.dumps(asdict(self), indent=2))
        _write_private(path.with_name("token"), self.token)


def _write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable only for its owner."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(0o600)
    draft.write_text(f"{text}\n")
    draft.replace(path)


async def ensure_connection(path: Path, scim_url: str, gateway: Gateway, variables: Mapping[str, str]) -> Connection:
    """Return the connection of the last run if its token is still valid, else one with a new token; save it."""
    previous = Connection.load(path)
    is_valid = previous is not None and await _is_accepted(gateway, previous.token)
    token = previous.token if previous and is_valid else await _create_token(variables)
    connection = Connection(scim_url, token, TENANT)
    connection.save(path)
    return connection


async def _is_accepted(gateway: Gateway, token: str) -> bool:
    headers = (("host", "localhost"), ("authorization", f"Bearer {token}"))
    response = await gateway.respond(Request("GET", "/scim/v2/Users", "count=0", headers, b"", HOST))
    if response.status not in (200, 401):
        raise LocalRunError(f"the endpoint answers {response.status} to GET /Users: {response.body.decode()}")
    return response.status == 200


async def _create_token(variables: Mapping[str, str]) -> str:
    """Run :func:`main` in a process with the environment of the functions, which contains the settings."""
    command = [sys.executable, "-m", "local.connection"]
    process = await asyncio.create_subprocess_exec(*command, env=dict(variables), stdout=PIPE, stderr=PIPE)
    token, errors = await process.communicate()
    if process.returncode:
        raise LocalRunError(f"the tenant {TENANT} can't be connected: {errors.decode().strip().rpartition(chr(10))[2]}")
    return token.decode().strip()


def main() -> None:
    """Connect the tenant, or rotate its token if it is connected, and print the new token.

    A disconnected tenant is connected again, because the local run needs one.
    """
    from scim.service.tenants.errors import TenantExists
    from scim.settings import Settings
    from scim.wiring.operator_adapters import build_operator_adapters

    tenants = build_operator_adapters(Settings.from_environment(os.environ), "make run").build_administration().tenants
    try:
        issued = tenants.connect(TENANT)
    except TenantExists:
        issued = tenants.tokens.rotate(TENANT, grace_s=0)
    print(issued.token)
    tenants.tokens.mark_revealed(issued)


if __name__ == "__main__":
    main()
