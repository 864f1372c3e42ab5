"""Read all of ``template.yaml``; the local run reads only a part of it."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from local.template import Intrinsic, Template


class Permission(NamedTuple):
    """An action that a policy allows. ``keys`` and ``enclosing`` are its conditions: partition keys and operation."""

    action: str
    keys: str = ""
    enclosing: str = ""


class Deployment(Template):
    """The sections, resources and permissions of the template. ``parameters`` are those of ``apply_parameters``."""

    def __init__(self, path: Path, parameters: Mapping[str, str] | None = None) -> None:
        super().__init__(path, parameters)
        self._has_parameters = parameters is not None
        if parameters is not None:
            conditions = self.evaluate_conditions(**parameters)
            for section in ("Globals", "Resources", "Outputs"):
                self._document[section] = _apply_conditions(self._document[section], conditions)
            self._resources = self._document["Resources"]

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

    def apply_parameters(self, **parameters: str) -> "Deployment":
        """Return the template as CloudFormation reads it with these parameters, and with the defaults of all others.

        Every ``!If`` is replaced by its value, and a resource or output is omitted if its condition is false.
        """
        return Deployment(self._path, parameters)

    def evaluate_conditions(self, **parameters: str) -> dict[str, bool]:
        """Return the values of the conditions with these parameters, and with the defaults of all others."""
        values = self._read_parameter_defaults() | parameters
        return {
            name: _evaluate(condition, values, self["Conditions"]) for name, condition in self["Conditions"].items()
        }

    def find_failed_assertions(self, **parameters: str) -> list[str]:
        """Return the descriptions of the assertions in ``Rules`` that fail with these parameters."""
        values = self._read_parameter_defaults() | parameters
        return [
            assertion["AssertDescription"]
            for rule in self["Rules"].values()
            if _evaluate(rule.get("RuleCondition", True), values, {})
            for assertion in rule["Assertions"]
            if not _evaluate(assertion["Assert"], values, {})
        ]

    def find_parameters(self, value: object) -> set[str]:
        """Return the parameters that determine a part of the template, also by the conditions in it."""
        conditions = [self["Conditions"][name] for name in _find_conditions(value)]
        return (find_references(value) | find_references(conditions)) & set(self["Parameters"])

    @cached_property
    def _with_defaults(self) -> "Deployment":
        return self if self._has_parameters else self.apply_parameters()

    def list_statements(self, function: str) -> list[dict[str, Any]]:
        """Return the statements of the policies of a function. Without parameters, the defaults apply."""
        return self._with_defaults._list_statements(function)  # noqa: SLF001 - of this class

    def _list_statements(self, function: str) -> list[dict[str, Any]]:
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


def _evaluate(condition: Any, values: Mapping[str, str], conditions: Mapping[str, Any]) -> bool:
    """Evaluate a condition of the template, or of a rule."""
    match condition:
        case bool():
            return condition
        case Intrinsic("Condition", name):
            return _evaluate(conditions[name], values, conditions)
        case Intrinsic("Equals", [left, right]):
            return str(resolve(left, values, {})) == str(resolve(right, values, {}))
        case Intrinsic("Not", [part]):
            return not _evaluate(part, values, conditions)
        case Intrinsic("And", parts):
            return all(_evaluate(part, values, conditions) for part in parts)
        case Intrinsic("Or", parts):
            return any(_evaluate(part, values, conditions) for part in parts)
    raise AssertionError(f"{condition} is no condition")


def _apply_conditions(value: Any, conditions: Mapping[str, bool]) -> Any:
    """Return a part of the template in which no ``!If`` and no ``Condition`` is left."""
    match value:
        case Intrinsic("If", [name, then, otherwise]):
            return _apply_conditions(then if conditions[name] else otherwise, conditions)
        case Intrinsic(name, argument):
            return Intrinsic(name, _apply_conditions(argument, conditions))
        case dict():
            parts = {
                key: _apply_conditions(part, conditions) for key, part in value.items() if _exists(part, conditions)
            }
            return {key: part for key, part in parts.items() if part != _NO_VALUE}
        case list():
            return [part for part in (_apply_conditions(part, conditions) for part in value) if part != _NO_VALUE]
    return value


def _exists(value: object, conditions: Mapping[str, bool]) -> bool:
    """Return whether a resource or an output exists. A policy has conditions too, which are objects."""
    condition = value.get("Condition") if isinstance(value, dict) else None
    return conditions[condition] if isinstance(condition, str) else True


def _find_conditions(value: object) -> set[str]:
    """Return the names of the conditions in a part of the template."""
    match value:
        case Intrinsic("If", [str(name), *parts]):
            return {name} | _find_conditions(parts)
        case Intrinsic(_, argument):
            return _find_conditions(argument)
        case Mapping():
            return {name for item in value.values() for name in _find_conditions(item)}
        case list():
            return {name for item in value for name in _find_conditions(item)}
    return set()


_NO_VALUE = Intrinsic("Ref", "AWS::NoValue")


def find_references(value: object) -> set[str]:
    """Return the names in the ``!Ref`` and ``!Sub`` of a part of the template."""
    match value:
        case Intrinsic("Ref", str(name)):
            return {name}
        case Intrinsic("Sub", str(text)):
            return set(re.findall(r"\$\{([^}]+)\}", text))
        case Intrinsic("Sub", [str(text), names]):
            return find_references(Intrinsic("Sub", text)) - set(names) | find_references(names)
        case Intrinsic(_, argument):
            return find_references(argument)
        case Mapping():
            return {name for item in value.values() for name in find_references(item)}
        case list():
            return {name for item in value for name in find_references(item)}
    return set()


def resolve(value: Any, known: Mapping[str, str], conditions: Mapping[str, bool]) -> Any:
    """Evaluate the intrinsic functions in a value, as CloudFormation does."""
    match value:
        case Intrinsic("Ref" | "GetAtt", name):
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
