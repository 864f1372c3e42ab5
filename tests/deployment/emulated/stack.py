"""A stack that is deployed to the emulator."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.deployment.emulated.paths import ROOT

if TYPE_CHECKING:
    from tests.deployment.emulated.account import EmulatedAccount

ALIAS = "live"


@dataclass(frozen=True)
class DeployedStack:
    """A stack with its outputs. Its ``url`` is that of the SCIM endpoint."""

    account: "EmulatedAccount"
    name: str
    outputs: Mapping[str, str]
    source: Path = ROOT
    """The source tree of the command line."""

    @property
    def url(self) -> str:
        """The SCIM base URL."""
        return self.outputs["ScimUrl"]

    def muster(self, *arguments: str) -> Any:
        """Run a command of the command line for this stack, and return its JSON."""
        command = (sys.executable, "-m", "cli", *arguments, f"--stack={self.name}", "--json")
        return json.loads(self.account.run(*command, source=self.source))

    def check(self, customer: str) -> None:
        """Fail if ``muster check`` finds a problem in the stored data of a customer."""
        command = (sys.executable, "-m", "cli", "check", customer, f"--stack={self.name}", "--rate=1000")
        self.account.run(*command, source=self.source)

    def find_resource(self, logical_id: str) -> str:
        """Return the physical id of a resource."""
        client = self.account.client("cloudformation")
        detail = client.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        physical_id: str = detail["StackResourceDetail"]["PhysicalResourceId"]
        return physical_id

    def invoke(self, function: str, event: object) -> Any:
        """Invoke the live version of a function by its logical id, and return its result."""
        response = self.account.client("lambda").invoke(
            FunctionName=self.find_resource(function), Qualifier=ALIAS, Payload=json.dumps(event).encode()
        )
        result = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            raise RuntimeError(f"{function}: {result}")
        return result

    # What breaks a stack on purpose. Each method is the mistake of an operator or a fault of a deployment.

    def detach_policies(self, role: str) -> None:
        """Detach the policies of a role by its logical id, so its functions lose their permissions."""
        client, name = self.account.client("iam"), self.find_resource(role)
        for policy in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            client.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])

    def disable_event_source(self, function: str) -> None:
        """Disable the event source mappings of a function by its logical id."""
        client, name = self.account.client("lambda"), self.find_resource(function)
        for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
            if f":function:{name}:" in mapping["FunctionArn"]:
                client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    def set_variable(self, function: str, name: str, value: str) -> None:
        """Give the live version of a function another value of an environment variable."""
        client, function_name = self.account.client("lambda"), self.find_resource(function)
        variables = client.get_function_configuration(FunctionName=function_name)["Environment"]["Variables"]
        environment = {"Variables": variables | {name: value}}
        client.update_function_configuration(FunctionName=function_name, Environment=environment)
        version = client.publish_version(FunctionName=function_name)["Version"]
        client.update_alias(FunctionName=function_name, Name=ALIAS, FunctionVersion=version)

    def delete_alarm(self, alarm: str) -> None:
        """Delete an alarm by its logical id."""
        self.account.client("cloudwatch").delete_alarms(AlarmNames=[self.find_resource(alarm)])
