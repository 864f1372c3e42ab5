"""The life cycle of a tenant's token on moto's Secrets Manager and table, with a fake clock.

An authenticator without a cache checks whether a token is valid. Actions are interrupted before each of their calls
and then repeated.
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

pytestmark = pytest.mark.slow

HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S
_tenant_numbers = itertools.count(1)


class Interrupted(Exception):
    """The process ends during an action."""


class InterruptedPort:
    """A port that raises Interrupted when ``calls`` is exhausted. Several ports may share this counter."""

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


class TenantUnderTest:
    """A tenant, with a fake clock. The time of Secrets Manager has no effect."""

    def __init__(self, operator: OperatorAdapters) -> None:
        self.id = f"life-{next(_tenant_numbers)}"
        self.now = 1_800_000_000.0
        self.operator = operator
        self.service = replace(operator.build_administration().tenants, now=lambda: self.now)
        self.rotation = TokenRotation(self.service, operator.token_store)

    def connect(self) -> IssuedToken:
        """Connect the tenant and reveal the token."""
        return self.reveal(self.service.connect(self.id))

    def reveal(self, issued: IssuedToken) -> IssuedToken:
        self.service.tokens.mark_revealed(issued)
        return issued

    def rotate(self, **arguments: Any) -> IssuedToken:
        return self.reveal(self.service.tokens.rotate(self.id, **arguments))

    def step(self, name: str, version: str) -> None:
        self.rotation.run_step(name, self.operator.settings.secret_prefix + self.id, version)

    def are_valid(self, *tokens: str) -> list[bool]:
        """Return which of the tokens are valid for an authenticator without a cache."""
        return [self._is_valid(token) for token in tokens]

    def _is_valid(self, token: str) -> bool:
        authenticator = Authenticator(self.operator.token_store, lambda: self.now, raise_fault)
        try:
            authenticator.authenticate(f"Bearer {token}", self.operator.build_administration().tenant_store)
        except Unauthorized:
            return False
        return True

    def interrupt_after(self, calls: int) -> TenantService:
        """Return the use cases, which are interrupted after a number of calls."""
        left = iter([None] * calls)
        return replace(
            self.service,
            tenant_store=InterruptedPort(self.service.tenant_store, left),
            token_store=InterruptedPort(self.service.token_store, left),
        )

    def list_actions(self) -> list[str]:
        items = boto3.client("dynamodb").query(
            TableName=self.operator.settings.table_name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :act)",
            ExpressionAttributeValues={":pk": {"S": f"A#{self.id}"}, ":act": {"S": "A#act#"}},
        )["Items"]
        return sorted(item["operation"]["S"] for item in items)


@pytest.fixture
def tenant(settings: Settings) -> TenantUnderTest:
    return TenantUnderTest(build_operator_adapters(settings, "tests"))


def interrupt_each_call(tenant: TenantUnderTest, run: Callable[[TenantService], Any]) -> Iterator[int]:
    """Run an action, interrupted before its first call, then before its second, until it succeeds."""
    for calls in itertools.count():
        try:
            run(tenant.interrupt_after(calls))
        except Interrupted:
            yield calls
        else:
            assert calls > 1
            return


class TestRotation:
    def test_grace_period(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        new = tenant.rotate()

        assert new.previous_expires == tenant.now + DAY_S
        assert tenant.are_valid(old.token, new.token) == [True, True]
        tenant.now += DAY_S - 1
        assert tenant.are_valid(old.token, new.token) == [True, True]
        tenant.now += 1
        assert tenant.are_valid(old.token, new.token) == [False, True]

    def test_rotation_without_grace_revokes_previous_token(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        new = tenant.rotate(grace_s=0)

        assert new.previous_expires is None
        assert tenant.are_valid(old.token, new.token) == [False, True]
        assert tenant.operator.token_store.read_previous(tenant.id) is None

    def test_rotation_without_grace_within_grace_period_revokes_both(self, tenant: TenantUnderTest) -> None:
        tokens = [tenant.connect(), tenant.rotate(), tenant.rotate(grace_s=0)]

        assert tenant.are_valid(*(issued.token for issued in tokens)) == [False, False, True]

    def test_rotation_within_grace_period_needs_force(self, tenant: TenantUnderTest) -> None:
        old, new = tenant.connect(), tenant.rotate()

        with pytest.raises(PreviousTokenValid, match="is still valid until"):
            tenant.rotate()
        assert tenant.are_valid(old.token, new.token) == [True, True]

        newest = tenant.rotate(is_forced=True)
        assert tenant.are_valid(old.token, new.token, newest.token) == [False, True, True]

    def test_token_expires(self, tenant: TenantUnderTest) -> None:
        tenant.connect()
        new = tenant.rotate(lifetime_s=HOUR_S)

        assert (new.expires, tenant.are_valid(new.token)) == (tenant.now + HOUR_S, [True])
        tenant.now += HOUR_S
        assert tenant.are_valid(new.token) == [False]

    def test_interrupted_rotation_can_be_repeated(self, tenant: TenantUnderTest) -> None:
        old, finished = tenant.connect(), []
        for _ in interrupt_each_call(tenant, lambda service: service.tokens.rotate(tenant.id)):
            assert tenant.are_valid(old.token) == [True]
            if read_current_token(tenant) != old.token:
                finished.append(tenant.now)
            tenant.now += HOUR_S

        new = tenant.rotate()  # the token of the successful rotation was not revealed either

        assert new.previous_expires == finished[0] + DAY_S
        assert tenant.are_valid(old.token, new.token) == [True, True]
        assert tenant.list_actions().count("rotate") == 1

    def test_grace_period_of_interrupted_rotation_starts_at_its_end(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        with pytest.raises(Interrupted):
            tenant.interrupt_after(5).tokens.rotate(tenant.id)  # recorded, not promoted
        stored = tenant.operator.build_administration().tenant_store.get(tenant.id)
        assert stored is not None
        assert tenant.operator.token_store.read_stages(tenant.id)[TokenStage.PENDING] == stored.token.version_id
        tenant.now += 2 * DAY_S

        new = tenant.rotate()

        assert new.previous_expires == tenant.now + DAY_S
        tenant.now += DAY_S - 1
        assert tenant.are_valid(old.token, new.token) == [True, True]

    def test_interrupted_rotation_without_grace_can_be_repeated(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        for _ in interrupt_each_call(tenant, lambda service: service.tokens.rotate(tenant.id, grace_s=0)):
            pass

        new = tenant.rotate(grace_s=0)

        assert tenant.are_valid(old.token, new.token) == [False, True]


def end_access(service: TenantService, action: str, tenant_id: str) -> None:
    if action == "revoke":
        service.tokens.revoke(tenant_id)
    else:
        service.disconnect(tenant_id)


class TestRevocationAndDisconnection:
    def test_revoke_then_rotate(self, tenant: TenantUnderTest) -> None:
        tokens = [tenant.connect(), tenant.rotate()]
        tenant.service.tokens.revoke(tenant.id)
        assert tenant.are_valid(*(issued.token for issued in tokens)) == [False, False]

        tokens += [tenant.rotate()]

        assert tokens[-1].previous_expires is None
        assert tenant.are_valid(*(issued.token for issued in tokens)) == [False, False, True]

    def test_revoked_token_stays_revoked_after_rotations(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        tenant.service.tokens.revoke(tenant.id)
        first = tenant.rotate()
        second = tenant.rotate()

        assert tenant.are_valid(old.token, first.token, second.token) == [False, True, True]

    @pytest.mark.parametrize("action", ["revoke", "disconnect"])
    def test_interrupted_revocation_is_effective_once_recorded(self, tenant: TenantUnderTest, action: str) -> None:
        tokens = [tenant.connect().token, tenant.rotate().token]
        for _ in interrupt_each_call(tenant, lambda service: end_access(service, action, tenant.id)):
            assert tenant.are_valid(*tokens) == [action not in tenant.list_actions()] * 2

        end_access(tenant.service, action, tenant.id)

        assert tenant.are_valid(*tokens) == [False, False]
        assert tenant.list_actions().count(action) == 1

    @pytest.mark.parametrize("calls", range(7))
    def test_old_tokens_stay_invalid_while_tenant_is_reconnected(self, tenant: TenantUnderTest, calls: int) -> None:
        old = [tenant.connect().token, tenant.rotate().token]
        tenant.service.disconnect(tenant.id)

        with pytest.raises(Interrupted):
            tenant.interrupt_after(calls).connect(tenant.id)
        assert tenant.are_valid(*old) == [False, False]

        new = tenant.connect()
        assert tenant.are_valid(*old, new.token) == [False, False, True]

    def test_reconnect_after_secret_is_deleted(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        tenant.service.disconnect(tenant.id)
        secret = tenant.operator.settings.secret_prefix + tenant.id
        boto3.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)

        new = tenant.connect()

        assert tenant.are_valid(old.token, new.token) == [False, True]

    def test_disconnected_tenant_cannot_rotate(self, tenant: TenantUnderTest) -> None:
        tenant.connect()
        tenant.service.disconnect(tenant.id)

        with pytest.raises(UnknownTenant):
            tenant.rotate()

    def test_rotation_does_not_restore_deleted_secret(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        tenant.operator.token_store.delete_secret(tenant.id)

        with pytest.raises(ConcurrentChange, match="connect it again"):
            tenant.rotate()

        assert tenant.are_valid(old.token) == [False]

    def test_interrupted_connection_can_be_repeated(self, tenant: TenantUnderTest) -> None:
        for _ in interrupt_each_call(tenant, lambda service: service.connect(tenant.id)):
            pass

        new = tenant.connect()

        assert tenant.are_valid(new.token) == [True]
        assert tenant.list_actions() == ["connect", "show"]


STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
VERSION, NEXT = "a" * 32, "b" * 32


def read_current_token(tenant: TenantUnderTest) -> str:
    version = tenant.operator.token_store.read_current(tenant.id)
    assert version is not None
    return version.token


class TestSecretsManagerRotation:
    def test_rotation_steps_can_be_repeated(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        for step in STEPS:
            tenant.step(step, VERSION)
            tenant.step(step, VERSION)
        new = read_current_token(tenant)
        tenant.step("finishSecret", VERSION)

        assert read_current_token(tenant) == new != old.token
        assert tenant.are_valid(old.token, new) == [True, True]
        assert tenant.list_actions().count("rotate") == 1

    def test_pending_token_is_not_valid(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        for step in STEPS[:3]:
            tenant.step(step, VERSION)
        pending = tenant.operator.token_store.read(tenant.id, VERSION)

        assert pending is not None
        assert tenant.are_valid(old.token, pending.token) == [True, False]

    def test_grace_period_starts_with_last_step(self, tenant: TenantUnderTest) -> None:
        old = tenant.connect()
        for step in STEPS[:3]:
            tenant.step(step, VERSION)
        tenant.now += 3 * DAY_S
        tenant.step("finishSecret", VERSION)

        tenant.now += DAY_S - 1
        assert tenant.are_valid(old.token) == [True]
        tenant.now += 1
        assert tenant.are_valid(old.token) == [False]

    @pytest.mark.parametrize("step", STEPS)
    def test_interrupted_step_can_be_repeated(self, tenant: TenantUnderTest, step: str) -> None:
        old = tenant.connect()
        for other in STEPS[: STEPS.index(step)]:
            tenant.step(other, VERSION)
        for calls in itertools.count():
            try:
                interrupted = TokenRotation(tenant.interrupt_after(calls), tenant.operator.token_store)
                interrupted.run_step(step, tenant.operator.settings.secret_prefix + tenant.id, VERSION)
            except Interrupted:
                assert tenant.are_valid(old.token) == [True]
            else:
                break
        for other in STEPS[STEPS.index(step) :]:
            tenant.step(other, VERSION)

        assert tenant.are_valid(old.token, read_current_token(tenant)) == [True, True]
        assert tenant.list_actions().count("rotate") == 1

    def test_rotate_reveals_token_of_secrets_managers_rotation(self, tenant: TenantUnderTest) -> None:
        tenant.connect()
        for step in STEPS:
            tenant.step(step, VERSION)

        assert tenant.rotate().token == read_current_token(tenant)
        with pytest.raises(PreviousTokenValid):
            tenant.rotate()

    def test_secrets_managers_rotation_keeps_lifetime(self, tenant: TenantUnderTest) -> None:
        tenant.reveal(tenant.service.connect(tenant.id, lifetime_s=90 * DAY_S))
        tenant.now += 60 * DAY_S
        for step in STEPS:
            tenant.step(step, VERSION)

        version = tenant.operator.token_store.read_current(tenant.id)
        assert version is not None
        assert version.expires == tenant.now + 90 * DAY_S

    def test_secrets_managers_rotation_waits_for_grace_period(self, tenant: TenantUnderTest) -> None:
        tenant.connect()
        tenant.rotate()

        with pytest.raises(PreviousTokenValid):
            tenant.step("createSecret", VERSION)

        tenant.now += DAY_S
        tenant.step("createSecret", VERSION)

    def test_revoke_cancels_pending_rotation(self, tenant: TenantUnderTest) -> None:
        tenant.connect()
        tenant.step("createSecret", VERSION)
        tenant.service.tokens.revoke(tenant.id)

        with pytest.raises(ConcurrentChange, match="revoked"):
            tenant.step("finishSecret", VERSION)

        assert TokenStage.PENDING not in tenant.operator.token_store.read_stages(tenant.id)
        for step in STEPS:
            tenant.step(step, NEXT)
        assert tenant.are_valid(read_current_token(tenant)) == [True]

    @pytest.mark.parametrize("grace_s", [0, HOUR_S])
    def test_overtaken_rotation_is_not_promoted(self, tenant: TenantUnderTest, grace_s: float) -> None:
        tenant.connect()
        for step in STEPS:
            tenant.step(step, VERSION)
        tenant.rotate()  # reveals it
        new = tenant.rotate(grace_s=grace_s, is_forced=True)

        with pytest.raises(ConcurrentChange):
            tenant.step("finishSecret", VERSION)

        assert read_current_token(tenant) == new.token

    @pytest.mark.parametrize("foreign", ["another tenant", "another key"])
    def test_foreign_token_fails_test_step(self, tenant: TenantUnderTest, settings: Settings, foreign: str) -> None:
        token = (
            new_token("other") if foreign == "another tenant" else token_format.create_token(tenant.id, b"another key")
        )
        tenant.connect()
        boto3.client("secretsmanager").put_secret_value(
            SecretId=settings.secret_prefix + tenant.id,
            SecretString=json.dumps({"token": token}),
            ClientRequestToken=VERSION,
            VersionStages=["AWSPENDING"],
        )

        with pytest.raises((RotationFailed, Unavailable)):
            tenant.step("testSecret", VERSION)

    def test_unknown_step_is_rejected(self, tenant: TenantUnderTest) -> None:
        tenant.connect()

        with pytest.raises(RotationFailed):
            tenant.step("deleteSecret", VERSION)
