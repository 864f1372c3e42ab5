"""Read the functions, routes, queues and the table from ``template.yaml``, for the local run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from local.api_gateway.routes import DEFAULT, Route
from local.aws_lambda.queue_mapping import QueueMapping, parse_queue_mapping
from local.aws_lambda.schedule import Schedule, parse_schedule
from local.aws_lambda.stream_mapping import StreamMapping, parse_stream_mapping
from local.errors import LocalRunError
from local.services.queue_config import QueueConfig, parse_queue

# The properties of AWS::DynamoDB::Table that every engine supports. TTL is missing: expired items are not deleted. On
# AWS, too, they may exist for days.
_TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")

_CONDITION = "Condition::"
"""The prefix of conditions among the values of references."""


@dataclass(frozen=True)
class Intrinsic:
    """A CloudFormation intrinsic function in place of a value, like ``!Ref Table``."""

    name: str
    argument: Any

    def __str__(self) -> str:
        return f"!{self.name} {self.argument}"


@dataclass(frozen=True)
class FunctionSpec:
    """A Lambda function. Units: seconds and MB."""

    name: str
    handler: str
    code: Path
    timeout: int
    memory: int
    variables: Mapping[str, str]
    routes: tuple[Route, ...]
    stream: StreamMapping | None = None
    queue: QueueMapping | None = None
    schedule: Schedule | None = None


class _Loader(yaml.SafeLoader):
    """A YAML loader for CloudFormation's short forms of intrinsic functions."""


def _build_intrinsic(loader: _Loader, name: str, node: yaml.Node) -> Intrinsic:
    if isinstance(node, yaml.ScalarNode):
        return Intrinsic(name, loader.construct_scalar(node))
    if isinstance(node, yaml.SequenceNode):
        return Intrinsic(name, loader.construct_sequence(node, deep=True))
    return Intrinsic(name, loader.construct_mapping(cast(yaml.MappingNode, node), deep=True))


_Loader.add_multi_constructor("!", _build_intrinsic)


class Template:
    """A SAM template. Its methods raise ``LocalRunError`` for errors in it.

    ``parameters`` are values of its parameters, which replace the defaults.
    """

    def __init__(self, path: Path, parameters: Mapping[str, str] | None = None) -> None:
        self._path = path
        try:
            self._document: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a SafeLoader
            self._resources: dict[str, Any] = self._document["Resources"]
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise LocalRunError(f"{path} can't be read as a template: {' '.join(str(error).split())}") from error
        self._parameters = dict(parameters or {})
        for name, value in self._parameters.items():
            self._check_parameter(name, value)

    def read_functions(self, known: Mapping[str, str], overrides: Mapping[str, str]) -> list[FunctionSpec]:
        """Return those of :meth:`read_all_functions` that have an event: a route, the stream, a queue or a schedule."""
        specs = self.read_all_functions(known, overrides)
        return [spec for spec in specs if spec.routes or spec.stream or spec.queue or spec.schedule]

    def read_all_functions(self, known: Mapping[str, str], overrides: Mapping[str, str]) -> list[FunctionSpec]:
        """Return all functions.

        ``known`` are values for ``!Ref`` and ``!GetAtt`` in addition to those of the parameters; ``overrides`` are
        environment variables with other values than in the template.
        """
        functions = self._find_properties("AWS::Serverless::Function")
        values = self._read_parameter_defaults() | self._parameters | dict(known)
        values |= {f"{name}.Version": name for name in functions}  # there are no versions in the local run
        values |= self._evaluate_conditions(values)
        specs = [self._build_function(name, properties, values, overrides) for name, properties in functions.items()]
        for spec in specs:
            self._check_visibility(spec)
        return specs

    def read_queues(self) -> list[QueueConfig]:
        """Return the queues of the template. Their names are those of the resources."""
        return [
            parse_queue(name, properties, _find_dead_letter_queue(properties))
            for name, properties in self._find_properties("AWS::SQS::Queue").items()
        ]

    def read_consumed_queues(self) -> frozenset[str]:
        """Return the names of the queues that a function consumes."""
        functions = self._find_properties("AWS::Serverless::Function").values()
        mappings = (_read_queue_mapping(properties.get("Events", {})) for properties in functions)
        return frozenset(mapping.queue for mapping in mappings if mapping)

    def _find_properties(self, resource_type: str) -> dict[str, dict[str, Any]]:
        return {
            name: resource.get("Properties", {})
            for name, resource in self._resources.items()
            if resource["Type"] == resource_type
        }

    def _check_visibility(self, spec: FunctionSpec) -> None:
        """Raise ``LocalRunError`` if Lambda would reject a mapping: messages would reappear during processing."""
        for queue in self.read_queues():
            if spec.queue and queue.name == spec.queue.queue and queue.visibility_timeout < spec.timeout:
                raise LocalRunError(
                    f"template.yaml: the VisibilityTimeout of {queue.name} is {queue.visibility_timeout} s, less than "
                    f"the Timeout of {spec.name}, {spec.timeout} s"
                )

    def build_table_request(self, name: str) -> dict[str, Any]:
        """Return the CreateTable request for the template's table."""
        properties = self._resources["Table"]["Properties"]
        request = {"TableName": name} | {key: properties[key] for key in _TABLE_PROPERTIES if key in properties}
        if "StreamSpecification" in properties:
            request["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
        return request

    def _check_parameter(self, name: str, value: str) -> None:
        """Raise ``LocalRunError`` if there is no such parameter, or its value is no number in its range."""
        parameters = self._document.get("Parameters", {})
        if name not in parameters:
            raise LocalRunError(f"template.yaml has no parameter {name}; its parameters are {', '.join(parameters)}")
        if parameters[name]["Type"] != "Number":
            return
        least, most = (parameters[name].get(limit) for limit in ("MinValue", "MaxValue"))
        try:
            is_valid = (least is None or float(value) >= least) and (most is None or float(value) <= most)
        except ValueError:
            is_valid = False
        if not is_valid:
            raise LocalRunError(f"the parameter {name} is {value!r}; it must be a number from {least} to {most}")

    def _read_parameter_defaults(self) -> dict[str, str]:
        parameters = self._document.get("Parameters", {}).items()
        return {name: str(parameter["Default"]) for name, parameter in parameters if "Default" in parameter}

    def _evaluate_conditions(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return ``true`` or ``false`` for the conditions, so that :func:`_resolve` finds them."""
        conditions = self._document.get("Conditions", {}).items()
        return {_CONDITION + name: str(_holds(condition, values)).lower() for name, condition in conditions}

    def _build_function(
        self, name: str, own: dict[str, Any], values: Mapping[str, str], overrides: Mapping[str, str]
    ) -> FunctionSpec:
        shared = self._document.get("Globals", {}).get("Function", {})
        properties = shared | own
        variables = _read_variables(shared) | _read_variables(own) | dict(overrides)
        return FunctionSpec(
            name=name,
            handler=properties["Handler"],
            code=self._path.parent / properties["CodeUri"],
            timeout=properties.get("Timeout", 3),
            memory=properties.get("MemorySize", 128),
            variables={key: _resolve(value, values, f"{name}'s {key}") for key, value in variables.items()},
            routes=tuple(_read_routes(name, own.get("Events", {}))),
            stream=_read_stream_mapping(own.get("Events", {})),
            queue=_read_queue_mapping(own.get("Events", {})),
            schedule=_read_schedule(own.get("Events", {}), values),
        )


def _read_variables(properties: Mapping[str, Any]) -> dict[str, Any]:
    variables: dict[str, Any] = properties.get("Environment", {}).get("Variables", {})
    return variables


def _read_routes(function: str, events: Mapping[str, Any]) -> list[Route]:
    """Return the routes of a function's HttpApi events. As in SAM, an event without a path is the default route."""
    routes = []
    for event in events.values():
        if event["Type"] == "HttpApi":
            properties = event.get("Properties", {})
            path = properties.get("Path", DEFAULT)
            key = DEFAULT if path == DEFAULT else f"{properties.get('Method', 'ANY').upper()} {path}"
            routes.append(Route(key, function))
    return routes


def _read_stream_mapping(events: Mapping[str, Any]) -> StreamMapping | None:
    """Return the mapping of a function's DynamoDB event, if any. There is only one table, so only one stream."""
    properties = [event["Properties"] for event in events.values() if event["Type"] == "DynamoDB"]
    return next((parse_stream_mapping(event, _find_failure_queue(event)) for event in properties), None)


def _find_failure_queue(properties: Mapping[str, Any]) -> str | None:
    destination = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return _resolve_queue(destination) if destination else None


def _read_queue_mapping(events: Mapping[str, Any]) -> QueueMapping | None:
    """Return the mapping of a function's SQS event, if any."""
    properties = [event["Properties"] for event in events.values() if event["Type"] == "SQS"]
    mappings = (parse_queue_mapping(_resolve_queue(event["Queue"]), event) for event in properties)
    return next(mappings, None)


def _read_schedule(events: Mapping[str, Any], values: Mapping[str, str]) -> Schedule | None:
    """Return the schedule of a function's Schedule event, if any."""
    expressions = [event["Properties"]["Schedule"] for event in events.values() if event["Type"] == "Schedule"]
    return next((parse_schedule(_resolve(expression, values, "a schedule")) for expression in expressions), None)


def _find_dead_letter_queue(properties: Mapping[str, Any]) -> str | None:
    policy = properties.get("RedrivePolicy")
    return _resolve_queue(policy["deadLetterTargetArn"]) if policy else None


def _resolve_queue(value: object) -> str:
    """Return the name of the queue in ``!GetAtt Queue.Arn``."""
    if isinstance(value, Intrinsic) and value.name == "GetAtt":
        name, _, attribute = ".".join(
            value.argument if isinstance(value.argument, list) else [value.argument]
        ).partition(".")
        if attribute == "Arn":
            return name
    raise LocalRunError(f"template.yaml: {value} is not the ARN of a queue in the template; use !GetAtt QUEUE.Arn")


def _holds(condition: object, known: Mapping[str, str]) -> bool:
    """Return whether a condition holds. Of the functions of CloudFormation, it may use ``!Equals`` and ``!Not``."""
    match condition:
        case Intrinsic("Not", [negated]):
            return not _holds(negated, known)
        case Intrinsic("Equals", [first, second]):
            return _resolve(first, known, "a condition") == _resolve(second, known, "a condition")
    raise LocalRunError(f"template.yaml: the local run cannot evaluate the condition {condition}")


def _resolve(value: object, known: Mapping[str, str], what: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, Intrinsic):
        return str(value)
    try:
        if value.name in ("Ref", "GetAtt"):
            return known[value.argument]
        if value.name == "If":
            condition, then, otherwise = value.argument
            return _resolve(then if known[_CONDITION + condition] == "true" else otherwise, known, what)
        if value.name == "Sub":
            return re.sub(r"\$\{([^!}]+)\}", lambda reference: known[reference[1]], value.argument)
    except (KeyError, TypeError):
        pass
    raise LocalRunError(
        f"template.yaml: {what} is {value}, which has no value in the local run; define one in local/run.py"
    )
