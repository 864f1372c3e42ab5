"""``python -m bench.tenants``: measure the memory of the tenant cache in an execution environment."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from typing import Any

from bench.environment import ROOT
from scim.auth import token_format
from scim.auth.authentication import Authenticator
from scim.auth.master_key.key_ring import KeyPurpose, create_first_value
from scim.auth.master_key.master_key import MasterKey
from scim.auth.token_store import SecretsManagerTokenStore
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenVersion

EXTENSION = json.loads((ROOT / "examples/extensions/employee.json").read_text())
_MB = 1_000_000


class _Secrets(SecretsManagerTokenStore):
    """A token store that has one token for each tenant."""

    def __init__(self) -> None:
        secret: Any = self
        self._secret = create_first_value()
        super().__init__(secret, "", MasterKey(secret, "", time.time, print))
        self.key = self._master_key.get_signing_key(KeyPurpose.TOKEN)
        self.tokens: dict[str, str] = {}

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": self._secret}

    def read_current(self, tenant_id: str) -> TokenVersion | None:
        return TokenVersion("0" * 36, self.tokens[tenant_id], None, 0.0, 0.0)


class _Settings:
    """A tenant reader whose tenants all have the same custom schemas."""

    def __init__(self, extensions: Sequence[Mapping[str, Any]]) -> None:
        self._stored = json.dumps(extensions)

    def get(self, tenant_id: str) -> Tenant | None:
        return Tenant(tenant_id, custom_schemas=json.loads(self._stored))


def measure(number: int, extensions: Sequence[Mapping[str, Any]]) -> int:
    """Return the bytes that the authenticator caches after one request from each of ``number`` tenants."""
    secrets, settings = _Secrets(), _Settings(extensions)
    authenticator = Authenticator(secrets, time.time, print)
    names = [f"customer-{tenant_number:06}" for tenant_number in range(number)]
    secrets.tokens = {name: token_format.create_token(name, secrets.key) for name in names}
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for name in names:
        authentication = authenticator.authenticate(f"Bearer {secrets.tokens[name]}", settings)
        _ = authentication.tenant.resource_types  # cached when the request is served
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


def _build_schema(attributes: int) -> dict[str, Any]:
    """Return a schema document with this number of attributes."""
    described = [{"name": f"a{index}", "type": "string", "multiValued": False} for index in range(attributes)]
    return {"id": "urn:example:2.0:User", "name": "Example", "attributes": described}


def main() -> None:
    for words, extensions in (("no custom schema", []), ("the example schema", [EXTENSION])):
        for number in (1_000, 10_000):
            print(f"{number:>6} tenants, {words}: {measure(number, extensions) / _MB:.1f} MB")
    print(f"a tenant with 100 custom attributes: {measure(20, [_build_schema(100)]) / 20 / 1_000:.0f} KB")


if __name__ == "__main__":
    main()
