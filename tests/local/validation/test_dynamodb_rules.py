"""Each rule of DynamoDB has a request that violates it, and a request at the limit that does not."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.validation.dynamodb import check_request
from local.validation.dynamodb_rules import INDEX_ATTRIBUTES, Rule
from tests.endpoint import ENVIRONMENT, TEMPLATE

Json = dict[str, Any]
KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
RANGE = "pk = :pk AND #sort BETWEEN :first AND :last"


def put(**attributes: Any) -> tuple[str, Json]:
    return "PutItem", {"Item": KEY | attributes}


def update(expression: str = "SET a = :a", value: Any = None, names: Json | None = None) -> tuple[str, Json]:
    values = {":a": value or {"S": "x"}} if ":a" in expression else None
    given = {"ExpressionAttributeValues": values, "ExpressionAttributeNames": names}
    request = {name: variables for name, variables in given.items() if variables is not None}
    return "UpdateItem", {"Key": KEY, "UpdateExpression": expression, **request}


def query(*, names: Json | None = None, first: str = "b", last: str = "c", **change: Any) -> tuple[str, Json]:
    request: Json = {
        "KeyConditionExpression": RANGE,
        "ExpressionAttributeNames": {"#sort": "sk", **(names or {})},
        "ExpressionAttributeValues": {":pk": {"S": "p"}, ":first": {"S": first}, ":last": {"S": last}},
    }
    return "Query", request | change


def build_keys(number: int) -> list[Json]:
    return [{"pk": {"S": "p"}, "sk": {"S": str(index)}} for index in range(number)]


def batch_write(number: int, size: int) -> tuple[str, Json]:
    items = [key | {"doc": {"S": "x" * size}} for key in build_keys(number)]
    return "BatchWriteItem", {"RequestItems": {"t": [{"PutRequest": {"Item": item}} for item in items]}}


def batch_get(keys: list[Json]) -> tuple[str, Json]:
    return "BatchGetItem", {"RequestItems": {"t": {"Keys": keys}}}


def transact(*actions: Json, **change: Any) -> tuple[str, Json]:
    return "TransactWriteItems", {"TransactItems": list(actions), **change}


def nest(levels: int) -> Json:
    value: Json = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


LONG_NAME = "x" * 255

EXAMPLES: Mapping[Rule, tuple[tuple[str, Json], tuple[str, Json]]] = {
    # rule: a request that violates it, and one that does not
    Rule.KEY_SCHEMA: (("GetItem", {"Key": KEY | {"time": {"S": "x"}}}), ("GetItem", {"Key": KEY})),
    Rule.KEY_SIZE: (put(time={"S": "x" * 1_025}), put(time={"S": "x" * 1_024})),
    Rule.ITEM_SIZE: (put(doc={"S": "x" * 400 * 1024}), put(doc={"S": "x" * 399 * 1024})),
    Rule.NAME_SIZE: (put(a={"M": {"x" * 65_536: {"S": ""}}}), put(a={"M": {"x" * 65_535: {"S": ""}}})),
    Rule.VALUE_TYPE: (put(a={"S": "x", "N": "1"}), put(a={"S": ""})),
    Rule.NULL_VALUE: (put(a={"NULL": False}), put(a={"NULL": True})),
    Rule.NESTING: (put(a=nest(33)), put(a=nest(32))),
    Rule.EMPTY_SET: (put(a={"SS": []}), put(a={"SS": [""]})),
    Rule.DUPLICATE_MEMBERS: (put(a={"NS": ["1", "1.0"]}), put(a={"NS": ["1", "2"]})),
    Rule.TEXT: (put(a={"S": "\ud800"}), put(a={"S": "\U00010000\x00"})),
    Rule.NUMBER_FORMAT: (put(a={"N": "1,5"}), put(a={"N": "1.5"})),
    Rule.NUMBER_DIGITS: (put(a={"N": "1" * 39}), put(a={"N": "1" * 38})),
    Rule.NUMBER_MAGNITUDE: (put(a={"N": "1E126"}), put(a={"N": "-9.9E125"})),
    Rule.EMPTY_EXPRESSION: (update(" "), update()),
    Rule.EXPRESSION_SIZE: (update(f"SET {'a' * 4_092} = :a"), update(f"SET {'a' * 4_087} = :a")),
    Rule.OPERATORS: (
        update("SET " + ",".join(f"a{n}=:a" for n in range(301))),
        update("SET " + ",".join(f"a{n}=:a" for n in range(300))),
    ),
    Rule.IN_OPERANDS: (
        query(FilterExpression=f"a IN ({','.join([':first'] * 101)})"),
        query(FilterExpression=f"a IN ({','.join([':first'] * 100)})"),
    ),
    Rule.PATH_DEPTH: (update(f"SET a{'[0]' * 33} = :a"), update(f"SET a{'[0]' * 32} = :a")),
    Rule.REDUNDANT_PARENTHESES: (
        query(FilterExpression="((a = :first))"),
        query(FilterExpression="(a = :first) OR ((b = :first) AND (c = :first))"),
    ),
    Rule.RESERVED_WORD: (update("SET status = :a"), update("SET #a = :a", names={"#a": "status"})),
    Rule.OVERLAPPING_PATHS: (update("SET a.b = :a, a = :a"), update("SET a.b = :a, a.c = :a")),
    Rule.REPEATED_SECTION: (update("SET a = :a SET b = :a"), update("SET a = :a, b = :a REMOVE c")),
    Rule.OPERAND_TYPE: (update("ADD a :a"), update("ADD a :a", {"N": "1"})),
    Rule.KEY_UPDATE: (update("SET sk = :a"), update("SET time_of_day = :a")),
    Rule.KEY_IN_FILTER: (query(FilterExpression="contains(sk, :first)"), query(FilterExpression="contains(a, :first)")),
    Rule.MISSING_EXPRESSION: (
        transact({"ConditionCheck": {"Key": KEY}}),
        transact({"ConditionCheck": {"Key": KEY, "ConditionExpression": "attribute_exists(pk)"}}),
    ),
    Rule.PLACEHOLDER_SYNTAX: (
        query(names={"#\u00e9": "a"}, ProjectionExpression="#\u00e9"),
        query(names={"#a_b": "a"}, ProjectionExpression="#a_b"),
    ),
    Rule.PLACEHOLDER_SIZE: (
        query(names={f"#{LONG_NAME}": "a"}, ProjectionExpression=f"#{LONG_NAME}"),
        query(names={f"#{LONG_NAME[1:]}": "a"}, ProjectionExpression=f"#{LONG_NAME[1:]}"),
    ),
    Rule.VARIABLES_SIZE: (
        query(FilterExpression="contains(a, :last)", last="c" * 1_024, first="b" * 2**21),
        query(FilterExpression="contains(a, :last)", last="c" * 1_024, first="b" * 1_024),
    ),
    Rule.EMPTY_PLACEHOLDERS: (update("REMOVE a", names={}), update("REMOVE a")),
    Rule.PLACEHOLDERS_WITHOUT_EXPRESSION: (
        ("GetItem", {"Key": KEY, "ExpressionAttributeNames": {"#a": "a"}}),
        ("GetItem", {"Key": KEY, "ExpressionAttributeNames": {"#a": "a"}, "ProjectionExpression": "#a"}),
    ),
    Rule.UNUSED_PLACEHOLDERS: (update("SET a = :a", names={"#b": "b"}), update("SET #b = :a", names={"#b": "b"})),
    Rule.UNDEFINED_PLACEHOLDERS: (update("REMOVE #b"), update("REMOVE #b", names={"#b": "b"})),
    Rule.LIMIT: (query(Limit=2**31), query(Limit=2**31 - 1)),
    Rule.SELECT: (query(Select="COUNT", ProjectionExpression="a"), query(Select="COUNT")),
    Rule.CONSISTENT_INDEX: (
        query(IndexName="ByTime", ConsistentRead=True),
        query(IndexName="ByTime", ConsistentRead=False),
    ),
    Rule.INDEX_PROJECTION: (
        query(IndexName="ByTime", ProjectionExpression="doc"),
        query(IndexName="ByTime", ProjectionExpression="sk,handles"),
    ),
    Rule.RANGE_ORDER: (query(first="c", last="b"), query(first="c", last="c")),
    Rule.START_KEY: (query(ExclusiveStartKey={"pk": {"S": "p"}}), query(ExclusiveStartKey=KEY | {"sk": {"S": "b"}})),
    Rule.START_KEY_RANGE: (
        query(ExclusiveStartKey=KEY | {"sk": {"S": "a"}}),
        query(ExclusiveStartKey=KEY | {"sk": {"S": "bb"}}),
    ),
    Rule.RETURN_VALUES: (
        ("PutItem", {"Item": KEY, "ReturnValues": "ALL_NEW"}),
        ("PutItem", {"Item": KEY, "ReturnValues": "ALL_OLD"}),
    ),
    Rule.ITEM_COUNT: (batch_write(26, 1), batch_write(25, 1)),
    Rule.DUPLICATE_ITEMS: (batch_get([KEY, KEY]), batch_get(build_keys(100))),
    Rule.BATCH_BYTES: (batch_write(25, 700_000), batch_write(25, 400_000)),
    Rule.TRANSACTION_BYTES: (
        transact(*[{"Put": {"Item": key | {"doc": {"S": "x" * 400_000}}}} for key in build_keys(11)]),
        transact(*[{"Put": {"Item": key | {"doc": {"S": "x" * 400_000}}}} for key in build_keys(10)]),
    ),
    Rule.TRANSACTION_ACTION: (
        transact({"Put": {"Item": KEY}, "Delete": {"Key": KEY}}),
        transact({"Delete": {"Key": KEY}}),
    ),
    Rule.CLIENT_TOKEN: (
        transact({"Delete": {"Key": KEY}}, ClientRequestToken="x" * 37),
        transact({"Delete": {"Key": KEY}}, ClientRequestToken="x" * 36),
    ),
}
ALSO_VIOLATED = {
    Rule.BATCH_BYTES: {Rule.ITEM_SIZE},  # 25 items of at most 400 KB have less than 16 MB
    Rule.VARIABLES_SIZE: {Rule.KEY_SIZE},
}
"""Rules that the request necessarily violates, too."""

OTHER_VIOLATIONS = [
    (Rule.KEY_SCHEMA, ("PutItem", {"Item": {"pk": {"S": "p"}}})),
    (Rule.KEY_SCHEMA, put(time={"N": "1"})),
    (Rule.KEY_SIZE, put(time={"S": ""})),
    (Rule.KEY_SIZE, ("PutItem", {"Item": KEY | {"pk": {"S": "x" * 2_049}}})),
    (Rule.KEY_SIZE, batch_get([KEY | {"sk": {"S": ""}}])),
    (Rule.KEY_SIZE, query(first="")),
    (Rule.ITEM_SIZE, update(value={"S": "x" * 400 * 1024})),
    (Rule.NAME_SIZE, put(**{"": {"S": "x"}})),
    (Rule.NAME_SIZE, update("SET #a = :a", names={"#a": ""})),
    (Rule.VALUE_TYPE, put(a={"X": "x"})),
    (Rule.VALUE_TYPE, put(a={})),
    (Rule.LIMIT, query(Limit=0)),
    (Rule.OPERAND_TYPE, update("DELETE a :a", {"N": "1"})),
    (Rule.MISSING_EXPRESSION, ("UpdateItem", {"Key": KEY})),
    (Rule.ITEM_COUNT, batch_get(build_keys(101))),
    (Rule.ITEM_COUNT, batch_get([])),
    (Rule.ITEM_COUNT, transact()),
    (Rule.ITEM_COUNT, transact(*[{"Delete": {"Key": key}} for key in build_keys(101)])),
    (Rule.DUPLICATE_ITEMS, transact({"Delete": {"Key": KEY}}, {"Put": {"Item": KEY}})),
    (Rule.RETURN_VALUES, ("UpdateItem", update()[1] | {"ReturnValues": "ALL"})),
    (Rule.CLIENT_TOKEN, transact({"Delete": {"Key": KEY}}, ClientRequestToken="")),
]


def find_rules(request: tuple[str, Json]) -> Iterator[Rule]:
    operation, body = request
    return (Rule[violation.rule] for violation in check_request(operation, body))


def test_each_rule_has_an_example() -> None:
    assert set(EXAMPLES) == set(Rule)


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.name)
def test_rule(rule: Rule) -> None:
    violating, valid = EXAMPLES[rule]
    assert set(find_rules(violating)) == {rule} | ALSO_VIOLATED.get(rule, set())
    assert set(find_rules(valid)) == set()


@pytest.mark.parametrize(("rule", "request_"), OTHER_VIOLATIONS, ids=lambda value: getattr(value, "name", None))
def test_other_violation(rule: Rule, request_: tuple[str, Json]) -> None:
    assert rule in set(find_rules(request_))


def test_index_attributes_are_those_of_the_template() -> None:
    definition = TEMPLATE.build_table_request(ENVIRONMENT["TABLE_NAME"])
    (index,) = definition["GlobalSecondaryIndexes"]
    keys = {key["AttributeName"] for key in [*definition["KeySchema"], *index["KeySchema"]]}
    assert keys | set(index["Projection"]["NonKeyAttributes"]) == INDEX_ATTRIBUTES
