"""Lambda entry point of Secrets Manager's rotation of a tenant's token (:mod:`scim.auth.token_rotation`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from scim.settings import Settings
from scim.wiring.operator_adapters import OperatorAdapters, build_operator_adapters

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_ACTOR = "secretsmanager.amazonaws.com"


@cache
def _get_adapters() -> OperatorAdapters:
    return build_operator_adapters(Settings.from_environment(os.environ), _ACTOR)


def handler(event: Mapping[str, str], _: LambdaContext) -> None:
    """Run one of the four steps of a rotation. If it raises an error, Secrets Manager repeats the step."""
    step, secret_id, version = event["Step"], event["SecretId"], event["ClientRequestToken"]
    _get_adapters().build_token_rotation().run_step(step, secret_id, version)
    Logger(use_rfc3339=True).info("rotation", step=step, secret=secret_id, version=version)
