"""Read a deployed stack: its outputs, parameters and resources, with the credentials of the user."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.config import Config

from deployment.versions import ALIAS

FUNCTIONS = (
    "UsersFunction",
    "BulkFunction",
    "DiscoveryFunction",
    "AdminFunction",
    "ChangesFunction",
    "LinksFunction",
    "HealthFunction",
    "RotationFunction",
)
"""The logical ids of the functions."""
_CONFIG = Config(retries={"mode": "adaptive", "max_attempts": 10})


@dataclass(frozen=True)
class Stack:
    """A stack in the user's account. ``session`` is a session of boto3."""

    session: Any
    name: str

    def create_client(self, service: str) -> Any:
        """Return a client that repeats throttled calls."""
        return self.session.client(service, config=_CONFIG)

    @property
    def region(self) -> str:
        """The region of the stack."""
        return str(self.session.region_name)

    @cached_property
    def _description(self) -> dict[str, Any]:
        (description,) = self.create_client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return dict(description)

    @property
    def account(self) -> str:
        """The id of the account."""
        return str(self._description["StackId"].split(":")[4])

    @property
    def partition(self) -> str:
        """The partition of AWS, such as ``aws``."""
        return str(self._description["StackId"].split(":")[1])

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The outputs of the stack."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._description.get("Outputs", [])}

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of the stack."""
        return {item["ParameterKey"]: item["ParameterValue"] for item in self._description.get("Parameters", [])}

    @cached_property
    def resources(self) -> dict[str, dict[str, str]]:
        """The physical ids of the resources by type and logical id."""
        pages = self.create_client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        resources: dict[str, dict[str, str]] = {}
        for resource in (resource for page in pages for resource in page["StackResourceSummaries"]):
            if not resource["ResourceStatus"].startswith("DELETE"):
                by_name = resources.setdefault(resource["ResourceType"], {})
                by_name[resource["LogicalResourceId"]] = resource["PhysicalResourceId"]
        return resources

    def get_function(self, logical_id: str) -> str:
        """Return the name of a function."""
        return self.resources["AWS::Lambda::Function"][logical_id]

    def read_live_version(self, logical_id: str) -> dict[str, Any]:
        """Return the configuration of the version of a function to which its alias leads."""
        client = self.create_client("lambda")
        return dict(client.get_function_configuration(FunctionName=self.get_function(logical_id), Qualifier=ALIAS))

    @cached_property
    def role_arns(self) -> dict[str, str]:
        """The ARNs of the roles of the live functions, by logical id."""
        return {function: str(self.read_live_version(function)["Role"]) for function in FUNCTIONS}

    def build_arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in the region and account of the stack."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    @property
    def table_arn(self) -> str:
        """The ARN of the table."""
        return self.build_arn("dynamodb", f"table/{self.outputs['TableName']}")
