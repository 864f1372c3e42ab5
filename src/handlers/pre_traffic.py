"""Lambda entry point of CodeDeploy's pre-traffic hook, which tests the new versions of the functions.

When an update of the stack publishes new versions, CodeDeploy invokes the hook before it shifts traffic to them, once
for each function. The hook tests all functions each time, since they are released together. If the test fails,
CloudFormation returns to the versions before the update. See the AWS CodeDeploy user guide, "AppSpec 'hooks' section",
and docs/decisions/template/safe-deployments.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from time import sleep
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handlers.error_logging import describe_fault
from handlers.release_test import FunctionRaised, ReleasedFunction, ReleaseTest, ReleaseTestFailed
from scim.aws.clients import create_client
from scim.aws.config import CODEDEPLOY_CONFIG, INVOKE_CONFIG, ClientConfig
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT
from scim.service.tenants.errors import ConcurrentChange, TenantExists
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.operator_adapters import build_operator_adapters

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scim.wiring.operator_adapters import OperatorAdapters

_ACTOR = "codedeploy.amazonaws.com"
_ATTEMPTS = 4
_PAUSE_S = 2.0


class TestCustomerUnavailable(Exception):
    """The test customer was changed again and again while it was being connected."""


@dataclass(frozen=True)
class PreTrafficHook:
    """The handler. ``create_client`` creates the client of an AWS service, ``environment`` has the variables."""

    create_client: Callable[[str, ClientConfig], Any]
    environment: Mapping[str, str]

    @cached_property
    def _lambda_client(self) -> Any:
        return self.create_client("lambda", INVOKE_CONFIG)

    @cached_property
    def _logger(self) -> Logger:
        return Logger(use_rfc3339=True)  # Lambda filters by log level only if the timestamp is RFC 3339

    def __call__(self, event: Mapping[str, str], _: LambdaContext) -> None:
        """Run the test and report its result to CodeDeploy, also if the test itself fails."""
        is_passed = self._run_test()
        self.create_client("codedeploy", CODEDEPLOY_CONFIG).put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status="Succeeded" if is_passed else "Failed",
        )

    def _run_test(self) -> bool:
        try:
            ReleaseTest(self._invoke, self._get_token(), runtime.new_id, sleep).run()
        except ReleaseTestFailed as error:
            return self._report_failure("pre-traffic", result="failed", function=error.function, reason=error.reason)
        except Exception as fault:  # noqa: BLE001  # without a status, CodeDeploy would wait for an hour
            return self._report_failure("fault", **describe_fault(fault))
        self._logger.info("pre-traffic", result="passed")
        return True

    def _report_failure(self, message: str, **fields: Any) -> bool:
        self._logger.error(message, **fields)
        return False

    def _get_token(self) -> str:
        """Return the token of the test customer. Connect it, or replace its revoked token, if necessary.

        CodeDeploy invokes the hook for several functions at the same time. The others may do that first.
        """
        adapters = build_operator_adapters(Settings.from_environment(self.environment), _ACTOR)
        for attempt in range(_ATTEMPTS):
            if attempt:
                sleep(_PAUSE_S)
            with suppress(ConcurrentChange):
                return _issue_token(adapters)
        raise TestCustomerUnavailable

    def _invoke(self, function: ReleasedFunction, event: Mapping[str, Any]) -> Any:
        """Send an event to the new version of a function."""
        response = self._lambda_client.invoke(
            FunctionName=self.environment[function.variable], Payload=json.dumps(event).encode()
        )
        if "FunctionError" in response:
            raise FunctionRaised("it raised an error, or did not respond in time; its log says why")
        return json.loads(response["Payload"].read())


def _issue_token(adapters: OperatorAdapters) -> str:
    """Return the token of the test customer, or a new one. Raise :class:`ConcurrentChange`."""
    tenants = adapters.build_administration().tenants
    try:
        return tenants.connect_deployment_test().token
    except TenantExists:  # an operator has looked at the token, or revoked it
        version = adapters.token_store.read_current(DEPLOYMENT_TEST_TENANT)
    if version is None:
        raise ConcurrentChange("The test customer was disconnected at the same time.")
    return version.token or tenants.tokens.rotate(DEPLOYMENT_TEST_TENANT).token


handler = PreTrafficHook(create_client, os.environ)
