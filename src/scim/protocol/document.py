"""Objects whose members are validated, by the core of pydantic.

pydantic itself derives the validation from annotations. Importing it and building its models was a quarter of the start
of a function (docs/decisions/start-up/pydantic-core.md). So a class declares the schemas of its members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NoReturn, Self

from pydantic_core import CoreConfig, CoreSchema, SchemaValidator, core_schema

STRING = core_schema.str_schema(strict=True)
INTEGER = core_schema.int_schema(strict=True)
ANYTHING = core_schema.any_schema()

Members = Mapping[str, core_schema.ModelField]
"""The declarations of the members of a document, by name."""
_REQUIRED: Any = object()


def member(schema: CoreSchema, default: Any = _REQUIRED) -> core_schema.ModelField:
    """Return the declaration of a member. It is required unless it has a default, which must be immutable."""
    if default is not _REQUIRED:
        schema = core_schema.with_default_schema(schema, default=default)
    return core_schema.model_field(schema)


def nullable(schema: CoreSchema) -> CoreSchema:
    """Return a schema that also accepts null."""
    return core_schema.nullable_schema(schema)


def convert_first(convert: Callable[[Any], Any], schema: CoreSchema) -> CoreSchema:
    """Return a schema for values that ``convert`` converts before they are validated."""
    return core_schema.no_info_before_validator_function(convert, schema)


class ValidatedDocument:
    """An immutable object. Its attributes are the members of ``MEMBERS``; unknown members are ignored.

    ``sent_members`` has the names of the members that are no defaults.
    """

    # pydantic's core sets these attributes.
    __slots__ = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")
    __pydantic_fields_set__: set[str]

    MEMBERS: ClassVar[Members] = {}
    SCHEMA: ClassVar[CoreSchema]
    _VALIDATOR: ClassVar[SchemaValidator]

    def __init__(self, **members: Any) -> None:
        """Raise ``ValidationError`` of pydantic's core."""
        self._VALIDATOR.validate_python(members, self_instance=self)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        fields = core_schema.model_fields_schema(dict(cls.MEMBERS))
        # Errors do not contain the input, which may be secret or personal.
        config = CoreConfig(title=cls.__name__, hide_input_in_errors=True)
        cls.SCHEMA = core_schema.model_schema(cls, fields, config=config)
        cls._VALIDATOR = SchemaValidator(cls.SCHEMA)

    @classmethod
    def from_members(cls, members: Mapping[str, Any]) -> Self:
        """Return the object with these members. Raise ``ValidationError`` of pydantic's core."""
        document: Self = cls._VALIDATOR.validate_python(dict(members))
        return document

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the object in a JSON document. Raise ``ValidationError`` of pydantic's core."""
        document: Self = cls._VALIDATOR.validate_json(text)
        return document

    @property
    def sent_members(self) -> Iterable[str]:
        """The names of the members that are no defaults."""
        return self.__pydantic_fields_set__

    def replace(self, **members: Any) -> Self:
        """Return a copy with other values, which are not validated."""
        copy = object.__new__(type(self))
        object.__setattr__(copy, "__dict__", {**self.__dict__, **members})
        object.__setattr__(copy, "__pydantic_fields_set__", {*self.sent_members, *members})
        return copy

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed.")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.items()))

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({members})"
