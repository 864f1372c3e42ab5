"""Validate the expressions of requests to DynamoDB.

Sources: Amazon DynamoDB developer guide, "Constraints in Amazon DynamoDB" (expression parameters), "Using update
expressions" and "Reserved words"; API reference, UpdateItem and Query.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

from local.validation.dynamodb_values import check_value, count_bytes

Json = Mapping[str, Any]

_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_MAX_BYTES = 4 * 1024
_MAX_OPERATORS = 300
_MAX_IN = 100
_MAX_VARIABLES_BYTES = 2 * 1024 * 1024
_MAX_PLACEHOLDER_BYTES = 255
_TOKEN = re.compile(r"[#:][\w]+|\w+|<>|<=|>=|[^\w\s]")
_CLAUSE = re.compile(r"(?<![\w#:.])(SET|ADD|REMOVE|DELETE)(?![\w])", re.IGNORECASE)
_KEYWORDS = frozenset({"and", "or", "not", "between", "in", "set", "add", "remove", "delete"})
_OPERATORS = frozenset({"and", "or", "not", "between", "in", "+", "-", "=", "<>", "<", ">", "<=", ">="})
_FUNCTIONS = frozenset(
    {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"}
    | {"if_not_exists", "list_append"}
)
_KEYS = frozenset({"pk", "sk"})


def check_expressions(request: Json) -> Iterator[str]:
    """Yield the errors in the expressions of a request, and in the names and values that they use."""
    expressions = {name: request[name] for name in _EXPRESSIONS if name in request}
    used = {token for text in expressions.values() for token in _tokenize(text) if token[0] in "#:"}
    for kind, sign in (("Names", "#"), ("Values", ":")):
        yield from _check_placeholders(request, kind, {token for token in used if token[0] == sign}, bool(expressions))
    for name, expression in expressions.items():
        yield from _check_text(name, expression)
    values = request.get("ExpressionAttributeValues") or {}
    for value in values.values():
        yield from check_value(value)
    if count_bytes(values) > _MAX_VARIABLES_BYTES:
        yield "the expression attribute values have more than 2 MB"
    yield from _check_paths(request)


def _check_placeholders(request: Json, kind: str, used: set[str], has_expression: bool) -> Iterator[str]:
    name = f"ExpressionAttribute{kind}"
    given = request.get(name)
    if given is None:
        given = {}
    elif not given:
        yield f"{name} must not be empty"
    elif not has_expression:
        yield f"{name} can only be specified when using expressions"
    if unused := sorted(set(given) - used):
        yield f"unused in expressions: {unused} of {name}"
    if missing := sorted(used - set(given)):
        yield f"{name} does not define {missing}"
    if long := [placeholder[:20] for placeholder in given if len(placeholder.encode()) > _MAX_PLACEHOLDER_BYTES]:
        yield f"{name} has placeholders of more than {_MAX_PLACEHOLDER_BYTES} bytes: {long}"


@lru_cache(1_000)
def _tokenize(expression: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(expression))


@lru_cache(1_000)
def _check_text(name: str, expression: str) -> tuple[str, ...]:
    """Return the errors in the text of an expression. The cache helps because most requests use the same few texts."""
    tokens = _tokenize(expression)
    return (*_check_limits(name, expression, tokens), *_check_reserved(name, tokens))


def _check_limits(name: str, expression: str, tokens: Sequence[str]) -> Iterator[str]:
    if not expression.strip():
        yield f"Invalid {name}: The expression can not be empty"
    if len(expression.encode()) > _MAX_BYTES:
        yield f"Invalid {name}: Expression size has exceeded the maximum allowed size of {_MAX_BYTES} bytes"
    operators = sum(token.lower() in _OPERATORS | _FUNCTIONS for token in tokens)
    if operators > _MAX_OPERATORS:
        yield f"Invalid {name}: The expression contains {operators} operators, more than {_MAX_OPERATORS}"
    for members in re.findall(r"\bIN\s*\(([^)]*)\)", expression, re.IGNORECASE):
        if members.count(",") >= _MAX_IN:
            yield f"Invalid {name}: the IN operator takes {_MAX_IN} operands"


def _check_reserved(name: str, tokens: Sequence[str]) -> Iterator[str]:
    reserved = [token for token in tokens if token.upper() in _read_reserved_words() and token.lower() not in _KEYWORDS]
    if reserved:
        yield f"Invalid {name}: Attribute name is a reserved keyword; reserved keyword: {reserved[0]}"


@cache
def _read_reserved_words() -> frozenset[str]:
    """Return DynamoDB's reserved words. They are read from a file of moto, because importing moto takes long."""
    spec = find_spec("moto")
    if spec is None or spec.origin is None:
        return frozenset()
    path = Path(spec.origin).parent / "dynamodb/parsing/reserved_keywords.txt"
    return frozenset(path.read_text().split())


def _check_paths(request: Json) -> Iterator[str]:
    names = request.get("ExpressionAttributeNames") or {}
    for name, paths in (
        ("ProjectionExpression", request.get("ProjectionExpression", "").split(",")),
        ("UpdateExpression", list(_find_updated_paths(request.get("UpdateExpression", "")))),
    ):
        resolved = [_resolve(path, names) for path in paths if path.strip()]
        if _overlap(resolved):
            yield f"Invalid {name}: Two document paths overlap with each other"
        if name == "UpdateExpression" and (keys := sorted(_KEYS & {path[0] for path in resolved})):
            yield f"Cannot update attribute {keys[0]}. This attribute is part of the key"
    clauses = Counter(clause.upper() for clause in _CLAUSE.findall(request.get("UpdateExpression", "")))
    if repeated := [clause for clause, count in clauses.items() if count > 1]:
        yield f'Invalid UpdateExpression: The "{repeated[0]}" section can only be used once in an update expression'


def _find_updated_paths(expression: str) -> Iterator[str]:
    """Yield the document paths that an update expression writes."""
    parts = _CLAUSE.split(expression)
    for clause, actions in zip(parts[1::2], parts[2::2], strict=True):
        for action in _split_actions(actions):
            yield action.partition("=")[0] if clause.upper() == "SET" else action.strip().partition(" ")[0]


def _split_actions(actions: str) -> list[str]:
    """Split a clause at the commas that are not within the parentheses of a function."""
    depth, start, parts = 0, 0, []
    for index, character in enumerate(actions):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(actions[start:index])
            start = index + 1
    return [*parts, actions[start:]]


def _resolve(path: str, names: Json) -> tuple[str, ...]:
    parts = re.findall(r"[^.\[\]\s]+", path)
    return tuple(names.get(part, part) for part in parts)


def _overlap(paths: list[tuple[str, ...]]) -> bool:
    ordered = sorted(paths)
    return any(later[: len(earlier)] == earlier for earlier, later in pairwise(ordered))
