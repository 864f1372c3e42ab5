"""Evaluate the policies of the template for calls to DynamoDB."""

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from deployment.smoke.accesses import Access, Reading, list_accesses
from tests.template.deployment import DEPLOYMENT, TABLE_ARN, list_resources


def is_call_allowed(function: str, operation: str, arguments: Mapping[str, Any], reading: Reading) -> bool:
    """Return whether a function may make a call. It needs the permission for each item of a transaction."""
    statements = DEPLOYMENT.list_statements(function)
    return all(_is_allowed(statements, access) for access in list_accesses(operation, arguments, reading, TABLE_ARN))


def _is_allowed(statements: Sequence[Mapping[str, Any]], access: Access) -> bool:
    return any(
        access.action in statement["Action"]
        and access.resource in list_resources(statement)
        and all(_holds(operator, keys, access) for operator, keys in statement.get("Condition", {}).items())
        for statement in statements
        if statement["Effect"] == "Allow"
    )


def _holds(operator: str, keys: Mapping[str, Collection[str] | str], access: Access) -> bool:
    """Return whether a condition holds (IAM user guide, "Set operators for multivalued context keys")."""
    for key, patterns in keys.items():
        values = access.condition_values[key]
        listed = [patterns] if isinstance(patterns, str) else patterns
        matches = [any(fnmatchcase(value, pattern) for pattern in listed) for value in values]
        match operator:
            case "ForAllValues:StringLike" | "ForAllValues:StringEquals":
                if not all(matches):
                    return False
            case "ForAnyValue:StringEquals":
                if not any(matches):
                    return False
            case "StringEqualsIfExists":
                if values and not all(matches):
                    return False
            case _:
                raise NotImplementedError(operator)
    return True
