"""Who is let in, how long what is known of a tenant is relied on, and what those cost who only try."""

from collections.abc import Callable
from dataclasses import replace
from hmac import compare_digest
from typing import Any
from zlib import crc32

import pytest

from scim.auth import authentication, tenant_cache, token_format
from scim.auth.authentication import MAX_CACHE_AGE_S, Authenticator, MalformedToken
from scim.auth.errors import MalformedSecret
from scim.auth.token_store import SecretsManagerTokenStore
from scim.protocol.errors import ScimError, TooManyRequests, Unauthorized, Unavailable
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenState, TokenVersion
from tests.service.fakes import MemoryTenants
from tests.tokens import MASTER, new_token

LOOKUPS = 3
WINDOW_S = 10


class Secrets(SecretsManagerTokenStore):
    """The tokens of tenants, the latest being the current one; counts how often it is asked."""

    def __init__(self) -> None:
        self._master_key = MASTER
        self.versions: dict[str, list[TokenVersion]] = {}
        self.silent = False
        self.asked = 0

    def read_current(self, tenant_id: str) -> TokenVersion | None:
        self.asked += 1
        if self.silent:
            raise Unavailable("Not now.")
        return next(reversed(self.versions.get(tenant_id, ())), None)

    def read_previous(self, tenant_id: str) -> TokenVersion | None:
        return next(iter(self.versions[tenant_id][-2:-1]), None)


class Unread(MemoryTenants):
    """Settings that must not be read."""

    def get(self, tenant_id: str) -> Tenant | None:
        raise AssertionError(tenant_id)


class Door:
    """The authenticator with a clock that stands still and tenants that can be let in and locked out."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.secrets = Secrets()
        self.settings = MemoryTenants()
        self.faults: list[Exception] = []
        self.authenticator = Authenticator(self.secrets, lambda: self.now, self.faults.append)

    def give(self, tenant_id: str = "acme", until: float | None = None, grace_s: float = 3_600) -> str:
        """A further token for a tenant, beside which the one before is valid for an hour."""
        token = new_token(tenant_id)
        self.settings.tenants.setdefault(tenant_id, Tenant(tenant_id))
        versions = self.secrets.versions.setdefault(tenant_id, [])
        versions.append(TokenVersion(f"version {len(versions)}", token, until, grace_s, self.now))
        return token

    def decide(self, tenant_id: str = "acme", **state: Any) -> None:
        """What the settings know of the token."""
        tenant = self.settings.tenants[tenant_id]
        self.settings.tenants[tenant_id] = replace(tenant, token=TokenState(**state))

    def knock(self, token: str) -> int:
        """The status that a request with the token is answered with."""
        try:
            self.authenticator.authenticate(f"Bearer {token}", self.settings)
        except ScimError as error:
            return error.status
        return 200


@pytest.fixture
def door() -> Door:
    return Door()


# Who is let in


def test_valid_token(door: Door) -> None:
    door.give("other")
    token = door.give("acme")

    assert door.authenticator.authenticate(f"Bearer {token}", door.settings).tenant == Tenant("acme")


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "  Bearer {}  "])
def test_scheme_is_case_insensitive(door: Door, form: str) -> None:
    token = door.give()

    assert door.authenticator.authenticate(form.format(token), door.settings).tenant == Tenant("acme")


def test_current_and_previous_token(door: Door) -> None:
    current, previous = door.give(), door.give(until=door.now + 3_600)

    assert [door.knock(current), door.knock(previous)] == [200, 200]


def settings_deleted(door: Door) -> str:
    token = door.give()
    door.settings.tenants.clear()
    return f"Bearer {token}"


def secret_deleted(door: Door) -> str:
    token = door.give()
    door.secrets.versions.clear()
    return f"Bearer {token}"


def with_crc(tenant: str) -> str:
    """A token as anybody can make it whose checksum has no key."""
    body = f"muster_{tenant}_{'A' * 43}"
    return f"{body}_{crc32(body.encode()):08x}"


FORGED = ["wrong checksum", "forged checksum", "only a CRC-32", "in quotes", "twice Bearer", "cut off"]
LOCKED_OUT: dict[str, Callable[[Door], str | None]] = {
    "no header": lambda _: None,
    "empty header": lambda _: "",
    "no scheme": lambda door: door.give(),
    "another scheme": lambda door: f"Basic {door.give()}",
    "no token": lambda _: "Bearer",
    "no token of ours": lambda _: "Bearer 0123456789",
    "two tokens": lambda door: f"Bearer {door.give()} {door.give()}",
    "wrong checksum": lambda door: f"Bearer {door.give()[:-8]}00000000",
    "forged checksum": lambda door: f"Bearer {token_format.create_token(door.give().split('_')[1], b'another key')}",
    "only a CRC-32": lambda _: f"Bearer {with_crc('acme')}",
    "in quotes": lambda door: f'Bearer "{door.give()}"',
    "twice Bearer": lambda door: f"Bearer Bearer {door.give()}",
    "cut off": lambda door: f"Bearer {door.give()[:60]}",
    "wrong token": lambda door: f"Bearer {door.give() and new_token('acme')}",
    "expired token": lambda door: f"Bearer {door.give(until=door.now)}",
    "unknown tenant": lambda _: f"Bearer {new_token('nobody')}",
    "deleted settings": settings_deleted,
    "deleted secret": secret_deleted,
}


@pytest.mark.parametrize("reason", LOCKED_OUT)
def test_invalid_tokens_get_equal_401(door: Door, reason: str) -> None:
    authorization = LOCKED_OUT[reason](door)

    with pytest.raises(Unauthorized) as refused:
        door.authenticator.authenticate(authorization, door.settings)
    with pytest.raises(Unauthorized) as without_header:
        door.authenticator.authenticate(None, door.settings)

    assert refused.value.to_message() == without_header.value.to_message()
    assert refused.value.headers == {"WWW-Authenticate": 'Bearer realm="SCIM"'}


@pytest.mark.parametrize("reason", ["no header", "no scheme", "another scheme", "no token of ours", *FORGED])
def test_foreign_token_costs_no_call(door: Door, reason: str) -> None:
    with pytest.raises(Unauthorized):
        door.authenticator.authenticate(LOCKED_OUT[reason](door), door.settings)

    assert door.secrets.asked == 0


@pytest.mark.parametrize("matching", [0, 1, None])
def test_all_valid_tokens_are_compared(door: Door, matching: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(candidate: bytes, digest: bytes) -> bool:
        compared.append(candidate)
        return compare_digest(candidate, digest)

    monkeypatch.setattr(authentication, "compare_digest", compare)
    candidates = [door.give(), door.give()]

    status = door.knock(new_token("acme") if matching is None else candidates[matching])

    assert status == (401 if matching is None else 200)
    assert sorted(compared) == sorted(map(token_format.hash_token, candidates))


# Rotated and ended tokens


def test_grace_period_starts_with_settings(door: Door) -> None:
    before, token = door.give(), door.give(grace_s=60)
    door.decide(version_id="version 1", current_since=door.now + 1_000, grace_s=60)

    statuses = []
    for seconds in (0, 1_059.9, 0.1):
        door.now += seconds
        statuses += [(door.knock(before), door.knock(token))]

    assert statuses == [(200, 200), (200, 200), (401, 200)]


def test_grace_period_of_unnamed_version_starts_with_creation(door: Door) -> None:
    before, token = door.give(), door.give(grace_s=60)
    door.decide(version_id="another", current_since=door.now + 1_000, grace_s=60)
    door.now += 60

    assert [door.knock(before), door.knock(token)] == [401, 200]


def test_grace_period_does_not_extend_expiry(door: Door) -> None:
    before = door.give(until=door.now + 30)
    door.give(grace_s=3_600)
    door.now += 30

    assert door.knock(before) == 401


def test_token_before_previous_is_invalid(door: Door) -> None:
    given = [door.give() for _ in range(3)]

    assert [door.knock(token) for token in given] == [401, 200, 200]


@pytest.mark.parametrize("ended", [0, 1])
def test_revoked_version_is_invalid_in_any_stage(door: Door, ended: int) -> None:
    given = [door.give(), door.give()]
    door.decide(revoked_version_ids=(f"version {ended}",))

    assert door.knock(given[ended]) == 401
    assert door.knock(given[1 - ended]) == 200


def test_disconnected_tenant_with_secret(door: Door) -> None:
    token = door.give()
    door.settings.tenants["acme"] = Tenant("acme", is_connected=False)

    assert door.knock(token) == 401


def test_authentication_has_version_and_cache_miss(door: Door) -> None:
    before, token = door.give(), door.give()
    door.decide(version_id="version 1", current_since=door.now, expires=door.now + 86_400)

    opened = [door.authenticator.authenticate(f"Bearer {each}", door.settings) for each in (token, before)]

    assert [(each.version_id, each.is_cache_miss) for each in opened] == [("version 1", True), ("version 0", False)]
    assert {each.expires for each in opened} == {door.now + 86_400}


# The cache


def test_tenant_is_read_once_a_minute(door: Door) -> None:
    token = door.give()

    asked = []
    for _ in range(3):
        asked += [(door.knock(token), door.secrets.asked)]
        door.now += MAX_CACHE_AGE_S / 2

    assert asked == [(200, 1), (200, 1), (200, 2)]


@pytest.mark.parametrize("revoke", ["the secret", "the settings"])
def test_revoked_token_is_valid_for_a_minute_at_most(door: Door, revoke: str) -> None:
    token = door.give()
    door.knock(token)
    (door.secrets.versions if revoke == "the secret" else door.settings.tenants).clear()

    door.now += 59.9
    last = door.knock(token)
    door.now += 0.1

    assert (MAX_CACHE_AGE_S, last, door.knock(token)) == (60, 200, 401)


def test_cached_token_expires_in_time(door: Door) -> None:
    token = door.give(until=door.now + 30)

    before = door.knock(token)
    door.now += 30

    assert (before, door.knock(token)) == (200, 401)


def test_new_token_is_valid_at_once(door: Door) -> None:
    door.knock(door.give())

    assert door.knock(door.give()) == 200


def test_new_tenant_is_valid_at_once(door: Door) -> None:
    before = door.knock(new_token("acme"))

    assert (before, door.knock(door.give("acme"))) == (401, 200)


def test_unavailable_secret_is_503_and_not_cached(door: Door) -> None:
    token = door.give()
    door.secrets.silent = True
    statuses = [door.knock(token)]
    door.secrets.silent = False
    statuses += [door.knock(token)]

    assert statuses == [503, 200]


def test_unavailable_secret_keeps_cached_tokens(door: Door) -> None:
    token = door.give()
    door.knock(token)
    door.secrets.silent = True

    assert [door.knock(token), door.knock(new_token("acme"))] == [200, 503]


def test_unavailable_settings_are_503(door: Door) -> None:
    class Silent(MemoryTenants):
        def get(self, tenant_id: str) -> Tenant | None:  # noqa: ARG002  # the signature is the port's
            raise Unavailable("Not now.")

    with pytest.raises(Unavailable):
        door.authenticator.authenticate(f"Bearer {door.give()}", Silent())


# Failed look-ups


def test_failed_token_gets_429(door: Door) -> None:
    door.knock(door.give())
    revoked = new_token("acme")

    statuses = [door.knock(revoked) for _ in range(LOOKUPS + 3)]

    assert statuses == [401] * LOOKUPS + [429] * 3
    assert door.secrets.asked == 1 + LOOKUPS


def test_429_has_retry_after(door: Door) -> None:
    revoked = new_token("acme")
    for _ in range(LOOKUPS):
        door.knock(revoked)

    with pytest.raises(TooManyRequests) as refused:
        door.authenticator.authenticate(f"Bearer {revoked}", door.settings)

    assert refused.value.headers == {"Retry-After": str(WINDOW_S)}


def test_failed_token_lookups_are_limited(door: Door) -> None:
    token, revoked, seconds = door.give(), new_token("acme"), 180

    statuses = [door.knock(token)]
    for _ in range(seconds):
        for _ in range(3):
            door.knock(revoked)
        statuses += [door.knock(token)]
        door.now += 1

    assert set(statuses) == {200}
    assert door.secrets.asked == 1 + LOOKUPS * seconds // WINDOW_S


def test_new_token_works_at_once_after_failures(door: Door) -> None:
    """Failures of other tokens of the same tenant are remembered, and charged to those tokens only."""
    door.knock(door.give())
    for revoked in [new_token("acme") for _ in range(20)]:
        for _ in range(LOOKUPS + 1):
            door.knock(revoked)

    assert door.knock(door.give()) == 200


def test_failed_token_works_after_its_window(door: Door) -> None:
    token = new_token("acme")
    before = [door.knock(token) for _ in range(LOOKUPS + 1)]
    door.give()
    door.secrets.versions["acme"][-1] = replace(door.secrets.versions["acme"][-1], token=token)
    door.now += WINDOW_S

    assert (before, door.knock(token)) == ([401] * LOOKUPS + [429], 200)


def test_failures_of_other_tenants_have_no_effect(door: Door) -> None:
    """Ten revoked tenants that keep asking, and 1,000 forged tokens, do not touch a tenant that is not cached."""
    revoked = [new_token(f"revoked-{number}") for number in range(10)]
    for _ in range(50):
        for token in revoked:
            door.knock(token)
    asked = door.secrets.asked
    forged = {door.knock(token_format.create_token(f"made-up-{number}", b"forged")) for number in range(1_000)}

    assert (forged, door.secrets.asked) == ({401}, asked)
    assert [door.knock(door.give(f"new-{number}")) for number in range(100)] == [200] * 100


def test_forged_token_costs_the_same_for_any_tenant(door: Door) -> None:
    """No call at all: neither is the secret read nor are the settings."""
    door.knock(door.give("cached"))
    door.give("stored")
    asked = door.secrets.asked
    door.settings = Unread()

    assert {door.knock(token_format.create_token(each, b"forged")) for each in ("cached", "stored", "unknown")} == {401}
    assert door.secrets.asked == asked


# The least recently used tenant


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Five tenants are cached."""
    monkeypatch.setattr(tenant_cache, "MAX_TENANTS", 5)
    return 5


def test_tenant_beyond_the_bound_is_cached(door: Door, small: int) -> None:
    """The tenant that was just read is never the one that is removed."""
    given = [door.give(f"tenant-{number}") for number in range(small + 1)]
    for token in given:
        door.knock(token)
    asked = door.secrets.asked

    assert [door.knock(given[-1]) for _ in range(10)] == [200] * 10
    assert door.secrets.asked == asked


def test_busy_tenant_stays_cached_among_many(door: Door, small: int) -> None:
    busy = door.give("busy")
    door.knock(busy)
    for number in range(small * 3):
        door.knock(door.give(f"tenant-{number}"))
        door.knock(busy)

    assert door.secrets.asked == 1 + small * 3


def test_least_recently_used_tenant_is_removed_first(door: Door, small: int) -> None:
    given = [door.give(f"tenant-{number}") for number in range(small + 1)]
    for token in given:
        door.knock(token)
    asked = door.secrets.asked

    assert {door.knock(token) for token in given[1:]} == {200}
    assert door.secrets.asked == asked
    assert door.knock(given[0]) == 200
    assert door.secrets.asked == asked + 1


def test_more_tenants_than_the_cache_holds(door: Door) -> None:
    tenants = [door.give(f"tenant-{number}") for number in range(1_010)]

    assert {door.knock(token) for token in tenants + tenants} == {200}
    assert door.secrets.asked == 1_010


# Malformed tokens, and secrets that were edited by hand


@pytest.mark.parametrize("reason", FORGED)
def test_malformed_token_names_its_tenant(door: Door, reason: str) -> None:
    door.knock(door.give("acme"))

    with pytest.raises(MalformedToken) as malformed:
        door.authenticator.authenticate(LOCKED_OUT[reason](door), door.settings)

    assert (malformed.value.tenant_id, malformed.value.is_connected) == ("acme", True)


def test_malformed_token_of_uncached_tenant_is_not_attributed(door: Door) -> None:
    token = door.give("acme")

    with pytest.raises(MalformedToken) as malformed:
        door.authenticator.authenticate(f"Bearer {token[:-1]}", door.settings)

    assert not malformed.value.is_connected


@pytest.mark.parametrize("text", ["muster_acme", "muster_Acme_x", "amuster_acme_x", f"muster_{'x' * 41}_x"])
def test_text_without_token_prefix_names_no_tenant(door: Door, text: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        door.authenticator.authenticate(f"Bearer {text}", door.settings)

    assert type(refused.value) is Unauthorized


def test_damaged_previous_token_does_not_lock_out_the_current_one(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_: str) -> TokenVersion:
        raise Unavailable("Not now.") from MalformedSecret("token")

    door.give()
    token = door.give()
    monkeypatch.setattr(door.secrets, "read_previous", damaged)

    assert door.knock(token) == 200
    assert [type(fault) for fault in door.faults] == [MalformedSecret]
