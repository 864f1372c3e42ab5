"""The fault matrix: each kind of fault, at each call to AWS of each operation of the endpoint.

``matrix.Matrix`` checks what is promised.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import boto3
import pytest

from handlers.http.application import ScimApplication
from handlers.http.routes import all_routes, discovery
from local.engine import Engine
from local.services.secretsmanager import create_service, ensure_secret
from scim.aws import clients
from scim.aws.config import ClientKind
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import ENVIRONMENT, TEMPLATE, Endpoint
from tests.engine.faults.clock import SharedClock
from tests.engine.faults.kinds import FaultKind
from tests.engine.faults.matrix import Case, Matrix
from tests.engine.faults.proxy import FaultProxy
from tests.size import SIZE_PERCENT
from tests.tokens import MASTER_KEY

_USUAL_PERCENT = 2.5
_SUMMARY_TITLE = "fault matrix: kind, cases, hidden from the client, refused with 503, violations"


@pytest.fixture(scope="module")
def patch(aws: None) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def proxy(engine: Engine, patch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """The proxy, which all clients of this module use."""
    clock = SharedClock()
    patch.setattr(runtime, "create_deadline", clock.create_deadline)
    with FaultProxy(engine.url, create_service(), clock) as proxy:
        proxy.patch_sockets(patch)
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        patch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", proxy.url)
        patch.setenv("TABLE_NAME", f"muster-{uuid.uuid4()}")
        ensure_secret(proxy.url, ENVIRONMENT["MASTER_KEY_SECRET"], MASTER_KEY)
        table = TEMPLATE.build_table_request(os.environ["TABLE_NAME"])
        del table["StreamSpecification"]  # with it, dynoxide becomes slower with each item
        boto3.client("dynamodb", endpoint_url=engine.url).create_table(**table)
        yield proxy


@pytest.fixture(scope="module", params=list(ClientKind))
def matrix(
    request: pytest.FixtureRequest, proxy: FaultProxy, engine: Engine, patch: pytest.MonkeyPatch
) -> Iterator[Matrix]:
    """The matrix for one way to call AWS."""
    patch.setenv("AWS_CLIENT", request.param)
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    client = boto3.client("dynamodb", endpoint_url=engine.url)
    matrix = Matrix(proxy, client, operator, _create_builder(patch))
    yield matrix
    matrix.check_readers()


def _create_builder(patch: pytest.MonkeyPatch) -> Callable[[str], Endpoint]:
    """Return a function that returns an endpoint with new functions. Creating clients is slow, so they are shared."""
    patch.setattr(clients, "create_client", cache(clients.create_client))
    endpoint = Endpoint("")

    def build(token: str) -> Endpoint:
        users = ScimApplication(all_routes.find_endpoint)
        return endpoint.with_functions(token, users, ScimApplication(discovery.find_endpoint, has_resources=False))

    return build


def _list_parameters() -> list[Any]:
    """Return the kinds of faults. A deadline can pass only once."""
    return [
        pytest.param(kind, is_repeated, id=f"{kind.name.lower()}-{'all' if is_repeated else 'one'}")
        for kind in FaultKind
        for is_repeated in ((False,) if kind.is_deadline else (False, True))
    ]


@pytest.mark.parametrize("percent", [_USUAL_PERCENT, pytest.param(float(SIZE_PERCENT), marks=pytest.mark.nightly)])
@pytest.mark.parametrize(("kind", "is_repeated"), _list_parameters())
def test_faults(
    kind: FaultKind, is_repeated: bool, percent: float, matrix: Matrix, record_property: Callable[[str, object], None]
) -> None:
    """No promise is broken. With fewer than 100 percent, a part of the cases is evenly selected."""
    cases = list(matrix.list_cases(kind, is_repeated=is_repeated))
    selected = _select(cases, percent, list(FaultKind).index(kind))
    hidden, refused, violations = 0, 0, []
    for case in selected:
        try:
            is_hidden = matrix.run(case)
        except AssertionError as violation:
            violations.append(f"{case}: {violation}")
        else:
            hidden += is_hidden
            refused += not is_hidden
    record_property("summary", f"{_SUMMARY_TITLE}\n{_format_row(kind, is_repeated, selected, hidden, refused)}")
    assert violations == []


def _select(cases: Sequence[Case], percent: float, offset: int) -> Sequence[Case]:
    """Return a share of the cases, at least one. They are evenly distributed, and differ with the ``offset``."""
    number = max(1, int(len(cases) * percent / 100))
    step = len(cases) / number
    return [cases[int(position * step + offset) % len(cases)] for position in range(number)]


def _format_row(kind: FaultKind, is_repeated: bool, cases: Sequence[Case], hidden: int, refused: int) -> str:
    attempts = "all attempts" if is_repeated else "one attempt"
    numbers = (len(cases), hidden, refused, len(cases) - hidden - refused)
    return f"{kind:<42} {attempts:<13}" + "".join(f"{number:>10}" for number in numbers)
