"""The fault matrix: each kind of fault, at each call to AWS of each operation of the endpoint, for each client of AWS.

``matrix.Matrix`` checks what is promised. The tests are in two files, which pytest-xdist runs at the same time.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import boto3
import pytest

from handlers.http.application import ScimApplication
from handlers.http.routes import all_routes, discovery
from local.engine import Engine
from local.services.secretsmanager import create_service, ensure_secret
from scim.aws import clients
from scim.aws.config import MAINTENANCE_CONFIG, ClientKind
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

_USUAL_PERCENT = 1.5

CheckCases = Callable[..., None]


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


@pytest.fixture(scope="session")
def calls() -> dict[str, Sequence[str]]:
    """The calls to AWS that each operation makes without a fault, by its name. They do not depend on the client."""
    return {}


@pytest.fixture(scope="module", params=list(ClientKind))
def matrix(
    request: pytest.FixtureRequest,
    proxy: FaultProxy,
    engine: Engine,
    patch: pytest.MonkeyPatch,
    calls: dict[str, Sequence[str]],
) -> Iterator[Matrix]:
    """The matrix for one client of AWS."""
    patch.setenv("AWS_CLIENT", request.param)
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    with pytest.MonkeyPatch.context() as direct:
        direct.setenv("AWS_ENDPOINT_URL_DYNAMODB", engine.url)
        client = clients.create_client("dynamodb", MAINTENANCE_CONFIG, ClientKind.WIRE)
    matrix = Matrix(proxy, client, operator, _create_builder(patch), calls)
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


@pytest.fixture(params=[_USUAL_PERCENT, pytest.param(float(SIZE_PERCENT), marks=pytest.mark.nightly)])
def check_cases(
    request: pytest.FixtureRequest, matrix: Matrix, record_property: Callable[[str, object], None]
) -> CheckCases:
    """Return a function that runs the cases of a kind of fault, or a part of them, and fails if a promise is broken.

    The summary of ``make nightly`` has the counts.
    """
    percent: float = request.param

    def check_cases(kind: FaultKind, *, is_repeated: bool) -> None:
        cases = _select(list(matrix.list_cases(kind, is_repeated=is_repeated)), percent, list(FaultKind).index(kind))
        hidden, refused, violations = 0, 0, []
        for case in cases:
            try:
                is_hidden = matrix.run(case)
            except AssertionError as violation:
                violations.append(f"{case}: {violation}")
            else:
                hidden += is_hidden
                refused += not is_hidden
        if percent != _USUAL_PERCENT:
            attempts = "all attempts" if is_repeated else "one attempt"
            title = f"{os.environ['AWS_CLIENT']}, fault of {attempts}: cases, hidden, refused with 503, violations"
            numbers = (len(cases), hidden, refused, len(violations))
            record_property("summary", f"{title}\n{kind:<42}" + "".join(f"{number:>8}" for number in numbers))
        assert violations == []

    return check_cases


def _select(cases: Sequence[Case], percent: float, offset: int) -> Sequence[Case]:
    """Return a share of the cases, at least one. They are evenly distributed, and differ with the ``offset``."""
    number = max(1, int(len(cases) * percent / 100))
    step = len(cases) / number
    return [cases[int(position * step + offset) % len(cases)] for position in range(number)]
