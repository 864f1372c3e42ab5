"""Validate the expressions of requests to DynamoDB (:mod:`local.validation.dynamodb_rules`)."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

from local.validation import Violation
from local.validation.dynamodb_rules import (
    MAX_EXPRESSION_BYTES,
    MAX_IN_OPERANDS,
    MAX_NESTING,
    MAX_OPERATORS,
    MAX_PLACEHOLDER_BYTES,
    MAX_VARIABLES_BYTES,
    Rule,
)
from local.validation.dynamodb_values import check_names, check_value, count_bytes

Json = Mapping[str, Any]

_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_PLACEHOLDER = re.compile(r"[#:][A-Za-z0-9_]+")
_TOKEN = re.compile(r"[#:][\w]+|\w+|<>|<=|>=|[^\w\s]")
_CLAUSE = re.compile(r"(?<![\w#:.])(SET|ADD|REMOVE|DELETE)(?![\w])", re.IGNORECASE)
_KEYWORDS = frozenset({"and", "or", "not", "between", "in", "set", "add", "remove", "delete"})
_OPERATORS = frozenset({"and", "or", "not", "between", "in", "+", "-", "=", "<>", "<", ">", "<=", ">="})
_FUNCTIONS = frozenset(
    {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"}
    | {"if_not_exists", "list_append"}
)
_KEYS = frozenset({"pk", "sk"})
_SETS = frozenset({"SS", "NS", "BS"})
_OPERAND_TYPES = {"ADD": _SETS | {"N"}, "DELETE": _SETS}
_DOCUMENT_PATH = re.compile(r"[#\w]+(?:\.[#\w]+|\[\d+\])+")


def check_expressions(request: Json) -> Iterator[Violation]:
    """Yield the errors in the expressions of a request, and in the names and values that they use."""
    expressions = {name: request[name] for name in _EXPRESSIONS if name in request}
    used = {token for text in expressions.values() for token in _tokenize(text) if token[0] in "#:"}
    for kind, sign in (("Names", "#"), ("Values", ":")):
        yield from _check_placeholders(request, kind, {token for token in used if token[0] == sign}, bool(expressions))
    for name, expression in expressions.items():
        yield from _check_text(name, expression)
    values = request.get("ExpressionAttributeValues") or {}
    violations = [violation for value in values.values() for violation in check_value(value)]
    yield from violations
    if not violations and _count_variables(request) > MAX_VARIABLES_BYTES:
        yield Rule.VARIABLES_SIZE.violate()
    yield from _check_paths(request)
    yield from _check_operand_types(request)


def _count_variables(request: Json) -> int:
    """Return the size of the placeholders, and of the names and values that they stand for."""
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    return count_bytes(values) + sum(len(key.encode()) + len(name.encode()) for key, name in names.items())


def _check_placeholders(request: Json, kind: str, used: set[str], has_expression: bool) -> Iterator[Violation]:
    name = f"ExpressionAttribute{kind}"
    given = request.get(name)
    if given is None:
        given = {}
    elif not given:
        yield Rule.EMPTY_PLACEHOLDERS.violate(name=name)
    elif not has_expression:
        yield Rule.PLACEHOLDERS_WITHOUT_EXPRESSION.violate(name=name)
    elif unused := sorted(set(given) - used):
        yield Rule.UNUSED_PLACEHOLDERS.violate(name=name, keys=unused)
    if missing := sorted(used - set(given)):
        yield Rule.UNDEFINED_PLACEHOLDERS.violate(name=name, keys=missing)
    yield from _check_keys(name, given)
    if kind == "Names":
        yield from check_names(given.values())


def _check_keys(name: str, given: Json) -> Iterator[Violation]:
    """Check the placeholders themselves."""
    if long := [key[:20] for key in given if len(key.encode()) > MAX_PLACEHOLDER_BYTES]:
        yield Rule.PLACEHOLDER_SIZE.violate(name=name, keys=long)
    for key in given:
        if not _PLACEHOLDER.fullmatch(key):
            yield Rule.PLACEHOLDER_SYNTAX.violate(name=name, key=key[:20])


@lru_cache(1_000)
def _tokenize(expression: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(expression))


@lru_cache(1_000)
def _check_text(name: str, expression: str) -> tuple[Violation, ...]:
    """Return the errors in the text of an expression. The cache helps because most requests use the same few texts."""
    tokens = _tokenize(expression)
    return (*_check_limits(name, expression, tokens), *_check_reserved(name, tokens))


def _check_limits(name: str, expression: str, tokens: Sequence[str]) -> Iterator[Violation]:
    if not expression.strip():
        yield Rule.EMPTY_EXPRESSION.violate(name=name)
    if len(expression.encode()) > MAX_EXPRESSION_BYTES:
        yield Rule.EXPRESSION_SIZE.violate(name=name)
    operators = sum(token.lower() in _OPERATORS | _FUNCTIONS for token in tokens)
    if operators > MAX_OPERATORS:
        yield Rule.OPERATORS.violate(name=name, number=operators)
    for members in re.findall(r"\bIN\s*\(([^)]*)\)", expression, re.IGNORECASE):
        if members.count(",") >= MAX_IN_OPERANDS:
            yield Rule.IN_OPERANDS.violate(name=name)
    if any(len(re.findall(r"[.\[]", path)) > MAX_NESTING for path in _DOCUMENT_PATH.findall(expression)):
        yield Rule.PATH_DEPTH.violate(name=name)
    if _has_redundant_parentheses(tokens):
        yield Rule.REDUNDANT_PARENTHESES.violate(name=name)


def _has_redundant_parentheses(tokens: Sequence[str]) -> bool:
    """Return whether a pair of parentheses directly contains another one, as in ``((a = :b))``."""
    open_indexes: list[int] = []
    closed_at: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if token == "(":  # noqa: S105  # no password
            open_indexes.append(index)
        elif token == ")" and open_indexes:  # noqa: S105  # no password
            closed_at[open_indexes.pop()] = index
    return any(closed_at.get(first + 1) == last - 1 for first, last in closed_at.items())


def _check_reserved(name: str, tokens: Sequence[str]) -> Iterator[Violation]:
    reserved = [token for token in tokens if token.upper() in _read_reserved_words() and token.lower() not in _KEYWORDS]
    if reserved:
        yield Rule.RESERVED_WORD.violate(name=name, word=reserved[0])


@cache
def _read_reserved_words() -> frozenset[str]:
    """Return DynamoDB's reserved words. They are read from a file of moto, because importing moto takes long."""
    spec = find_spec("moto")
    if spec is None or spec.origin is None:
        return frozenset()
    path = Path(spec.origin).parent / "dynamodb/parsing/reserved_keywords.txt"
    return frozenset(path.read_text().split())


def _check_paths(request: Json) -> Iterator[Violation]:
    names = request.get("ExpressionAttributeNames") or {}
    for name, paths in (
        ("ProjectionExpression", request.get("ProjectionExpression", "").split(",")),
        ("UpdateExpression", list(_find_updated_paths(request.get("UpdateExpression", "")))),
    ):
        resolved = [_resolve(path, names) for path in paths if path.strip()]
        if _overlap(resolved):
            yield Rule.OVERLAPPING_PATHS.violate(name=name)
        if name == "UpdateExpression" and (keys := sorted(_KEYS & {path[0] for path in resolved})):
            yield Rule.KEY_UPDATE.violate(name=keys[0])
    clauses = Counter(clause.upper() for clause in _CLAUSE.findall(request.get("UpdateExpression", "")))
    if repeated := [clause for clause, count in clauses.items() if count > 1]:
        yield Rule.REPEATED_SECTION.violate(section=repeated[0])


def _check_operand_types(request: Json) -> Iterator[Violation]:
    """Check the operands of ADD, which are numbers and sets, and of DELETE, which are sets."""
    values = request.get("ExpressionAttributeValues") or {}
    parts = _CLAUSE.split(request.get("UpdateExpression", ""))
    for clause, actions in zip(parts[1::2], parts[2::2], strict=True):
        allowed = _OPERAND_TYPES.get(clause.upper())
        for kind in {kind for value in re.findall(r":\w+", actions) for kind in values.get(value, ())}:
            if allowed is not None and kind not in allowed:
                yield Rule.OPERAND_TYPE.violate(section=clause.upper(), kind=kind)


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
