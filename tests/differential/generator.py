"""Users, filters and PATCH operations by chance: the same ones for the same seed.

They are drawn from few values, so that filters find and paths select; and from values that are easily mistaken for
one another: in other cases, in other normal forms, with quotes and brackets in them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any, TypeVar

from scim.protocol.schema import Attribute, DataType, Schema, load_user_type

Json = Any
T = TypeVar("T")

CORE = load_user_type().schema
(ENTERPRISE,) = load_user_type().extensions
WRITABLE = [attribute for attribute in CORE.attributes.values() if not attribute.is_read_only]
SINGLE = [attribute for attribute in WRITABLE if not attribute.multi_valued and not attribute.sub_attributes]
MULTIPLE = [attribute for attribute in WRITABLE if attribute.multi_valued]
COMMON = [Attribute("id", DataType.STRING, case_exact=True), Attribute("externalId", DataType.STRING, case_exact=True)]
CREATED = Attribute("created", DataType.DATE_TIME)
EMAIL = CORE.attributes["emails"].sub_attributes["value"]

WORDS = [
    *("a", "A", "ab", "B", "bob", "Bob", "Straße", "STRASSE", "caf\u00e9", "cafe\u0301", "CAF\u00c9", "work", "Work"),
    *("with space", 'a "quote"', "back\\slash", "a]b", "and", "0", "true", "null", "\u4f60\u597d", "\U0001f600"),
]
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
    """What a value of the attribute is drawn from."""
    if attribute is EMAIL:
        return EMAILS
    return TYPES if attribute.name == "type" else VALUES[attribute.type]


class Generator:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # repeatable, which a secret must not be

    def user(self) -> dict[str, Json]:
        """A canonical user."""
        user: dict[str, Json] = {"schemas": [CORE.id], "userName": self._one(WORDS)}
        for attribute in self._some([*WRITABLE, COMMON[1]]):
            user[attribute.name] = self._value(attribute)
        if self._chance(0.5):
            user["schemas"] = [CORE.id, ENTERPRISE.id]
            user[ENTERPRISE.id] = self._object(ENTERPRISE.attributes.values())
        return user

    def stored_user(self) -> dict[str, Json]:
        """A user with what the service adds to it."""
        return {**self.user(), "id": self._one(WORDS), "meta": {"created": self._one(INSTANTS)}}

    def filter(self) -> str:
        """A filter; now and then one that compares what can't be compared."""
        return self._filter(3, self._comparable)

    def operations(self) -> list[dict[str, Json]]:
        """The operations of a PATCH; now and then among them one that is refused."""
        return [self._operation() for _ in range(self._random.randint(1, 4))]

    # Values

    def _value(self, attribute: Attribute) -> Json:
        if not attribute.multi_valued:
            return self._element(attribute)
        elements = [self._element(attribute) for _ in range(self._random.randint(1, 3))]
        for element in elements[1:]:
            element.pop("primary", None)
        return [element for element in elements if element] or [{"type": "work"}]

    def _element(self, attribute: Attribute) -> Json:
        if attribute.type is DataType.COMPLEX:
            return self._object(attribute.sub_attributes.values())
        return self._one(_values(attribute))

    def _object(self, attributes: Iterable[Attribute]) -> dict[str, Json]:
        """Some of the attributes that a client may write, and at least one."""
        writable = [attribute for attribute in attributes if not attribute.is_read_only]
        chosen = self._some(writable) or [self._one(writable)]
        return {attribute.name: self._value(attribute) for attribute in chosen}

    # Filters

    def _filter(self, depth: int, leaf: Callable[[], tuple[str, Attribute]], *, selects: bool = True) -> str:
        """Written without more brackets than it happens to have, so that precedence decides."""

        def inner() -> str:
            return self._filter(depth - 1, leaf, selects=selects)

        kinds: list[Callable[[], str]] = [lambda: self._comparison(*leaf()), lambda: self._present(leaf()[0])]
        if selects:
            kinds += [self._selection, self._selected]
        if depth and self._chance(0.6):
            kinds = [
                lambda: f"{inner()} {self._cased('and')} {inner()}",
                lambda: f"{inner()} {self._cased('or')} {inner()}",
                lambda: f"{self._cased('not')}{self._one(['', ' '])}({inner()})",
                lambda: f"({inner()})",
            ]
        return self._one(kinds)()

    def _comparison(self, name: str, attribute: Attribute) -> str:
        any_operator = [*EQUALITY, *SUBSTRING, *ORDER]
        operator = self._one(any_operator if self._chance(0.02) else OPERATORS[attribute.type])
        if "]" in name and operator == "ne" and self._chance(0.9):
            operator = "eq"  # since ne is read in two ways there
        return f"{name} {self._cased(operator)} {self._literal(attribute)}"

    def _present(self, name: str) -> str:
        return f"{name} {self._cased('pr')}"

    def _literal(self, attribute: Attribute) -> str:
        if self._chance(0.03):
            return self._one(["null", "true", "7", '"x"', '""'])
        return json.dumps(self._one(_values(attribute)), ensure_ascii=self._chance(0.1))

    def _comparable(self) -> tuple[str, Attribute]:
        """A name that may be compared, and the attribute whose values are."""
        name, attribute = self._one(list(self._names()))
        return self._cased(name), attribute

    def _names(self) -> Iterator[tuple[str, Attribute]]:
        yield from ((attribute.name, attribute) for attribute in COMMON)
        yield "meta.created", CREATED
        for schema, prefix in ((CORE, ""), (CORE, f"{CORE.id}:"), (ENTERPRISE, f"{ENTERPRISE.id}:")):
            for attribute in self._readable(schema):
                if attribute.type is not DataType.COMPLEX:
                    yield prefix + attribute.name, attribute
                elif attribute.multi_valued and "value" in attribute.sub_attributes:
                    yield prefix + attribute.name, attribute.sub_attributes["value"]
                for sub_attribute in attribute.sub_attributes.values():
                    yield f"{prefix}{attribute.name}.{sub_attribute.name}", sub_attribute

    def _readable(self, schema: Schema) -> list[Attribute]:
        return [attribute for attribute in schema.attributes.values() if not attribute.is_read_only]

    def _selection(self) -> str:
        """``emails[type eq "work"]``"""
        attribute = self._one(MULTIPLE)
        return f"{self._cased(attribute.name)}[{self._selecting(attribute)}]"

    def _selected(self) -> str:
        """``emails[type eq "work"].value eq "b@example.com"``"""
        attribute = self._one(MULTIPLE)
        sub_attribute = self._one(list(attribute.sub_attributes.values()))
        name = f"{attribute.name}[{self._selecting(attribute)}].{sub_attribute.name}"
        return self._present(name) if self._chance(0.2) else self._comparison(name, sub_attribute)

    def _selecting(self, attribute: Attribute) -> str:
        subs = list(attribute.sub_attributes.values())

        def leaf() -> tuple[str, Attribute]:
            sub_attribute = self._one(subs)
            return self._cased(sub_attribute.name), sub_attribute

        return self._filter(1, leaf, selects=False)

    # PATCH

    def _operation(self) -> dict[str, Json]:
        op = self._cased(self._one(["add", "replace", "replace", "remove"]))
        kinds = [
            *[self._at_single, self._at_complex, self._at_multiple, self._at_multiple, self._at_element] * 3,
            *[self._at_element, self._at_extension, self._at_extension] * 3,
            *[self._at_schema, self._without_path, self._refused],
        ]
        path, value = self._one(kinds)()
        operation: dict[str, Json] = {"op": op}
        if path is not None:
            operation["path"] = path
        if op.lower() != "remove":
            operation["value"] = self._spoilt(value)
        elif isinstance(value, list) and "[" not in (path or "") and self._chance(0.3):
            operation["value"] = value
        return operation

    def _spoilt(self, value: Json) -> Json:
        """Now and then no value, or one of another type."""
        return self._one([None, [], 7, "x", {"unknown": 1}]) if self._chance(0.04) else value

    def _at_single(self) -> tuple[str, Json]:
        attribute = self._one([*SINGLE, COMMON[1]])
        prefix = f"{CORE.id}:" if self._chance(0.1) and attribute not in COMMON else ""
        return self._cased(prefix + attribute.name), self._value(attribute)

    def _at_complex(self) -> tuple[str, Json]:
        name = CORE.attributes["name"]
        sub_attribute = self._one(list(name.sub_attributes.values()))
        return self._one(
            [("name", self._value(name)), (self._cased(f"name.{sub_attribute.name}"), self._value(sub_attribute))]
        )

    def _at_multiple(self) -> tuple[str, Json]:
        """``emails`` or ``emails.type``"""
        attribute = self._one(MULTIPLE)
        if self._chance(0.1):
            sub_attribute = self._one([each for each in attribute.sub_attributes.values() if each.name != "primary"])
            return f"{attribute.name}.{sub_attribute.name}", self._value(sub_attribute)
        return self._cased(attribute.name), self._value(attribute)

    def _at_element(self) -> tuple[str, Json]:
        """``emails[type eq "work"]`` or ``emails[type eq "work"].value``"""
        attribute = self._one(MULTIPLE)
        selection = self._described() if self._chance(0.8) else self._selecting(attribute)
        path = f"{self._cased(attribute.name)}[{selection}]"
        if self._chance(0.3):
            return path, self._element(attribute)
        sub_attribute = self._one(list(attribute.sub_attributes.values()))
        return f"{path}.{sub_attribute.name}", self._value(sub_attribute)

    def _described(self) -> str:
        """A selection that describes an element, too."""
        by_type = f'type {self._cased("eq")} "{self._one(TYPES)}"'
        primary = f"primary eq {self._one(['true', 'false'])}"
        return self._one([by_type, by_type, by_type, primary, f"{by_type} and {primary}"])

    def _at_extension(self) -> tuple[str, Json]:
        attribute = self._one(list(ENTERPRISE.attributes.values()))
        path = self._cased(f"{ENTERPRISE.id}:{attribute.name}")
        if attribute.type is DataType.COMPLEX and self._chance(0.5):
            sub_attribute = self._one([each for each in attribute.sub_attributes.values() if not each.is_read_only])
            return f"{path}.{sub_attribute.name}", self._value(sub_attribute)
        return path, self._value(attribute)

    def _at_schema(self) -> tuple[str, Json]:
        return ENTERPRISE.id, self._object(ENTERPRISE.attributes.values())

    def _without_path(self) -> tuple[None, Json]:
        """Attributes, and as Entra ID has them paths, as the keys of an object."""
        pairs = [self._one([self._at_single, self._at_complex, self._at_multiple, self._at_extension])()]
        pairs += [self._at_schema()] if self._chance(0.3) else []
        return None, dict(pairs)

    def _refused(self) -> tuple[str, Json]:
        """Paths to what can't be written, and paths that are none."""
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
        return self._one(paths), self._one(WORDS)

    # Chance

    def _one(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def _some(self, choices: Sequence[T]) -> list[T]:
        return [choice for choice in choices if self._chance(0.35)]

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _cased(self, name: str) -> str:
        """The name in any case, mostly in its own."""
        return self._one([name, name, name, name.lower(), name.upper(), name.title()])
