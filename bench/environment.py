"""The paths of the benchmark, and the environment variables of the functions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.constants import ACCOUNT, REGION
from local.template import Template

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
DOCS = ROOT / "docs"
TEMPLATE = Template(ROOT / "template.yaml")
SECRET_PREFIX = "muster/tenants/"  # noqa: S105  # a name, not a secret
MASTER_KEY_SECRET = "muster/master-key"  # noqa: S105  # the name of a secret

FUNCTION = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "SECRET_PREFIX": SECRET_PREFIX,
    "MASTER_KEY_SECRET": MASTER_KEY_SECRET,
    "POWERTOOLS_SERVICE_NAME": "muster",
    "POWERTOOLS_METRICS_NAMESPACE": "Muster",
    # One tenant sends everything, as fast as it can.
    "RATE_LIMIT": "1000000",
    "RATE_LIMIT_BURST": "1000000000",
}


def build_table_request(name: str) -> dict[str, Any]:
    """Return the arguments of ``CreateTable`` for the template's table. The stream is left out: it slows dynoxide."""
    request = TEMPLATE.build_table_request(name)
    del request["StreamSpecification"]
    return request


def ignore_aws_configuration() -> None:
    """Remove AWS profiles, keys and endpoints from the environment, so that no call reaches an AWS account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


@contextmanager
def set_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables until the end of the block."""
    before = dict(os.environ)
    os.environ |= dict(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def get_memory_mb() -> int:
    """Return the memory size of the users function in the template, in MB."""
    known = {
        "Table": "muster",
        "MasterKey": MASTER_KEY_SECRET,
        "AdminPassword": "bench",
        "OpenIdClient": "bench",
        "AlertSettings": "bench",
        "EventBus": "bench",
        "LinksQueue": "bench",
        "DeadLetterQueue": "bench",
        "LinksDeadLetterQueue": "bench",
        "AWS::StackName": "bench",
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
    }
    return next(spec.memory for spec in TEMPLATE.read_functions(known, FUNCTION) if spec.name == "UsersFunction")
