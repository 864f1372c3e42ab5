"""What the command ``doctor`` checks: a stack, or a local run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cli.aws_session import create_client


@dataclass(frozen=True)
class Target:
    """A deployment and the access to its AWS services.

    ``name`` is the name of the stack, empty for the local run. ``outputs`` are those of the stack. The local run has
    only some of them. ``endpoints`` are the URLs of local services by name, empty for those of AWS.
    """

    name: str
    session: Any
    outputs: Mapping[str, str]
    scim_url: str
    endpoints: Mapping[str, str]

    @property
    def is_local(self) -> bool:
        """Whether this is a local run, which has no functions and alarms of AWS."""
        return not self.name

    @property
    def table_name(self) -> str:
        """The name of the table."""
        return self.outputs["TableName"]

    def create_client(self, service: str) -> Any:
        """Return a client that raises the errors of :mod:`scim.aws.errors`."""
        return create_client(self.session, service, self.endpoints.get(service))

    def get_endpoint(self, service: str) -> str:
        """Return the URL to which the calls of a service go."""
        return str(self.session.client(service, endpoint_url=self.endpoints.get(service)).meta.endpoint_url)

    @cached_property
    def resources(self) -> Mapping[str, Mapping[str, str]]:
        """The physical ids of the stack's resources by type and logical id."""
        resources: dict[str, dict[str, str]] = {}
        for resource in self._list_resources():
            by_name = resources.setdefault(resource["ResourceType"], {})
            by_name[resource["LogicalResourceId"]] = resource["PhysicalResourceId"]
        return resources

    def _list_resources(self) -> Iterator[Mapping[str, str]]:
        client, request = self.create_client("cloudformation"), {"StackName": self.name}
        while True:
            response = client.list_stack_resources(**request)
            for resource in response["StackResourceSummaries"]:
                if "PhysicalResourceId" in resource and not resource["ResourceStatus"].startswith("DELETE"):
                    yield resource
            if "NextToken" not in response:
                return
            request["NextToken"] = response["NextToken"]
