"""A tenant's token from the first connection to the last, on moto's Secrets Manager and table, under a fake clock.

Whether a token opens the tenant is what an authenticator says that remembers nothing. Each act is interrupted before
each of its calls, and done again.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from scim.auth import token_format
from scim.auth.authentication import Authenticator
from scim.auth.token_rotation import RotationFailed, TokenRotation
from scim.protocol.errors import Unauthorized, Unavailable
from scim.service.model.token import IssuedToken, TokenStage
from scim.service.tenants.errors import ConcurrentChange, PreviousTokenValid, UnknownTenant
from scim.service.tenants.tenant_service import TenantService
from scim.settings import Settings
from scim.wiring.operator_adapters import OperatorAdapters, build_operator_adapters
from tests.tokens import new_token, raise_fault

HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S
_numbers = itertools.count(1)


class Interrupted(Exception):
    """The process dies here."""


class Dying:
    """One of the ports, which dies instead of its call number ``calls``, counted over all that share the counter."""

    def __init__(self, port: Any, calls: Iterator[None]) -> None:
        self._port = port
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if next(self._calls, self) is self:
                raise Interrupted
            return method(*arguments, **named)

        return call


class Life:
    """One tenant. ``now`` is set by the tests; Secrets Manager's own time plays no part."""

    def __init__(self, operator: OperatorAdapters) -> None:
        self.id = f"life-{next(_numbers)}"
        self.now = 1_800_000_000.0
        self.operator = operator
        self.tenants = replace(operator.build_administration().tenants, now=lambda: self.now)
        self.rotation = TokenRotation(self.tenants, operator.token_store)

    def connect(self) -> IssuedToken:
        """Connects, and shows the token."""
        return self.show(self.tenants.connect(self.id))

    def show(self, issued: IssuedToken) -> IssuedToken:
        self.tenants.tokens.mark_revealed(issued)
        return issued

    def rotate(self, **given: Any) -> IssuedToken:
        return self.show(self.tenants.tokens.rotate(self.id, **given))

    def step(self, name: str, version: str) -> None:
        self.rotation.run_step(name, self.operator.settings.secret_prefix + self.id, version)

    def opens(self, *tokens: str) -> list[bool]:
        """Whether they open the tenant for somebody who has nothing cached."""
        return [self._opens(token) for token in tokens]

    def _opens(self, token: str) -> bool:
        authenticator = Authenticator(self.operator.token_store, lambda: self.now, raise_fault)
        try:
            authenticator.authenticate(f"Bearer {token}", self.operator.build_administration().tenant_store)
        except Unauthorized:
            return False
        return True

    def dying_after(self, calls: int) -> TenantService:
        """The use cases, which die after some calls."""
        left = iter([None] * calls)
        tenants = self.tenants
        return replace(
            tenants,
            tenant_store=Dying(tenants.tenant_store, left),
            token_store=Dying(tenants.token_store, left),
        )

    def acts(self) -> list[str]:
        found = boto3.client("dynamodb").query(
            TableName=self.operator.settings.table_name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :act)",
            ExpressionAttributeValues={":pk": {"S": f"A#{self.id}"}, ":act": {"S": "A#act#"}},
        )["Items"]
        return sorted(item["operation"]["S"] for item in found)


@pytest.fixture
def life(settings: Settings) -> Life:
    return Life(build_operator_adapters(settings, "tests"))


def interruptions(life: Life, act: Callable[[TenantService], Any]) -> Iterator[int]:
    """Does the act, interrupted before its first call, then before its second, until it comes through."""
    for calls in itertools.count():
        try:
            act(life.dying_after(calls))
        except Interrupted:
            yield calls
        else:
            assert calls > 1
            return


# Rotating


def test_grace_period(life: Life) -> None:
    old = life.connect()
    new = life.rotate()

    assert new.previous_expires == life.now + DAY_S
    assert life.opens(old.token, new.token) == [True, True]
    life.now += DAY_S - 1
    assert life.opens(old.token, new.token) == [True, True]
    life.now += 1
    assert life.opens(old.token, new.token) == [False, True]


def test_rotation_without_grace_revokes_previous_token(life: Life) -> None:
    old = life.connect()
    new = life.rotate(grace_s=0)

    assert new.previous_expires is None
    assert life.opens(old.token, new.token) == [False, True]
    assert life.operator.token_store.read_previous(life.id) is None


def test_rotation_without_grace_within_grace_period_revokes_both(life: Life) -> None:
    tokens = [life.connect(), life.rotate(), life.rotate(grace_s=0)]

    assert life.opens(*(each.token for each in tokens)) == [False, False, True]


def test_rotation_within_grace_period_needs_force(life: Life) -> None:
    old, new = life.connect(), life.rotate()

    with pytest.raises(PreviousTokenValid, match="is valid until"):
        life.rotate()
    assert life.opens(old.token, new.token) == [True, True]

    newest = life.rotate(is_forced=True)
    assert life.opens(old.token, new.token, newest.token) == [False, True, True]


def test_token_expires(life: Life) -> None:
    life.connect()
    new = life.rotate(lifetime_s=HOUR_S)

    assert (new.expires, life.opens(new.token)) == (life.now + HOUR_S, [True])
    life.now += HOUR_S
    assert life.opens(new.token) == [False]


def test_interrupted_rotation_can_be_repeated(life: Life) -> None:
    old, finished = life.connect(), []
    for _ in interruptions(life, lambda tenants: tenants.tokens.rotate(life.id)):
        assert life.opens(old.token) == [True]
        if current(life) != old.token:
            finished.append(life.now)
        life.now += HOUR_S

    new = life.rotate()  # the act that came through was never shown either

    assert new.previous_expires == finished[0] + DAY_S
    assert life.opens(old.token, new.token) == [True, True]
    assert life.acts().count("rotate") == 1


def test_grace_period_of_interrupted_rotation_starts_at_its_end(life: Life) -> None:
    old = life.connect()
    with pytest.raises(Interrupted):
        life.dying_after(5).tokens.rotate(life.id)  # decided, not promoted
    tenant = life.operator.build_administration().tenant_store.get(life.id)
    assert tenant is not None
    assert life.operator.token_store.read_stages(life.id)[TokenStage.PENDING] == tenant.token.version_id
    life.now += 2 * DAY_S

    new = life.rotate()

    assert new.previous_expires == life.now + DAY_S
    life.now += DAY_S - 1
    assert life.opens(old.token, new.token) == [True, True]


def test_interrupted_rotation_without_grace_can_be_repeated(life: Life) -> None:
    old = life.connect()
    for _ in interruptions(life, lambda tenants: tenants.tokens.rotate(life.id, grace_s=0)):
        pass

    new = life.rotate(grace_s=0)

    assert life.opens(old.token, new.token) == [False, True]


# Revoking and disconnecting


def test_revoke_then_rotate(life: Life) -> None:
    tokens = [life.connect(), life.rotate()]
    life.tenants.tokens.revoke(life.id)
    assert life.opens(*(each.token for each in tokens)) == [False, False]

    tokens += [life.rotate()]

    assert tokens[-1].previous_expires is None
    assert life.opens(*(each.token for each in tokens)) == [False, False, True]


def test_revoked_token_stays_revoked_after_rotations(life: Life) -> None:
    old = life.connect()
    life.tenants.tokens.revoke(life.id)
    first = life.rotate()
    second = life.rotate()

    assert life.opens(old.token, first.token, second.token) == [False, True, True]


def end_access(tenants: TenantService, action: str, tenant_id: str) -> None:
    if action == "revoke":
        tenants.tokens.revoke(tenant_id)
    else:
        tenants.disconnect(tenant_id)


@pytest.mark.parametrize("act", ["revoke", "disconnect"])
def test_interrupted_revocation_is_effective_once_recorded(life: Life, act: str) -> None:
    tokens = [life.connect().token, life.rotate().token]
    for _ in interruptions(life, lambda tenants: end_access(tenants, act, life.id)):
        assert life.opens(*tokens) == [act not in life.acts()] * 2

    end_access(life.tenants, act, life.id)

    assert life.opens(*tokens) == [False, False]
    assert life.acts().count(act) == 1


@pytest.mark.parametrize("calls", range(7))
def test_old_tokens_stay_invalid_while_tenant_is_reconnected(life: Life, calls: int) -> None:
    old = [life.connect().token, life.rotate().token]
    life.tenants.disconnect(life.id)

    with pytest.raises(Interrupted):
        life.dying_after(calls).connect(life.id)
    assert life.opens(*old) == [False, False]

    new = life.connect()
    assert life.opens(*old, new.token) == [False, False, True]


def test_reconnect_after_secret_is_deleted(life: Life) -> None:
    old = life.connect()
    life.tenants.disconnect(life.id)
    secret = life.operator.settings.secret_prefix + life.id
    boto3.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)

    new = life.connect()

    assert life.opens(old.token, new.token) == [False, True]


def test_disconnected_tenant_cannot_rotate(life: Life) -> None:
    life.connect()
    life.tenants.disconnect(life.id)

    with pytest.raises(UnknownTenant):
        life.rotate()


def test_rotation_does_not_restore_deleted_secret(life: Life) -> None:
    old = life.connect()
    life.operator.token_store.delete_secret(life.id)

    with pytest.raises(ConcurrentChange, match="connect it again"):
        life.rotate()

    assert life.opens(old.token) == [False]


def test_interrupted_connection_can_be_repeated(life: Life) -> None:
    for _ in interruptions(life, lambda tenants: tenants.connect(life.id)):
        pass

    new = life.connect()

    assert life.opens(new.token) == [True]
    assert life.acts() == ["connect", "show"]


# Secrets Manager's own rotation

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
VERSION, NEXT = "a" * 32, "b" * 32


def current(life: Life) -> str:
    found = life.operator.token_store.read_current(life.id)
    assert found is not None
    return found.token


def test_rotation_steps_can_be_repeated(life: Life) -> None:
    old = life.connect()
    for step in STEPS:
        life.step(step, VERSION)
        life.step(step, VERSION)
    new = current(life)
    life.step("finishSecret", VERSION)

    assert current(life) == new != old.token
    assert life.opens(old.token, new) == [True, True]
    assert life.acts().count("rotate") == 1


def test_pending_token_is_not_valid(life: Life) -> None:
    old = life.connect()
    for step in STEPS[:3]:
        life.step(step, VERSION)
    pending = life.operator.token_store.read(life.id, VERSION)

    assert pending is not None
    assert life.opens(old.token, pending.token) == [True, False]


def test_grace_period_starts_with_last_step(life: Life) -> None:
    old = life.connect()
    for step in STEPS[:3]:
        life.step(step, VERSION)
    life.now += 3 * DAY_S
    life.step("finishSecret", VERSION)

    life.now += DAY_S - 1
    assert life.opens(old.token) == [True]
    life.now += 1
    assert life.opens(old.token) == [False]


@pytest.mark.parametrize("step", STEPS)
def test_interrupted_step_can_be_repeated(life: Life, step: str) -> None:
    old = life.connect()
    for each in STEPS[: STEPS.index(step)]:
        life.step(each, VERSION)
    for calls in itertools.count():
        try:
            dying = TokenRotation(life.dying_after(calls), life.operator.token_store)
            dying.run_step(step, life.operator.settings.secret_prefix + life.id, VERSION)
        except Interrupted:
            assert life.opens(old.token) == [True]
        else:
            break
    for each in STEPS[STEPS.index(step) :]:
        life.step(each, VERSION)

    assert life.opens(old.token, current(life)) == [True, True]
    assert life.acts().count("rotate") == 1


def test_rotate_reveals_token_of_secrets_managers_rotation(life: Life) -> None:
    life.connect()
    for step in STEPS:
        life.step(step, VERSION)

    assert life.rotate().token == current(life)
    with pytest.raises(PreviousTokenValid):
        life.rotate()


def test_secrets_managers_rotation_keeps_lifetime(life: Life) -> None:
    life.show(life.tenants.connect(life.id, lifetime_s=90 * DAY_S))
    life.now += 60 * DAY_S
    for step in STEPS:
        life.step(step, VERSION)

    found = life.operator.token_store.read_current(life.id)
    assert found is not None
    assert found.expires == life.now + 90 * DAY_S


def test_secrets_managers_rotation_waits_for_grace_period(life: Life) -> None:
    life.connect()
    life.rotate()

    with pytest.raises(PreviousTokenValid):
        life.step("createSecret", VERSION)

    life.now += DAY_S
    life.step("createSecret", VERSION)


def test_revoke_cancels_pending_rotation(life: Life) -> None:
    life.connect()
    life.step("createSecret", VERSION)
    life.tenants.tokens.revoke(life.id)

    with pytest.raises(ConcurrentChange, match="revoked"):
        life.step("finishSecret", VERSION)

    assert TokenStage.PENDING not in life.operator.token_store.read_stages(life.id)
    for step in STEPS:
        life.step(step, NEXT)
    assert life.opens(current(life)) == [True]


@pytest.mark.parametrize("grace_s", [0, HOUR_S])
def test_overtaken_rotation_is_not_promoted(life: Life, grace_s: float) -> None:
    life.connect()
    for step in STEPS:
        life.step(step, VERSION)
    life.rotate()  # shows it
    new = life.rotate(grace_s=grace_s, is_forced=True)

    with pytest.raises(ConcurrentChange):
        life.step("finishSecret", VERSION)

    assert current(life) == new.token


@pytest.mark.parametrize("foreign", ["another tenant", "another key"])
def test_foreign_token_fails_test_step(life: Life, settings: Settings, foreign: str) -> None:
    token = new_token("other") if foreign == "another tenant" else token_format.create_token(life.id, b"another key")
    life.connect()
    boto3.client("secretsmanager").put_secret_value(
        SecretId=settings.secret_prefix + life.id,
        SecretString=json.dumps({"token": token}),
        ClientRequestToken=VERSION,
        VersionStages=["AWSPENDING"],
    )

    with pytest.raises((RotationFailed, Unavailable)):
        life.step("testSecret", VERSION)


def test_unknown_step_is_rejected(life: Life) -> None:
    life.connect()

    with pytest.raises(RotationFailed):
        life.step("deleteSecret", VERSION)
