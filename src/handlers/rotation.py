"""Lambda entry point for Secrets Manager's own rotation of a tenant's token (scim.auth.rotation)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from scim import wiring
from scim.auth.rotation import TokenRotation
from scim.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_ACTOR = "secretsmanager.amazonaws.com"


@cache
def _operator() -> wiring.OperatorAdapters:
    return wiring.build_operator(Settings.from_environment(os.environ), _ACTOR)


def handler(event: Mapping[str, str], _: LambdaContext) -> None:
    """Does one of the four steps; what keeps it from being done is raised, and Secrets Manager tries again."""
    operator = _operator()
    step, secret_id, version = event["Step"], event["SecretId"], event["ClientRequestToken"]
    TokenRotation(operator.tenants(), operator.secrets).step(step, secret_id, version)
    Logger(use_rfc3339=True).info("rotation", step=step, secret=secret_id, version=version)
