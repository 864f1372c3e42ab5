"""Authentication: valid and invalid tokens, the cache of tenants, and the limits of failed look-ups."""

from collections.abc import Callable
from dataclasses import replace
from hmac import compare_digest
from typing import Any
from zlib import crc32

import pytest

from scim.auth import authentication, tenant_cache, token_format
from scim.auth.authentication import MAX_CACHE_AGE_S, Authenticator, MalformedToken
from scim.auth.errors import MalformedSecret
from scim.auth.token_mistakes import build_unauthorized_error
from scim.auth.token_store import SecretsManagerTokenStore
from scim.protocol.errors import ScimError, TooManyRequests, Unauthorized, Unavailable
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenState, TokenVersion
from tests.service.fakes import MemoryTenants
from tests.tokens import MASTER, new_token, old_token

LOOKUPS = 3
WINDOW_S = 10


class FakeTokenStore(SecretsManagerTokenStore):
    """The tokens of tenants, oldest first. The last one is the current one. Counts the reads."""

    def __init__(self) -> None:
        self._master_key = MASTER
        self.versions: dict[str, list[TokenVersion]] = {}
        self.is_unavailable = False
        self.reads = 0

    def read_current(self, tenant_id: str) -> TokenVersion | None:
        self.reads += 1
        if self.is_unavailable:
            raise Unavailable("Not now.")
        return next(reversed(self.versions.get(tenant_id, ())), None)

    def read_previous(self, tenant_id: str) -> TokenVersion | None:
        return next(iter(self.versions[tenant_id][-2:-1]), None)


class UnreadableTenants(MemoryTenants):
    """Settings that must not be read."""

    def get(self, tenant_id: str) -> Tenant | None:
        raise AssertionError(tenant_id)


class Endpoint:
    """An authenticator with a fake clock, and with the tokens and settings of tenants."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.secrets = FakeTokenStore()
        self.settings = MemoryTenants()
        self.faults: list[Exception] = []
        self.authenticator = Authenticator(self.secrets, lambda: self.now, self.faults.append)

    def issue_token(self, tenant_id: str = "acme", expires: float | None = None, grace_s: float = 3_600) -> str:
        """Add a token to a tenant. The previous token stays valid for an hour."""
        token = new_token(tenant_id)
        self.settings.tenants.setdefault(tenant_id, Tenant(tenant_id))
        versions = self.secrets.versions.setdefault(tenant_id, [])
        versions.append(TokenVersion(f"version {len(versions)}", token, expires, grace_s, self.now))
        return token

    def set_token_state(self, tenant_id: str = "acme", **state: Any) -> None:
        """Set what the settings contain about the token."""
        tenant = self.settings.tenants[tenant_id]
        self.settings.tenants[tenant_id] = replace(tenant, token=TokenState(**state))

    def request(self, token: str) -> int:
        """Return the status of a request with the token."""
        try:
            self.authenticator.authenticate(f"Bearer {token}", self.settings)
        except ScimError as error:
            return error.status
        return 200


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


def delete_settings(endpoint: Endpoint) -> str:
    token = endpoint.issue_token()
    endpoint.settings.tenants.clear()
    return f"Bearer {token}"


def delete_secret(endpoint: Endpoint) -> str:
    token = endpoint.issue_token()
    endpoint.secrets.versions.clear()
    return f"Bearer {token}"


def create_token_with_crc(tenant: str) -> str:
    """Return a token whose checksum is a CRC-32, which needs no key."""
    body = f"muster_{tenant}_{'A' * 43}"
    return f"{body}_{crc32(body.encode()):08x}"


FORGED = ["forged checksum", "only a CRC-32", "cut off before the tag", "cut off, of an earlier version"]
"""Texts that name a tenant, without a token of this stack or the start of one."""
MISTAKES = ["no scheme", "another scheme", "two tokens", "in quotes", "twice Bearer", "wrong checksum", "cut off"]
"""Texts with a token of this stack, or the start of one."""
INVALID: dict[str, Callable[[Endpoint], str | None]] = {
    "no header": lambda _: None,
    "empty header": lambda _: "",
    "no scheme": lambda endpoint: endpoint.issue_token(),
    "another scheme": lambda endpoint: f"Basic {endpoint.issue_token()}",
    "no token": lambda _: "Bearer",
    "no token of ours": lambda _: "Bearer 0123456789",
    "two tokens": lambda endpoint: f"Bearer {endpoint.issue_token()} {endpoint.issue_token()}",
    "wrong checksum": lambda endpoint: f"Bearer {endpoint.issue_token()[:-8]}00000000",
    "forged checksum": lambda endpoint: (
        f"Bearer {token_format.create_token(endpoint.issue_token().split('_')[1], b'another key')}"
    ),
    "only a CRC-32": lambda _: f"Bearer {create_token_with_crc('acme')}",
    "in quotes": lambda endpoint: f'Bearer "{endpoint.issue_token()}"',
    "twice Bearer": lambda endpoint: f"Bearer Bearer {endpoint.issue_token()}",
    "cut off": lambda endpoint: f"Bearer {endpoint.issue_token()[:60]}",
    "cut off before the tag": lambda endpoint: f"Bearer {endpoint.issue_token()[: len('muster_acme_') + 10]}",
    "cut off, of an earlier version": lambda endpoint: endpoint.issue_token() and f"Bearer {old_token('acme')[:60]}",
    "wrong token": lambda endpoint: f"Bearer {endpoint.issue_token() and new_token('acme')}",
    "expired token": lambda endpoint: f"Bearer {endpoint.issue_token(expires=endpoint.now)}",
    "unknown tenant": lambda _: f"Bearer {new_token('unknown')}",
    "deleted settings": delete_settings,
    "deleted secret": delete_secret,
}


class TestTokens:
    def test_valid_token(self, endpoint: Endpoint) -> None:
        endpoint.issue_token("other")
        token = endpoint.issue_token("acme")

        assert endpoint.authenticator.authenticate(f"Bearer {token}", endpoint.settings).tenant == Tenant("acme")

    @pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "  Bearer {}  "])
    def test_scheme_is_case_insensitive(self, endpoint: Endpoint, form: str) -> None:
        token = endpoint.issue_token()

        assert endpoint.authenticator.authenticate(form.format(token), endpoint.settings).tenant == Tenant("acme")

    def test_current_and_previous_token(self, endpoint: Endpoint) -> None:
        current, previous = endpoint.issue_token(), endpoint.issue_token(expires=endpoint.now + 3_600)

        assert [endpoint.request(current), endpoint.request(previous)] == [200, 200]

    @pytest.mark.parametrize("reason", INVALID)
    def test_invalid_tokens_get_a_401_for_their_form(self, endpoint: Endpoint, reason: str) -> None:
        """The response does not say whether the tenant exists, or why its token is not valid."""
        authorization = INVALID[reason](endpoint)

        with pytest.raises(Unauthorized) as unauthorized:
            endpoint.authenticator.authenticate(authorization, endpoint.settings)

        expected = build_unauthorized_error(authorization or "")
        assert unauthorized.value.to_message() == expected.to_message()
        assert unauthorized.value.headers == expected.headers

    def test_well_formed_tokens_get_equal_401(self, endpoint: Endpoint) -> None:
        reasons = ["wrong checksum", "forged checksum", "wrong token", "expired token", "unknown tenant"]
        messages = []
        for reason in [*reasons, "no token of ours"]:
            with pytest.raises(Unauthorized) as unauthorized:
                endpoint.authenticator.authenticate(INVALID[reason](endpoint), endpoint.settings)
            messages.append((unauthorized.value.to_message(), unauthorized.value.headers))

        assert messages == [messages[0]] * len(messages)
        assert messages[0][1] == {"WWW-Authenticate": 'Bearer realm="SCIM", error="invalid_token"'}

    def test_token_of_an_earlier_version_is_valid(self, endpoint: Endpoint) -> None:
        endpoint.issue_token()
        token = old_token("acme")
        endpoint.secrets.versions["acme"] = [TokenVersion("version 0", token, None, 0, endpoint.now)]

        assert endpoint.request(token) == 200

    @pytest.mark.parametrize("reason", ["no header", "no token of ours", *FORGED])
    def test_foreign_token_costs_no_call(self, endpoint: Endpoint, reason: str) -> None:
        with pytest.raises(Unauthorized):
            endpoint.authenticator.authenticate(INVALID[reason](endpoint), endpoint.settings)

        assert endpoint.secrets.reads == 0

    @pytest.mark.parametrize("matching", [0, 1, None])
    def test_all_valid_tokens_are_compared(
        self, endpoint: Endpoint, matching: int | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[bytes] = []

        def compare(candidate: bytes, digest: bytes) -> bool:
            compared.append(candidate)
            return compare_digest(candidate, digest)

        monkeypatch.setattr(authentication, "compare_digest", compare)
        candidates = [endpoint.issue_token(), endpoint.issue_token()]

        status = endpoint.request(new_token("acme") if matching is None else candidates[matching])

        assert status == (401 if matching is None else 200)
        assert sorted(compared) == sorted(map(token_format.hash_token, candidates))


class TestRotatedTokens:
    def test_grace_period_starts_with_settings(self, endpoint: Endpoint) -> None:
        previous, token = endpoint.issue_token(), endpoint.issue_token(grace_s=60)
        endpoint.set_token_state(version_id="version 1", current_since=endpoint.now + 1_000, grace_s=60)

        statuses = []
        for seconds in (0, 1_059.9, 0.1):
            endpoint.now += seconds
            statuses += [(endpoint.request(previous), endpoint.request(token))]

        assert statuses == [(200, 200), (200, 200), (401, 200)]

    def test_grace_period_of_unnamed_version_starts_with_creation(self, endpoint: Endpoint) -> None:
        previous, token = endpoint.issue_token(), endpoint.issue_token(grace_s=60)
        endpoint.set_token_state(version_id="another", current_since=endpoint.now + 1_000, grace_s=60)
        endpoint.now += 60

        assert [endpoint.request(previous), endpoint.request(token)] == [401, 200]

    def test_grace_period_does_not_extend_expiry(self, endpoint: Endpoint) -> None:
        previous = endpoint.issue_token(expires=endpoint.now + 30)
        endpoint.issue_token(grace_s=3_600)
        endpoint.now += 30

        assert endpoint.request(previous) == 401

    def test_token_older_than_previous_is_invalid(self, endpoint: Endpoint) -> None:
        tokens = [endpoint.issue_token() for _ in range(3)]

        assert [endpoint.request(token) for token in tokens] == [401, 200, 200]

    @pytest.mark.parametrize("revoked", [0, 1])
    def test_revoked_version_is_invalid_in_any_stage(self, endpoint: Endpoint, revoked: int) -> None:
        tokens = [endpoint.issue_token(), endpoint.issue_token()]
        endpoint.set_token_state(revoked_version_ids=(f"version {revoked}",))

        assert endpoint.request(tokens[revoked]) == 401
        assert endpoint.request(tokens[1 - revoked]) == 200

    def test_disconnected_tenant_with_secret(self, endpoint: Endpoint) -> None:
        token = endpoint.issue_token()
        endpoint.settings.tenants["acme"] = Tenant("acme", is_connected=False)

        assert endpoint.request(token) == 401

    def test_authentication_has_version_and_first_use(self, endpoint: Endpoint) -> None:
        previous, token = endpoint.issue_token(), endpoint.issue_token()
        endpoint.set_token_state(version_id="version 1", current_since=endpoint.now, expires=endpoint.now + 86_400)

        results = [
            endpoint.authenticator.authenticate(f"Bearer {text}", endpoint.settings) for text in (token, previous)
        ]

        assert [(result.version_id, result.is_first_use) for result in results] == [
            ("version 1", True),
            ("version 0", False),
        ]
        assert {result.expires for result in results} == {endpoint.now + 86_400}

    @pytest.mark.parametrize("change", [lambda token: token[:-1], lambda _: new_token("acme")], ids=["cut", "wrong"])
    def test_first_use_can_follow_a_rejected_request(self, endpoint: Endpoint, change: Callable[[str], str]) -> None:
        """A request without a valid token reads the tenant, and does not use its token."""
        token = endpoint.issue_token()
        assert endpoint.request(change(token)) == 401

        results = [endpoint.authenticator.authenticate(f"Bearer {token}", endpoint.settings) for _ in range(2)]

        assert [result.is_first_use for result in results] == [True, False]
        assert endpoint.secrets.reads == 1


class TestCache:
    def test_tenant_is_read_once_a_minute(self, endpoint: Endpoint) -> None:
        token = endpoint.issue_token()

        reads = []
        for _ in range(3):
            reads += [(endpoint.request(token), endpoint.secrets.reads)]
            endpoint.now += MAX_CACHE_AGE_S / 2

        assert reads == [(200, 1), (200, 1), (200, 2)]

    @pytest.mark.parametrize("revoke", ["the secret", "the settings"])
    def test_revoked_token_is_valid_at_most_a_minute(self, endpoint: Endpoint, revoke: str) -> None:
        token = endpoint.issue_token()
        endpoint.request(token)
        (endpoint.secrets.versions if revoke == "the secret" else endpoint.settings.tenants).clear()

        endpoint.now += 59.9
        last = endpoint.request(token)
        endpoint.now += 0.1

        assert (MAX_CACHE_AGE_S, last, endpoint.request(token)) == (60, 200, 401)

    def test_cached_token_expires_in_time(self, endpoint: Endpoint) -> None:
        token = endpoint.issue_token(expires=endpoint.now + 30)

        before = endpoint.request(token)
        endpoint.now += 30

        assert (before, endpoint.request(token)) == (200, 401)

    def test_new_token_is_valid_at_once(self, endpoint: Endpoint) -> None:
        endpoint.request(endpoint.issue_token())

        assert endpoint.request(endpoint.issue_token()) == 200

    def test_new_tenant_is_valid_at_once(self, endpoint: Endpoint) -> None:
        before = endpoint.request(new_token("acme"))

        assert (before, endpoint.request(endpoint.issue_token("acme"))) == (401, 200)

    def test_unavailable_secret_is_503_and_not_cached(self, endpoint: Endpoint) -> None:
        token = endpoint.issue_token()
        endpoint.secrets.is_unavailable = True
        statuses = [endpoint.request(token)]
        endpoint.secrets.is_unavailable = False
        statuses += [endpoint.request(token)]

        assert statuses == [503, 200]

    def test_unavailable_secret_keeps_cached_tokens(self, endpoint: Endpoint) -> None:
        token = endpoint.issue_token()
        endpoint.request(token)
        endpoint.secrets.is_unavailable = True

        assert [endpoint.request(token), endpoint.request(new_token("acme"))] == [200, 503]

    def test_unavailable_settings_are_503(self, endpoint: Endpoint) -> None:
        class UnavailableTenants(MemoryTenants):
            def get(self, tenant_id: str) -> Tenant | None:  # noqa: ARG002  # the signature is the port's
                raise Unavailable("Not now.")

        with pytest.raises(Unavailable):
            endpoint.authenticator.authenticate(f"Bearer {endpoint.issue_token()}", UnavailableTenants())


class TestFailedLookups:
    def test_failed_token_gets_429(self, endpoint: Endpoint) -> None:
        endpoint.request(endpoint.issue_token())
        revoked = new_token("acme")

        statuses = [endpoint.request(revoked) for _ in range(LOOKUPS + 3)]

        assert statuses == [401] * LOOKUPS + [429] * 3
        assert endpoint.secrets.reads == 1 + LOOKUPS

    def test_429_has_retry_after(self, endpoint: Endpoint) -> None:
        revoked = new_token("acme")
        for _ in range(LOOKUPS):
            endpoint.request(revoked)

        with pytest.raises(TooManyRequests) as too_many:
            endpoint.authenticator.authenticate(f"Bearer {revoked}", endpoint.settings)

        assert too_many.value.headers == {"Retry-After": str(WINDOW_S)}

    def test_failed_token_lookups_are_limited(self, endpoint: Endpoint) -> None:
        token, revoked, seconds = endpoint.issue_token(), new_token("acme"), 180

        statuses = [endpoint.request(token)]
        for _ in range(seconds):
            for _ in range(3):
                endpoint.request(revoked)
            statuses += [endpoint.request(token)]
            endpoint.now += 1

        assert set(statuses) == {200}
        assert endpoint.secrets.reads == 1 + LOOKUPS * seconds // WINDOW_S

    def test_new_token_works_at_once_after_failures(self, endpoint: Endpoint) -> None:
        """Failures of other tokens of the same tenant count only for those tokens."""
        endpoint.request(endpoint.issue_token())
        for revoked in [new_token("acme") for _ in range(20)]:
            for _ in range(LOOKUPS + 1):
                endpoint.request(revoked)

        assert endpoint.request(endpoint.issue_token()) == 200

    def test_failed_token_works_after_its_window(self, endpoint: Endpoint) -> None:
        token = new_token("acme")
        before = [endpoint.request(token) for _ in range(LOOKUPS + 1)]
        endpoint.issue_token()
        endpoint.secrets.versions["acme"][-1] = replace(endpoint.secrets.versions["acme"][-1], token=token)
        endpoint.now += WINDOW_S

        assert (before, endpoint.request(token)) == ([401] * LOOKUPS + [429], 200)

    def test_failures_of_other_tenants_have_no_effect(self, endpoint: Endpoint) -> None:
        """Requests of ten revoked tenants, and 1,000 forged tokens, do not affect a tenant that is not cached."""
        revoked = [new_token(f"revoked-{number}") for number in range(10)]
        for _ in range(50):
            for token in revoked:
                endpoint.request(token)
        reads = endpoint.secrets.reads
        forged = {
            endpoint.request(token_format.create_token(f"made-up-{number}", b"forged")) for number in range(1_000)
        }

        assert (forged, endpoint.secrets.reads) == ({401}, reads)
        assert [endpoint.request(endpoint.issue_token(f"new-{number}")) for number in range(100)] == [200] * 100

    def test_forged_token_costs_no_call_for_any_tenant(self, endpoint: Endpoint) -> None:
        """Neither the secret nor the settings are read."""
        endpoint.request(endpoint.issue_token("cached"))
        endpoint.issue_token("stored")
        reads = endpoint.secrets.reads
        endpoint.settings = UnreadableTenants()

        assert {
            endpoint.request(token_format.create_token(name, b"forged")) for name in ("cached", "stored", "unknown")
        } == {401}
        assert endpoint.secrets.reads == reads


@pytest.fixture
def cache_size(monkeypatch: pytest.MonkeyPatch) -> int:
    """Five tenants are cached."""
    monkeypatch.setattr(tenant_cache, "MAX_TENANTS", 5)
    return 5


class TestCacheSize:
    def test_tenant_above_the_limit_is_cached(self, endpoint: Endpoint, cache_size: int) -> None:
        """The tenant that was just read is never removed."""
        tokens = [endpoint.issue_token(f"tenant-{number}") for number in range(cache_size + 1)]
        for token in tokens:
            endpoint.request(token)
        reads = endpoint.secrets.reads

        assert [endpoint.request(tokens[-1]) for _ in range(10)] == [200] * 10
        assert endpoint.secrets.reads == reads

    def test_busy_tenant_stays_cached_among_many(self, endpoint: Endpoint, cache_size: int) -> None:
        busy = endpoint.issue_token("busy")
        endpoint.request(busy)
        for number in range(cache_size * 3):
            endpoint.request(endpoint.issue_token(f"tenant-{number}"))
            endpoint.request(busy)

        assert endpoint.secrets.reads == 1 + cache_size * 3

    def test_least_recently_used_tenant_is_removed_first(self, endpoint: Endpoint, cache_size: int) -> None:
        tokens = [endpoint.issue_token(f"tenant-{number}") for number in range(cache_size + 1)]
        for token in tokens:
            endpoint.request(token)
        reads = endpoint.secrets.reads

        assert {endpoint.request(token) for token in tokens[1:]} == {200}
        assert endpoint.secrets.reads == reads
        assert endpoint.request(tokens[0]) == 200
        assert endpoint.secrets.reads == reads + 1

    def test_more_tenants_than_the_cache_holds(self, endpoint: Endpoint) -> None:
        tenants = [endpoint.issue_token(f"tenant-{number}") for number in range(1_010)]

        assert {endpoint.request(token) for token in tenants + tenants} == {200}
        assert endpoint.secrets.reads == 1_010


class TestMalformedTokens:
    @pytest.mark.parametrize("reason", [*FORGED, *MISTAKES])
    def test_malformed_token_names_its_tenant(self, endpoint: Endpoint, reason: str) -> None:
        endpoint.request(endpoint.issue_token("acme"))

        with pytest.raises(MalformedToken) as malformed:
            endpoint.authenticator.authenticate(INVALID[reason](endpoint), endpoint.settings)

        assert (malformed.value.tenant_id, malformed.value.is_connected) == ("acme", True)

    def test_malformed_token_of_uncached_tenant_has_no_connection(self, endpoint: Endpoint) -> None:
        token = endpoint.issue_token("acme")

        with pytest.raises(MalformedToken) as malformed:
            endpoint.authenticator.authenticate(f"Bearer {token[:20]}", endpoint.settings)

        assert not malformed.value.is_connected

    @pytest.mark.parametrize("reason", MISTAKES)
    def test_genuine_token_with_a_mistake_reads_its_tenant(self, endpoint: Endpoint, reason: str) -> None:
        """So the mistake is recorded at the first connection test, and the tenant is read once a minute."""
        reads = []
        for wait_s in (0, 0, MAX_CACHE_AGE_S):
            endpoint.now += wait_s
            with pytest.raises(MalformedToken) as malformed:
                endpoint.authenticator.authenticate(INVALID[reason](endpoint), endpoint.settings)
            assert (malformed.value.tenant_id, malformed.value.is_connected) == ("acme", True)
            reads.append(endpoint.secrets.reads)

        assert reads == [1, 1, 2]

    @pytest.mark.parametrize("change", [delete_settings, delete_secret])
    def test_genuine_token_of_disconnected_tenant_has_no_connection(
        self, endpoint: Endpoint, change: Callable[[Endpoint], str]
    ) -> None:
        with pytest.raises(MalformedToken) as malformed:
            endpoint.authenticator.authenticate(f"Bearer {change(endpoint)}", endpoint.settings)

        assert not malformed.value.is_connected

    def test_forged_token_with_a_mistake_reads_nothing(self, endpoint: Endpoint) -> None:
        forged = token_format.create_token("acme", b"another key")
        endpoint.issue_token("acme")

        with pytest.raises(MalformedToken) as malformed:
            endpoint.authenticator.authenticate(f"Bearer Bearer {forged}", endpoint.settings)

        assert (malformed.value.is_connected, endpoint.secrets.reads) == (False, 0)

    @pytest.mark.parametrize("text", ["muster_acme", "muster_Acme_x", "amuster_acme_x", f"muster_{'x' * 41}_x"])
    def test_text_without_token_prefix_names_no_tenant(self, endpoint: Endpoint, text: str) -> None:
        with pytest.raises(Unauthorized) as unauthorized:
            endpoint.authenticator.authenticate(f"Bearer {text}", endpoint.settings)

        assert type(unauthorized.value) is Unauthorized

    def test_damaged_previous_token_keeps_current_one_valid(
        self, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def raise_malformed_secret(_: str) -> TokenVersion:
            raise Unavailable("Not now.") from MalformedSecret("token")

        endpoint.issue_token()
        token = endpoint.issue_token()
        monkeypatch.setattr(endpoint.secrets, "read_previous", raise_malformed_secret)

        assert endpoint.request(token) == 200
        assert [type(fault) for fault in endpoint.faults] == [MalformedSecret]
