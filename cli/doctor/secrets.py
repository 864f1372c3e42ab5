"""Check the master key and the secrets of tenants, and the permissions to read them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from time import time

from cli.aws_session import build_client_factory
from cli.doctor.findings import Finding, Level
from cli.doctor.table import try_permissions
from cli.doctor.target import Target
from scim.auth.errors import MalformedSecret
from scim.auth.master_key.key_ring import parse_key_ring
from scim.aws.errors import ErrorResponse
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters

_MAX_TENANTS = 20
_NOT_FOUND = "ResourceNotFoundException"


def check_master_key(target: Target) -> Iterator[Finding]:
    """Check that the master key can be read, and which generation signs."""
    client, name = target.create_client("secretsmanager"), target.outputs["MasterKeySecret"]
    try:
        value = client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["SecretString"]
        ring = parse_key_ring(value, name)
    except ErrorResponse as error:
        if error.code != _NOT_FOUND:
            raise
        detail = f"The secret {name} does not exist: no token can be verified."
        yield Finding("master key", Level.FAULT, detail, "Restore the secret (docs/operate/existing-data.md).")
    except MalformedSecret as error:
        yield Finding("master key", Level.FAULT, str(error), "Restore an earlier version of the secret.")
    else:
        number = ring.find_signing_generation(time()).number
        yield Finding("master key", Level.OK, f"generation {number} of {len(ring.generations)} signs")


def check_tenant_secrets(target: Target) -> Iterator[Finding]:
    """Check that the secrets of connected tenants exist, and that they can be read. Check at most 20 tenants."""
    settings = Settings.from_environment(
        {
            "TABLE_NAME": target.table_name,
            "SECRET_PREFIX": target.outputs["SecretPrefix"],
            "MASTER_KEY_SECRET": target.outputs["MasterKeySecret"],
        }
    )
    operator = build_operator_adapters(
        settings, "muster doctor", build_client_factory(target.session, target.endpoints)
    )
    store = operator.build_administration().tenant_store
    ids = list(islice(store.list_ids(), _MAX_TENANTS))
    tenants = [tenant.id for tenant in map(store.get, ids) if tenant is not None and tenant.is_connected]
    if not tenants:
        yield Finding("secrets of tenants", Level.OK, "no tenant is connected. To connect one: muster connect TENANT")
        return
    client, prefix = target.create_client("secretsmanager"), target.outputs["SecretPrefix"]
    missing = []
    for tenant_id in tenants:
        try:
            secret = client.describe_secret(SecretId=prefix + tenant_id)
        except ErrorResponse as error:
            if error.code != _NOT_FOUND:
                raise
            missing.append(tenant_id)
        else:
            if "DeletedDate" in secret:
                missing.append(tenant_id)
    for tenant_id in missing:
        detail = f"The secret of the connected tenant {tenant_id} is deleted: all its requests are rejected."
        next_step = f"muster disconnect {tenant_id}, then muster connect {tenant_id}, and enter the new token."
        yield Finding("secrets of tenants", Level.FAULT, detail, next_step)
    readable = [tenant_id for tenant_id in tenants if tenant_id not in missing]
    if not missing:
        yield Finding("secrets of tenants", Level.OK, f"{len(tenants)} of {len(tenants)} connected tenants")
    if readable:
        name = prefix + readable[0]
        reads = {
            "secretsmanager:GetSecretValue": lambda: client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")
        }
        yield from try_permissions("permission to read tokens", reads)
