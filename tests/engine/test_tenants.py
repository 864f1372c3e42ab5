"""Simultaneous actions on the same tenant, and actions whose response is lost. Secrets are stored in moto."""

import os
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from scim.service.console.invitations import InvalidInvitation
from scim.service.model.invitation import Acceptance
from scim.service.model.token import TokenUsage
from scim.service.tenants.errors import TenantError, TenantExists
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import Endpoint
from tests.engine.proxy import Proxy

THREADS = 8


def run_simultaneously(action: Callable[[], Any]) -> list[Any]:
    """Run an action in several threads at the same moment; return what each returns or raises."""
    start = Barrier(THREADS)

    def run(_: int) -> Any:
        start.wait()
        try:
            return action()
        except (TenantError, InvalidInvitation) as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def is_valid(token: str) -> bool:
    return Endpoint(token, ScimApplication(find_endpoint)).request("GET", "/Users").status == 200


def test_action_with_lost_response_is_logged_once(scim: Endpoint, proxy: Proxy) -> None:
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    tenant = f"t-{uuid.uuid4()}"
    proxy.forgets_tokens = True

    proxy.lose("TransactWriteItems")
    operator.build_administration().tenants.tokens.mark_revealed(
        operator.build_administration().tenants.connect(tenant)
    )
    proxy.lose("TransactWriteItems")
    token = operator.build_administration().tenants.tokens.rotate(tenant).token

    records = operator.dynamodb_client.query(
        TableName=operator.settings.table_name,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :act)",
        ExpressionAttributeValues={":pk": {"S": f"A#{tenant}"}, ":act": {"S": "A#act#"}},
    )
    assert [item["operation"]["S"] for item in records["Items"]] == ["connect", "show", "rotate"]
    assert is_valid(token)


def test_simultaneous_connects_show_only_valid_tokens(scim: Endpoint) -> None:
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    for _ in range(5):
        tenant = f"t-{uuid.uuid4()}"

        results = run_simultaneously(lambda: operator.build_administration().tenants.connect(tenant))

        rejected = [result for result in results if isinstance(result, TenantError)]
        tokens = {result.token for result in results if not isinstance(result, TenantError)}
        assert all(isinstance(error, TenantExists) for error in rejected)
        assert len(tokens) == 1
        assert is_valid(*tokens)


def test_simultaneous_rotations_keep_current_token_valid(scim: Endpoint) -> None:
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    tenant = scim.token.split("_")[1]
    first = operator.build_administration().tenants.tokens.rotate(tenant)
    operator.build_administration().tenants.tokens.mark_revealed(first)

    results = run_simultaneously(lambda: operator.build_administration().tenants.tokens.rotate(tenant, is_forced=True))

    current = operator.token_store.read_current(tenant)
    settings = operator.build_administration().tenant_store.get(tenant)
    assert current is not None
    assert settings is not None
    assert current.id == settings.token.version_id
    assert current.token in {result.token for result in results if not isinstance(result, TenantError)}
    assert is_valid(current.token)


def test_simultaneous_token_usages_keep_first_use(scim: Endpoint) -> None:
    """Eight execution environments see a token at the same moment, and again a minute later."""
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    tenant = f"t-{uuid.uuid4()}"
    for at, agent in ((1_800_000_000.0, "curl"), (1_800_000_060.0, "Okta")):
        usage = TokenUsage(at, "v1", agent, is_write=at > 1_800_000_000.0)
        run_simultaneously(partial(operator.build_administration().tenant_store.record_token_usage, tenant, usage))

    assert operator.build_administration().tenant_store.get_last_token_usage(tenant) == TokenUsage(
        1_800_000_060.0,
        "v1",
        "Okta",
        is_write=True,
        first_used=1_800_000_000.0,
        first_is_write=False,
        first_user_agent="curl",
    )


def test_usage_is_recorded_when_the_scim_url_was_corrected(scim: Endpoint) -> None:
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    tenant, store = f"t-{uuid.uuid4()}", operator.build_administration().tenant_store
    last_uses = []
    for seconds, has_wrong_url in ((0, True), (1, True), (2, False), (3, False), (4, True)):
        store.record_token_usage(tenant, TokenUsage(1_800_000_000.0 + seconds, "v1", has_wrong_url=has_wrong_url))
        usage = store.get_last_token_usage(tenant)
        assert usage is not None
        last_uses.append((usage.last_used - 1_800_000_000.0, usage.has_wrong_url))
    assert last_uses == [(0, True), (0, True), (2, False), (2, False), (4, True)]


def test_usage_of_previous_token_is_recorded_separately(scim: Endpoint) -> None:
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    tenant, store = f"t-{uuid.uuid4()}", operator.build_administration().tenant_store
    for at, version in ((1_800_000_000.0, "v1"), (1_800_000_030.0, "v2"), (1_800_000_040.0, "v1")):
        store.record_token_usage(tenant, TokenUsage(at, version))

    assert store.get_last_token_usage(tenant) == TokenUsage(1_800_000_030.0, "v2", first_used=1_800_000_030.0)


def test_invitation_is_accepted_once(scim: Endpoint) -> None:
    """One of several browsers is accepted. A browser that repeats its request gets the same session."""
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    tenant = scim.token.split("_")[1]
    for visitor in (None, "one browser"):
        secret = operator.build_administration().invitations.invite(tenant).secret

        def accept(visitor: str | None = visitor, secret: str = secret) -> Acceptance:
            _, accepted = operator.build_administration().invitations.accept(
                secret, visitor or str(uuid.uuid4()), str(uuid.uuid4())
            )
            return accepted

        results = run_simultaneously(accept)

        accepted = [result for result in results if isinstance(result, Acceptance)]
        assert len({acceptance.session_id for acceptance in accepted}) == 1
        assert len(accepted) == (THREADS if visitor else 1)
