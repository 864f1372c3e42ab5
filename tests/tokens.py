"""Tokens of the tests' master key."""

import time
from typing import Any

from scim.access import tokens
from scim.access.master_key import KeyPurpose, MasterKey

KEY = "the key of the tests, which nobody else has"
MASTER_KEY = f'{{"generation": 1, "starts": 0, "key": "{KEY}"}}'


class SecretOfTests:
    """Secrets Manager with nothing but the master key of the tests."""

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": MASTER_KEY}


def raise_fault(fault: Exception) -> None:
    """Fail the test that a fault is reported in."""
    raise fault


def master_key(secret: Any = None, now: Any = time.time) -> MasterKey:
    """Return the master key of the tests, or what another secret holds."""
    client: Any = secret or SecretOfTests()
    return MasterKey(client, "muster/master-key", now, raise_fault)


MASTER = master_key()


def new_token(tenant_id: str) -> str:
    """Return a new token of the stack of the tests."""
    return tokens.new(tenant_id, MASTER.signing_key(KeyPurpose.TOKEN))
