"""Keep one earlier version of each function: ``python -m deployment.versions ENVIRONMENT [rollback]``.

The template keeps all versions, because CloudFormation can keep either all or none. ``make deploy`` runs this module
before and after each deployment, to delete the others. With ``rollback``, the functions of the last deployment get
their earlier versions back (docs/decisions/template/earlier-versions.md).
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployment.preflight import PreflightError, read_sam_options

ALIAS = "live"
"""The alias of each function that the API, the stream and the queue invoke."""
_DEPLOYMENT = timedelta(minutes=15)
"""Versions that were published within this time belong to one deployment. CloudFormation publishes them in parallel."""


class RollbackError(Exception):
    """No function has an earlier version."""


@dataclass(frozen=True)
class Versions:
    """The published versions of a function by number: the live one, and the one that CloudFormation deployed last.

    They differ after a rollback.
    """

    function: str
    live: int
    deployed: int
    published: dict[int, datetime]

    @classmethod
    def read(cls, client: Any, function: str, deployed: int) -> Self:
        """Read the versions of a function from Lambda."""
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
        versions = [version for page in pages for version in page["Versions"] if version["Version"] != "$LATEST"]
        published = {
            int(version["Version"]): datetime.strptime(version["LastModified"], "%Y-%m-%dT%H:%M:%S.%f%z")
            for version in versions
        }
        live = int(client.get_alias(FunctionName=function, Name=ALIAS)["FunctionVersion"])
        return cls(function, live, deployed, published)

    @property
    def earlier(self) -> int | None:
        """The last version before the live one."""
        return max((number for number in self.published if number < self.live), default=None)

    @property
    def unused(self) -> list[int]:
        """The versions that are neither live, nor the earlier one, nor that of the stack.

        CloudFormation returns to the stack's version if the next deployment fails, also after a rollback.
        """
        return sorted(self.published.keys() - {self.live, self.earlier, self.deployed})

    @property
    def is_rolled_back(self) -> bool:
        """Whether the live version is not the one that CloudFormation deployed last."""
        return self.live != self.deployed


def main(config: str, action: str = "") -> int:
    """Delete unused versions, or return to the earlier ones. Print what was done, and return the exit code."""
    try:
        options = read_sam_options(Path(), config)
        session = boto3.Session(profile_name=options.get("profile"), region_name=options.get("region"))
        functions = list_functions(session.client("cloudformation"), options["stack_name"])
        run = roll_back if action == "rollback" else delete_unused_versions
        for line in run(session.client("lambda"), functions):
            print(line)
    except (PreflightError, RollbackError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def list_functions(client: Any, stack: str) -> dict[str, int]:
    """Return the names of the functions of a stack, with the version that the stack deployed last.

    A stack that does not exist has no functions.
    """
    try:
        pages = list(client.get_paginator("list_stack_resources").paginate(StackName=stack))
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return {}
        raise
    functions: dict[str, int] = {}
    for resource in (resource for page in pages for resource in page["StackResourceSummaries"]):
        if resource["ResourceType"] == "AWS::Lambda::Version" and not resource["ResourceStatus"].startswith("DELETE"):
            *_, function, number = resource["PhysicalResourceId"].split(":")
            functions[function] = max(int(number), functions.get(function, 0))
    return functions


def delete_unused_versions(client: Any, functions: dict[str, int]) -> Iterator[str]:
    """Delete the unused versions of functions, and yield a line for each function.

    Before a deployment, these are the versions of failed deployments. CloudFormation retains them, and Lambda would
    not publish the same code again. After it, these are also the versions before the earlier one.
    """
    for versions in (Versions.read(client, *function) for function in functions.items()):
        for number in versions.unused:
            client.delete_function(FunctionName=versions.function, Qualifier=str(number))
        kept = f", earlier version {versions.earlier}" if versions.earlier else ""
        yield f"{versions.function}: live version {versions.live}{kept}"


def roll_back(client: Any, functions: dict[str, int]) -> Iterator[str]:
    """Move the alias of the functions of the last deployment to their earlier versions. Yield a line for each.

    A function that did not change in the last deployment keeps its version: its earlier one is older than that of the
    others. So does a function that is rolled back already, so a rollback that failed can be repeated.

    Raise :class:`RollbackError` if no function has an earlier version.
    """
    all_versions = [Versions.read(client, *function) for function in functions.items()]
    published = [versions.published[versions.deployed] for versions in all_versions]
    moved = [
        versions
        for versions, time in zip(all_versions, published, strict=True)
        if versions.earlier and not versions.is_rolled_back and max(published) - time < _DEPLOYMENT
    ]
    if not moved:
        raise RollbackError("the functions of the last deployment have no earlier version, or already returned to it")
    for versions in moved:
        client.update_alias(FunctionName=versions.function, Name=ALIAS, FunctionVersion=str(versions.earlier))
        yield f"{versions.function}: live version {versions.earlier}, before {versions.live}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
