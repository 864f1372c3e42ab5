"""A revoked token stays invalid when the table is restored from a backup, whose settings do not know the revocation.

Each case takes the items of the tenant, ends a token, and puts the items back. The secrets are those of the present.
"""

import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import boto3
import pytest

from scim.auth.token_rotation import RotationFailed
from scim.service.model.token import IssuedToken
from scim.service.tenants.errors import TenantError
from tests.auth.test_token_life_cycle import DAY_S, TenantUnderTest, tenant

__all__ = ["tenant"]  # the fixture

pytestmark = pytest.mark.slow

VERSION = "5f0c29e2-7f76-453a-919d-413861904646"


@pytest.fixture(autouse=True)
def creation_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Create each version of a secret in another second, because Moto knows no shorter times."""
    seconds = itertools.count(int(time.time()))
    monkeypatch.setattr("moto.secretsmanager.models.time", SimpleNamespace(time=lambda: next(seconds)))


def restore(tenant: TenantUnderTest, backup: list[dict[str, object]]) -> None:
    """Replace the settings and audit events by those of a backup."""
    table = boto3.resource("dynamodb").Table(tenant.operator.settings.table_name)
    with table.batch_writer() as batch:
        for item in read_items(tenant):
            batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    with table.batch_writer() as batch:
        for item in backup:
            batch.put_item(Item=item)


def read_items(tenant: TenantUnderTest) -> list[dict[str, object]]:
    table = boto3.resource("dynamodb").Table(tenant.operator.settings.table_name)
    items: list[dict[str, object]] = table.query(
        KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": f"A#{tenant.id}"}
    )["Items"]
    return items


def rotate_without_grace(tenant: TenantUnderTest) -> None:
    tenant.rotate(grace_s=0.0)


def end_grace_period_early(tenant: TenantUnderTest) -> None:
    tenant.rotate()
    tenant.rotate(is_forced=True)


def let_grace_period_end(tenant: TenantUnderTest) -> None:
    tenant.rotate()
    tenant.now += 2 * DAY_S


def revoke(tenant: TenantUnderTest) -> None:
    tenant.service.tokens.revoke(tenant.id)


def revoke_during_grace_period(tenant: TenantUnderTest) -> None:
    tenant.rotate()
    revoke(tenant)


def revoke_twice(tenant: TenantUnderTest) -> None:
    revoke(tenant)
    revoke(tenant)


def revoke_during_rotation(tenant: TenantUnderTest) -> None:
    tenant.step("createSecret", VERSION)
    revoke(tenant)


def disconnect(tenant: TenantUnderTest) -> None:
    tenant.service.disconnect(tenant.id)


def disconnect_and_connect(tenant: TenantUnderTest) -> None:
    disconnect(tenant)
    tenant.connect()


def revoke_and_rotate(tenant: TenantUnderTest) -> None:
    revoke(tenant)
    tenant.rotate()


def expire(tenant: TenantUnderTest) -> None:
    tenant.now += 91 * DAY_S


WAYS = [
    rotate_without_grace,
    end_grace_period_early,
    let_grace_period_end,
    revoke,
    revoke_during_grace_period,
    revoke_twice,
    revoke_during_rotation,
    disconnect,
    disconnect_and_connect,
    revoke_and_rotate,
    expire,
]


def nothing(tenant: TenantUnderTest) -> None:
    """Use the restored table as it is."""


def rotate_once_and_again(tenant: TenantUnderTest) -> None:
    for _ in range(2):
        with suppress(TenantError):
            tenant.rotate(is_forced=True)


def connect_again(tenant: TenantUnderTest) -> None:
    with suppress(TenantError):
        tenant.service.connect(tenant.id)


def run_steps_of_rotation(tenant: TenantUnderTest) -> None:
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        with suppress(TenantError, RotationFailed):
            tenant.step(step, VERSION)


ACTS = [rotate_once_and_again, connect_again, disconnect_and_connect, revoke, run_steps_of_rotation]
CASES = [
    *((end, nothing, is_revealed) for end in WAYS for is_revealed in (True, False)),
    *((end, act, False) for end in (rotate_without_grace, revoke_during_grace_period, disconnect) for act in ACTS),
]


@pytest.mark.parametrize(
    ("end", "act", "is_revealed"),
    CASES,
    ids=[f"{end.__name__}-{act.__name__}-{'revealed' if shown else 'hidden'}" for end, act, shown in CASES],
)
def test_ended_token_stays_invalid(
    tenant: TenantUnderTest,
    end: Callable[[TenantUnderTest], None],
    act: Callable[[TenantUnderTest], None],
    is_revealed: bool,
) -> None:
    """The backup is of a time when the token was valid, before or after it was revealed."""
    issued: IssuedToken = tenant.service.connect(tenant.id, lifetime_s=90 * DAY_S)
    hidden_backup = read_items(tenant)
    tenant.reveal(issued)
    backup = read_items(tenant) if is_revealed else hidden_backup
    end(tenant)
    assert tenant.are_valid(issued.token) == [False]

    restore(tenant, backup)
    act(tenant)

    assert tenant.are_valid(issued.token) == [False]


@pytest.mark.parametrize("end", [revoke, disconnect_and_connect, rotate_without_grace], ids=lambda end: end.__name__)
def test_restored_tenant_gets_a_valid_token(tenant: TenantUnderTest, end: Callable[[TenantUnderTest], None]) -> None:
    tenant.connect()
    backup = read_items(tenant)
    end(tenant)
    restore(tenant, backup)
    assert tenant.are_valid(tenant.rotate(is_forced=True).token) == [True]


def test_disconnected_tenant_is_restored_without_a_token(tenant: TenantUnderTest) -> None:
    """Its secret waits for its deletion, so it must be disconnected again before it can be connected."""
    tenant.connect()
    backup = read_items(tenant)
    disconnect(tenant)
    restore(tenant, backup)
    disconnect(tenant)
    assert tenant.are_valid(tenant.connect().token) == [True]
