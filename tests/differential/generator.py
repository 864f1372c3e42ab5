"""Random users, filters and PATCH operations, which are the same for the same seed.

They have few different values, so that filters and paths match. Many values are similar: they differ by case or by
normal form, or have quotes and brackets.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any, TypeVar

from scim.protocol.schema import Attribute, DataType, Schema, load_user_type
from scim.protocol.values.elements import merge_duplicates

Json = Any
T = TypeVar("T")

CORE = load_user_type().schema
(ENTERPRISE,) = load_user_type().extensions
WRITABLE = [attribute for attribute in CORE.attributes.values() if not attribute.is_read_only]
SINGLE = [attribute for attribute in WRITABLE if not attribute.is_multi_valued and not attribute.sub_attributes]
MULTIPLE = [attribute for attribute in WRITABLE if attribute.is_multi_valued]
MULTIPLE_NAMES = {attribute.name.lower() for attribute in MULTIPLE}
COMMON = [
    Attribute("id", DataType.STRING, is_case_exact=True),
    Attribute("externalId", DataType.STRING, is_case_exact=True),
]
CREATED = Attribute("created", DataType.DATE_TIME)
EMAIL = CORE.attributes["emails"].sub_attributes["value"]
USER_NAME = CORE.attributes["username"]

WORDS = [
    *("a", "A", "ab", "B", "bob", "Bob", "Straße", "STRASSE", "caf\u00e9", "cafe\u0301", "CAF\u00c9", "work", "Work"),
    *("with space", 'a "quote"', "back\\slash", "a]b", "and", "0", "true", "null", "\u4f60\u597d", "\U0001f600"),
]
USER_NAMES = [word for word in WORDS if word != "\U0001f600"]  # RFC 8265 disallows the others
TYPES = ["work", "home", "other"]
EMAILS = ["bob@example.com", "Bob@example.com", "alice@example.com", "a@example.org"]
REFERENCES = ["https://example.com/a", "https://example.com/A", "https://example.com/b"]
BINARIES = ["YQ==", "YWI=", "QQ=="]
INSTANTS = [
    *("2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2019-12-31T23:59:59.999999Z", "2020-01-01T00:00:00.5Z"),
    *("2020-01-01T00:00:00.500Z", "2021-06-01T12:00:00-05:00", "2021-06-01T17:00:00Z"),
]
EQUALITY = ["eq", "ne"]
SUBSTRING = ["co", "sw", "ew"]
ORDER = ["gt", "ge", "lt", "le"]
VALUES: dict[DataType, list[Json]] = {
    DataType.STRING: WORDS,
    DataType.BOOLEAN: [True, False],
    DataType.DATE_TIME: INSTANTS,
    DataType.BINARY: BINARIES,
    DataType.REFERENCE: REFERENCES,
}
OPERATORS: dict[DataType, list[str]] = {
    DataType.STRING: [*EQUALITY, *EQUALITY, *SUBSTRING, *ORDER],
    DataType.BOOLEAN: EQUALITY,
    DataType.DATE_TIME: [*EQUALITY, *ORDER],
    DataType.BINARY: EQUALITY,
    DataType.REFERENCE: [*EQUALITY, *SUBSTRING, *ORDER],
}


def _values(attribute: Attribute) -> list[Json]:
    """Return the values that an attribute can have."""
    if attribute is EMAIL:
        return EMAILS
    if attribute is USER_NAME:
        return USER_NAMES
    return TYPES if attribute.name == "type" else VALUES[attribute.type]


class Generator:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # repeatable

    def generate_user(self) -> dict[str, Json]:
        """Return a user in canonical form."""
        user: dict[str, Json] = {"schemas": [CORE.id], "userName": self._choose(USER_NAMES)}
        for attribute in self._choose_some([*WRITABLE, COMMON[1]]):
            value = self._value(attribute)
            user[attribute.name] = merge_duplicates(attribute, value) if attribute.is_multi_valued else value
        if self._chance(0.5):
            user["schemas"] = [CORE.id, ENTERPRISE.id]
            user[ENTERPRISE.id] = self._object(ENTERPRISE.attributes.values())
        return user

    def generate_stored_user(self) -> dict[str, Json]:
        """Return a user with the attributes that the service adds."""
        return {**self.generate_user(), "id": self._choose(WORDS), "meta": {"created": self._choose(INSTANTS)}}

    def generate_filter(self) -> str:
        """Return a filter; with a small probability it has an operator or a value that does not fit the attribute."""
        return self._filter(3, self._comparable)

    def generate_operations(self) -> list[dict[str, Json]]:
        """Return the operations of a PATCH; with a small probability some of them are invalid."""
        return [self._operation() for _ in range(self._random.randint(1, 4))]

    # Values

    def _value(self, attribute: Attribute) -> Json:
        if not attribute.is_multi_valued:
            return self._element(attribute)
        elements = [self._element(attribute) for _ in range(self._random.randint(1, 3))]
        for element in elements[1:]:
            element.pop("primary", None)
        return [element for element in elements if element] or [{"type": "work"}]

    def _element(self, attribute: Attribute) -> Json:
        if attribute.type is DataType.COMPLEX:
            return self._object(attribute.sub_attributes.values())
        return self._choose(_values(attribute))

    def _object(self, attributes: Iterable[Attribute]) -> dict[str, Json]:
        """Return an object with at least one of the attributes that a client can write."""
        writable = [attribute for attribute in attributes if not attribute.is_read_only]
        chosen = self._choose_some(writable) or [self._choose(writable)]
        return {attribute.name: self._value(attribute) for attribute in chosen}

    # Filters

    def _filter(self, depth: int, leaf: Callable[[], tuple[str, Attribute]], *, selects: bool = True) -> str:
        """Return a filter. It has few brackets, so that precedence matters."""

        def inner() -> str:
            return self._filter(depth - 1, leaf, selects=selects)

        kinds: list[Callable[[], str]] = [lambda: self._comparison(*leaf()), lambda: self._present(leaf()[0])]
        if selects:
            kinds += [self._selection, self._value_path_comparison]
        if depth and self._chance(0.6):
            kinds = [
                lambda: f"{inner()} {self._change_case('and')} {inner()}",
                lambda: f"{inner()} {self._change_case('or')} {inner()}",
                lambda: f"{self._change_case('not')}{self._choose(['', ' '])}({inner()})",
                lambda: f"({inner()})",
            ]
        return self._choose(kinds)()

    def _comparison(self, name: str, attribute: Attribute) -> str:
        any_operator = [*EQUALITY, *SUBSTRING, *ORDER]
        operator = self._choose(any_operator if self._chance(0.02) else OPERATORS[attribute.type])
        literal = self._literal(attribute)
        if self._chance(0.9):  # the two implementations differ on purpose in these comparisons
            attribute_name = name.rpartition(":")[2].partition(".")[0].lower()
            operator = "eq" if operator == "ne" and attribute_name in MULTIPLE_NAMES else operator
            literal = "true" if (attribute.name, literal) == ("primary", "false") else literal
        return f"{name} {self._change_case(operator)} {literal}"

    def _present(self, name: str) -> str:
        return f"{name} {self._change_case('pr')}"

    def _literal(self, attribute: Attribute) -> str:
        if self._chance(0.03):
            return self._choose(["null", "true", "7", '"x"', '""'])
        return json.dumps(self._choose(_values(attribute)), ensure_ascii=self._chance(0.1))

    def _comparable(self) -> tuple[str, Attribute]:
        """Return a name and the attribute whose values are compared."""
        name, attribute = self._choose(list(self._names()))
        return self._change_case(name), attribute

    def _names(self) -> Iterator[tuple[str, Attribute]]:
        yield from ((attribute.name, attribute) for attribute in COMMON)
        yield "meta.created", CREATED
        for schema, prefix in ((CORE, ""), (CORE, f"{CORE.id}:"), (ENTERPRISE, f"{ENTERPRISE.id}:")):
            for attribute in self._readable(schema):
                if attribute.type is not DataType.COMPLEX:
                    yield prefix + attribute.name, attribute
                elif attribute.is_multi_valued and "value" in attribute.sub_attributes:
                    yield prefix + attribute.name, attribute.sub_attributes["value"]
                for sub_attribute in attribute.sub_attributes.values():
                    yield f"{prefix}{attribute.name}.{sub_attribute.name}", sub_attribute

    def _readable(self, schema: Schema) -> list[Attribute]:
        return [attribute for attribute in schema.attributes.values() if not attribute.is_read_only]

    def _selection(self) -> str:
        """``emails[type eq "work"]``"""
        attribute = self._choose(MULTIPLE)
        return f"{self._change_case(attribute.name)}[{self._selection_filter(attribute)}]"

    def _value_path_comparison(self) -> str:
        """``emails[type eq "work"].value eq "b@example.com"``"""
        attribute = self._choose(MULTIPLE)
        sub_attribute = self._choose(list(attribute.sub_attributes.values()))
        name = f"{attribute.name}[{self._selection_filter(attribute)}].{sub_attribute.name}"
        return self._present(name) if self._chance(0.2) else self._comparison(name, sub_attribute)

    def _selection_filter(self, attribute: Attribute) -> str:
        subs = list(attribute.sub_attributes.values())

        def leaf() -> tuple[str, Attribute]:
            sub_attribute = self._choose(subs)
            return self._change_case(sub_attribute.name), sub_attribute

        return self._filter(1, leaf, selects=False)

    # PATCH

    def _operation(self) -> dict[str, Json]:
        op = self._change_case(self._choose(["add", "replace", "replace", "remove"]))
        kinds = [
            *[self._at_single, self._at_complex, self._at_multiple, self._at_multiple, self._at_element] * 3,
            *[self._at_element, self._at_extension, self._at_extension] * 3,
            *[self._at_schema, self._without_path, self._invalid_path],
        ]
        path, value = self._choose(kinds)()
        operation: dict[str, Json] = {"op": op}
        if path is not None:
            operation["path"] = path
        if op.lower() != "remove":
            operation["value"] = self._spoil(value)
        elif isinstance(value, list) and "[" not in (path or "") and self._chance(0.3):
            operation["value"] = value
        return operation

    def _spoil(self, value: Json) -> Json:
        """Return, with a small probability, no value or one of another type instead."""
        return self._choose([None, [], 7, "x", {"unknown": 1}]) if self._chance(0.04) else value

    def _at_single(self) -> tuple[str, Json]:
        attribute = self._choose([*SINGLE, COMMON[1]])
        prefix = f"{CORE.id}:" if self._chance(0.1) and attribute not in COMMON else ""
        return self._change_case(prefix + attribute.name), self._value(attribute)

    def _at_complex(self) -> tuple[str, Json]:
        name = CORE.attributes["name"]
        sub_attribute = self._choose(list(name.sub_attributes.values()))
        return self._choose(
            [("name", self._value(name)), (self._change_case(f"name.{sub_attribute.name}"), self._value(sub_attribute))]
        )

    def _at_multiple(self) -> tuple[str, Json]:
        """``emails`` or ``emails.type``"""
        attribute = self._choose(MULTIPLE)
        if self._chance(0.1):
            sub_attribute = self._choose(
                [member for member in attribute.sub_attributes.values() if member.name != "primary"]
            )
            return f"{attribute.name}.{sub_attribute.name}", self._value(sub_attribute)
        return self._change_case(attribute.name), self._value(attribute)

    def _at_element(self) -> tuple[str, Json]:
        """``emails[type eq "work"]`` or ``emails[type eq "work"].value``"""
        attribute = self._choose(MULTIPLE)
        selection = self._describing_filter() if self._chance(0.8) else self._selection_filter(attribute)
        path = f"{self._change_case(attribute.name)}[{selection}]"
        if self._chance(0.3):
            return path, self._element(attribute)
        sub_attribute = self._choose(list(attribute.sub_attributes.values()))
        return f"{path}.{sub_attribute.name}", self._value(sub_attribute)

    def _describing_filter(self) -> str:
        """Return a filter that describes an element."""
        by_type = f'type {self._change_case("eq")} "{self._choose(TYPES)}"'
        primary = f"primary eq {self._choose(['true', 'false'])}"
        return self._choose([by_type, by_type, by_type, primary, f"{by_type} and {primary}"])

    def _at_extension(self) -> tuple[str, Json]:
        attribute = self._choose(list(ENTERPRISE.attributes.values()))
        path = self._change_case(f"{ENTERPRISE.id}:{attribute.name}")
        if attribute.type is DataType.COMPLEX and self._chance(0.5):
            sub_attribute = self._choose(
                [member for member in attribute.sub_attributes.values() if not member.is_read_only]
            )
            return f"{path}.{sub_attribute.name}", self._value(sub_attribute)
        return path, self._value(attribute)

    def _at_schema(self) -> tuple[str, Json]:
        return ENTERPRISE.id, self._object(ENTERPRISE.attributes.values())

    def _without_path(self) -> tuple[None, Json]:
        """Return an object whose names are attributes or, as from Entra ID, paths."""
        pairs = [self._choose([self._at_single, self._at_complex, self._at_multiple, self._at_extension])()]
        pairs += [self._at_schema()] if self._chance(0.3) else []
        return None, dict(pairs)

    def _invalid_path(self) -> tuple[str, Json]:
        """Return the path of an attribute that cannot be written, or a malformed path."""
        paths = [
            "id",
            "meta.created",
            "groups",
            "nickname2",
            "name.unknown",
            "emails[",
            "emails[type]",
            "a..b",
            "",
            "1",
        ]
        paths += ['emails[type eq "work"', 'name[familyName eq "a"]', 'emails[nosuch eq "a"].value', "[type pr]"]
        return self._choose(paths), self._choose(WORDS)

    # Random choices

    def _choose(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def _choose_some(self, choices: Sequence[T]) -> list[T]:
        return [choice for choice in choices if self._chance(0.35)]

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _change_case(self, name: str) -> str:
        """Return the name in any case, mostly in its own."""
        return self._choose([name, name, name, name.lower(), name.upper(), name.title()])
