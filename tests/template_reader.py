"""All of ``template.yaml``, of which the local run reads a part."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from local.template import Intrinsic, Template


class Right(NamedTuple):
    """An action that a policy allows, with the partition keys and the enclosing operation that it is confined to."""

    action: str
    keys: str = ""
    enclosing: str = ""


class Deployment(Template):
    """What the template deploys."""

    def __getitem__(self, section: str) -> dict[str, Any]:
        found: dict[str, Any] = self._document[section]
        return found

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of the resources of a type, by name."""
        return {name: each["Properties"] for name, each in self._resources.items() if each["Type"] == kind}

    def properties(self, function: str) -> dict[str, Any]:
        """A function's properties on top of those that all have."""
        own, shared = self._resources[function]["Properties"], self["Globals"]["Function"]
        environment = shared["Environment"]["Variables"] | own.get("Environment", {}).get("Variables", {})
        return {**shared, **own, "Environment": environment}

    def statements(self, function: str) -> list[dict[str, Any]]:
        role = self.of_type("AWS::IAM::Role")[self.properties(function)["Role"].argument.removesuffix(".Arn")]
        policies = [self.of_type("AWS::IAM::ManagedPolicy")[each.argument] for each in role["ManagedPolicyArns"]]
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

    def rights(self, function: str) -> set[Right]:
        return {right for statement in self.statements(function) for right in _rights(statement)}


def _rights(statement: Mapping[str, Any]) -> Iterator[Right]:
    condition = statement.get("Condition", {})
    keys = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [""])
    enclosing = condition.get("ForAnyValue:StringEquals", {}).get("dynamodb:EnclosingOperation", [""])
    return (Right(action, key, outer) for action in statement["Action"] for key in keys for outer in enclosing)


def references(value: object) -> set[str]:
    """What a part of the template refers to by ``!Ref`` and ``!Sub``."""
    match value:
        case Intrinsic("Ref", str(name)):
            return {name}
        case Intrinsic("Sub", str(text)):
            return set(re.findall(r"\$\{([^}]+)\}", text))
        case Intrinsic(_, argument):
            return references(argument)
        case Mapping():
            return {name for each in value.values() for name in references(each)}
        case list():
            return {name for each in value for name in references(each)}
    return set()


def resolve(value: Any, known: Mapping[str, str], conditions: Mapping[str, bool]) -> Any:
    """What CloudFormation makes of a value, for the functions that the outputs use."""
    match value:
        case Intrinsic("Ref", name):
            return known[name]
        case Intrinsic("If", [condition, then, otherwise]):
            return resolve(then if conditions[condition] else otherwise, known, conditions)
        case Intrinsic("Sub", [text, names]):
            more = {name: resolve(each, known, conditions) for name, each in names.items()}
            return resolve(Intrinsic("Sub", text), {**known, **more}, conditions)
        case Intrinsic("Sub", text):
            return re.sub(r"\$\{([^}]+)\}", lambda name: known[name[1]], text)
        case Intrinsic("Select", [index, items]):
            return resolve(items, known, conditions)[index]
        case Intrinsic("Split", [separator, text]):
            return resolve(text, known, conditions).split(separator)
    return value
