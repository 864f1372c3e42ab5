"""Keep one earlier version of each function: ``python -m deployment.versions ENVIRONMENT [rollback]``.

The template keeps all versions, because CloudFormation can keep either all or none. ``make deploy`` runs this module
after each deployment, to delete the others. With ``rollback``, the functions of the last deployment get their earlier
versions back (docs/decisions/template/earlier-versions.md).
"""

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployment.preflight import PreflightError, read_sam_options

ALIAS = "live"
"""The alias of each function that the API, the stream and the queue invoke."""
_DEPLOYMENT = timedelta(hours=1)
"""Versions that were published within this time belong to one deployment."""


class RollbackError(Exception):
    """No function has an earlier version."""


@dataclass(frozen=True)
class Versions:
    """The published versions of a function: their numbers in ascending order, and the number of the live one."""

    function: str
    live: int
    published: dict[int, datetime]

    @classmethod
    def read(cls, client: Any, function: str) -> Self:
        """Read the versions of a function from Lambda."""
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
        versions = [version for page in pages for version in page["Versions"] if version["Version"] != "$LATEST"]
        published = {
            int(version["Version"]): datetime.strptime(version["LastModified"], "%Y-%m-%dT%H:%M:%S.%f%z")
            for version in versions
        }
        live = int(client.get_alias(FunctionName=function, Name=ALIAS)["FunctionVersion"])
        return cls(function, live, published)

    @property
    def earlier(self) -> int | None:
        """The last version before the live one."""
        return max((number for number in self.published if number < self.live), default=None)

    @property
    def unused(self) -> list[int]:
        """The versions that are neither live nor the earlier one."""
        return sorted(self.published.keys() - {self.live, self.earlier})


def main(config: str, action: str = "") -> int:
    """Delete unused versions, or return to the earlier ones. Print what was done, and return the exit code."""
    try:
        options = read_sam_options(Path(), config)
        session = boto3.Session(profile_name=options.get("profile"), region_name=options.get("region"))
        functions = list_functions(session.client("cloudformation"), options["stack_name"])
        run = roll_back if action == "rollback" else delete_unused_versions
        print(*run(session.client("lambda"), functions), sep="\n")
    except (PreflightError, RollbackError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def list_functions(client: Any, stack: str) -> list[str]:
    """Return the names of the functions of a stack."""
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return [item["PhysicalResourceId"] for item in resources if item["ResourceType"] == "AWS::Lambda::Function"]


def delete_unused_versions(client: Any, functions: list[str]) -> list[str]:
    """Delete all versions except the live and the earlier one, and return a line for each function."""
    lines = []
    for versions in (Versions.read(client, function) for function in functions):
        for number in versions.unused:
            client.delete_function(FunctionName=versions.function, Qualifier=str(number))
        kept = f", earlier version {versions.earlier}" if versions.earlier else ""
        lines.append(f"{versions.function}: live version {versions.live}{kept}")
    return lines


def roll_back(client: Any, functions: list[str]) -> list[str]:
    """Move the alias of the functions of the last deployment to their earlier versions. Return a line for each.

    A function that did not change in the last deployment keeps its version: its earlier one is older than that of the
    others. Raise :class:`RollbackError` if no function has an earlier version.
    """
    all_versions = [Versions.read(client, function) for function in functions]
    last = max(versions.published[versions.live] for versions in all_versions)
    moved = [
        versions
        for versions in all_versions
        if versions.earlier and last - versions.published[versions.live] < _DEPLOYMENT
    ]
    if not moved:
        raise RollbackError("the functions of the last deployment have no earlier version")
    for versions in moved:
        client.update_alias(FunctionName=versions.function, Name=ALIAS, FunctionVersion=str(versions.earlier))
    return [f"{versions.function}: live version {versions.earlier}, before {versions.live}" for versions in moved]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
