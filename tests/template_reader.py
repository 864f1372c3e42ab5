"""Read all of ``template.yaml``; the local run reads only a part of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from local.template import Intrinsic, Template


class Permission(NamedTuple):
    """An action that a policy allows. ``keys`` and ``enclosing`` are its conditions: partition keys and operation."""

    action: str
    keys: str = ""
    enclosing: str = ""


class Deployment(Template):
    """The sections, resources and permissions of the template."""

    def __getitem__(self, section: str) -> dict[str, Any]:
        content: dict[str, Any] = self._document[section]
        return content

    def select_by_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of the resources of a type, by name."""
        return {name: item["Properties"] for name, item in self._resources.items() if item["Type"] == kind}

    def get_function(self, function: str) -> dict[str, Any]:
        """Return the properties of a function, including those of the section ``Globals``."""
        own, shared = self._resources[function]["Properties"], self["Globals"]["Function"]
        environment = shared["Environment"]["Variables"] | own.get("Environment", {}).get("Variables", {})
        return {**shared, **own, "Environment": environment}

    def list_statements(self, function: str) -> list[dict[str, Any]]:
        role = self.select_by_type("AWS::IAM::Role")[self.get_function(function)["Role"].argument.removesuffix(".Arn")]
        policies = [
            self.select_by_type("AWS::IAM::ManagedPolicy")[policy.argument] for policy in role["ManagedPolicyArns"]
        ]
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

    def list_permissions(self, function: str) -> set[Permission]:
        return {
            permission for statement in self.list_statements(function) for permission in _list_permissions(statement)
        }


def _list_permissions(statement: Mapping[str, Any]) -> Iterator[Permission]:
    condition = statement.get("Condition", {})
    keys = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [""])
    enclosing = condition.get("ForAnyValue:StringEquals", {}).get("dynamodb:EnclosingOperation", [""])
    return (Permission(action, key, outer) for action in statement["Action"] for key in keys for outer in enclosing)


def find_references(value: object) -> set[str]:
    """Return the names in the ``!Ref`` and ``!Sub`` of a part of the template."""
    match value:
        case Intrinsic("Ref", str(name)):
            return {name}
        case Intrinsic("Sub", str(text)):
            return set(re.findall(r"\$\{([^}]+)\}", text))
        case Intrinsic(_, argument):
            return find_references(argument)
        case Mapping():
            return {name for item in value.values() for name in find_references(item)}
        case list():
            return {name for item in value for name in find_references(item)}
    return set()


def resolve(value: Any, known: Mapping[str, str], conditions: Mapping[str, bool]) -> Any:
    """Evaluate the intrinsic functions in a value of an output, as CloudFormation does."""
    match value:
        case Intrinsic("Ref", name):
            return known[name]
        case Intrinsic("If", [condition, then, otherwise]):
            return resolve(then if conditions[condition] else otherwise, known, conditions)
        case Intrinsic("Sub", [text, names]):
            more = {name: resolve(value, known, conditions) for name, value in names.items()}
            return resolve(Intrinsic("Sub", text), {**known, **more}, conditions)
        case Intrinsic("Sub", text):
            return re.sub(r"\$\{([^}]+)\}", lambda name: known[name[1]], text)
        case Intrinsic("Select", [index, items]):
            return resolve(items, known, conditions)[index]
        case Intrinsic("Split", [separator, text]):
            return resolve(text, known, conditions).split(separator)
    return value
