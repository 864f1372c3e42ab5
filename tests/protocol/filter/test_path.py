"""Attribute paths: valid, unknown and malformed ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import InvalidPath
from scim.protocol.filter.ast import And, AttributePath, Comparison, ComparisonOperator, Filter, Present
from scim.protocol.filter.parser import parse_filter, parse_path
from scim.protocol.filter.path import UnknownAttribute, resolve_path, resolve_sub_attribute
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import load_user_type
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE, ENTERPRISE
from tests.protocol.filter.resource_type import EXTENSION, TYPE

seeded = settings(derandomize=True, deadline=None, max_examples=300)


def parse(text: str, *, strict: bool = False) -> AttributePath:
    return parse_path(text, TYPE, LeniencyTracker(strict))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("userName", "userName"),
        ("USERNAME", "userName"),
        (" userName ", "userName"),
        ("name.familyName", "name.familyName"),
        ("Name.FAMILYNAME", "name.familyName"),
        ("meta.lastModified", "meta.lastModified"),
        (f"{CORE}:userName", "userName"),
        (f"{CORE}:name.familyName", "name.familyName"),
        (f"{CORE.lower()}:EMAILS.VALUE", "emails.value"),
        (f"{ENTERPRISE}:department", f"{ENTERPRISE}:department"),
        (f"{ENTERPRISE.upper()}:DEPARTMENT", f"{ENTERPRISE}:department"),
        (f"{ENTERPRISE}:manager.value", f"{ENTERPRISE}:manager.value"),
        (f"{ENTERPRISE}:manager.$ref", f"{ENTERPRISE}:manager.$ref"),
        (ENTERPRISE, ENTERPRISE),
        (ENTERPRISE.lower(), ENTERPRISE),
        (f"{ENTERPRISE}.manager", f"{ENTERPRISE}:manager"),
        (f"{ENTERPRISE}.manager.value", f"{ENTERPRISE}:manager.value"),
        (f"{CORE}.userName", "userName"),
        ("manager", f"{ENTERPRISE}:manager"),
        ("Manager.Value", f"{ENTERPRISE}:manager.value"),
        ("department", f"{ENTERPRISE}:department"),
        (f"{EXTENSION}:Business Unit", f"{EXTENSION}:Business Unit"),
        (f"{EXTENSION.upper()}:BUSINESS UNIT", f"{EXTENSION}:Business Unit"),
        (f"{EXTENSION}:Mentor", f"{EXTENSION}:Mentor"),
        ('emails[type eq "work"]', 'emails[type eq "work"]'),
        ('emails[type eq "work"].value', 'emails[type eq "work"].value'),
        ('EMAILS[Type Eq "work" AND Primary eq TRUE].Value', 'emails[type eq "work" and primary eq true].value'),
        ('emails[ not ( type eq "work" ) ].value', 'emails[not (type eq "work")].value'),
        ("emails[type eq work].value", 'emails[type eq "work"].value'),
        ('roles[primary eq "True"].value', 'roles[primary eq "True"].value'),
        (f'{CORE}:emails[type eq "work"].value', 'emails[type eq "work"].value'),
        ('emails[type eq "]"].value', 'emails[type eq "]"].value'),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


def test_parts_of_path() -> None:
    emails = TYPE.core_schema.attributes["emails"]
    type_, value = emails.sub_attributes["type"], emails.sub_attributes["value"]
    manager = TYPE.extensions[0].attributes["manager"]

    assert parse("emails") == AttributePath(emails)
    assert parse("emails.value") == AttributePath(emails, value)
    assert parse('emails[type eq "work"].value') == AttributePath(
        emails, value, value_filter=Comparison(AttributePath(type_), ComparisonOperator.EQ, "work")
    )
    assert parse(f"{ENTERPRISE}:manager.value") == AttributePath(manager, manager.sub_attributes["value"], ENTERPRISE)
    assert parse(ENTERPRISE) == AttributePath(None, extension=ENTERPRISE)
    assert parse(CORE) == AttributePath(None)


@pytest.mark.parametrize(
    ("text", "leaf"),
    [
        ("emails", "emails"),
        ("emails.value", "value"),
        ("emails[type pr]", "emails"),
        ("emails[type pr].value", "value"),
    ],
)
def test_leaf(text: str, leaf: str) -> None:
    path = parse(text)

    assert path.leaf is not None
    assert path.leaf.name == leaf


def test_path_of_schema_has_no_leaf() -> None:
    assert parse(ENTERPRISE).leaf is None


@pytest.mark.parametrize(
    "text",
    [
        *("unknown", "name.unknown", "userName.value", "emails.unknown", 'emails[type eq "work"].unknown'),
        *('unknown[type eq "a]b"]', 'unknown[type eq "work" and (value pr or not (primary eq true))].value'),
        *('emails[unknown eq "work"].value', "emails[name.unknown pr]", "unknown[count gt 7].value"),
        *(f"{ENTERPRISE}:unknown", f"{ENTERPRISE}.unknown", f"{CORE}:department", "urn:example:2.0:User:department"),
        *("urn:ietf:params:scim:schemas:extension:enterprise:2.0User:department", "x-custom_1", "$ref"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_unknown_attribute(text: str, strict: bool) -> None:
    with pytest.raises(UnknownAttribute):
        parse(text, strict=strict)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", ":", "[", "]", "1", "-a", "_a", '"userName"', "user name", "userName eq", 'userName eq "a"'),
        *("emails.", "emails..value", ".emails", "emails.value.", "name.familyName.x", "emails:value", "unknown."),
        *("a..b", "unknown.b.c", "unknown.b..c", "unknown[", "unknown[]", "unknown]", "unknown[type]"),
        *('unknown[type eq "a]', "unknown[type pr].", "unknown[type pr].a.b", "unknown[type pr]x", "unknown [type pr]"),
        *("emails[", "emails[]", "emails[type", "emails[type]", "emails[type eq]", "emails[type pr)]"),
        *('emails[type eq "work"', 'emails[type eq "work].value', 'emails[type eq "work"]value', "emails[type = 1]"),
        *("emails[type pr].", "emails[type pr].value.x", f"{ENTERPRISE}[department pr]"),
        *('emails[type eq "work"].value eq "a"', "emails [type pr]", "emails[emails[type pr]]", "emails[(type pr]"),
        *("emails.value[type pr]", "name[familyName pr]", "userName[value pr]"),
        *("emails[unknown eq].value", "emails[unknown].value", "emails[type eq 'work']x", 'emails["type" pr]'),
        *("userName, title", "userName;title", "userName/title", "userName\x00", "us\u00e9rName", "\uff41"),
        *("urn:", "urn::", f"{ENTERPRISE}:", f"{ENTERPRISE}:manager.value.x", "https://example.com/a"),
        *(f"{EXTENSION}:Business  Unit", f"{EXTENSION}:Business Units", f"{EXTENSION}:Business Unit.value.x"),
        "Business Unit",
    ],
)  # fmt: skip
def test_malformed_path(text: str) -> None:
    with pytest.raises(InvalidPath):
        parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("emails[", "The name of an attribute is expected at the end."),
        ('emails[type eq "work"', "A closing square bracket is expected at the end."),
        ('emails[type eq "work" x]', "A closing square bracket is expected at character 23 of 24."),
        (
            "userName[type pr]",
            "The attribute is not multi-valued, so square brackets are not allowed at character 9 of 17.",
        ),
        ('emails[type eq "work]', "The closing quote is missing for the quote at character 16 of 21."),
        ("userName eq", "Unexpected text at character 10 of 11."),
        ("a..b", "Malformed attribute name at character 1 of 4."),
        ('emails[type eq "work"].a..b', "Unexpected text at character 25 of 27."),
    ],
)
def test_position_of_error(text: str, expected: str) -> None:
    with pytest.raises(InvalidPath) as error:
        parse(text)

    assert error.value.detail == expected


def test_longest_name_with_space_is_used() -> None:
    attributes = [{"name": name, "type": "string"} for name in ("Cost Center", "Cost", "Cost Center Code")]
    resource_type = load_user_type().with_extensions(
        [{"id": "urn:example:User", "name": "Example", "attributes": attributes}]
    )
    texts = [f"urn:example:User:{attribute['name']}" for attribute in attributes]

    assert [str(parse_path(text, resource_type, LeniencyTracker())) for text in texts] == texts


@pytest.mark.parametrize("name", ["type", "TYPE"])
def test_names_in_brackets_are_sub_attributes(name: str) -> None:
    emails = TYPE.core_schema.attributes["emails"]

    assert resolve_sub_attribute(name, emails) == AttributePath(emails.sub_attributes["type"])
    with pytest.raises(UnknownAttribute) as unknown:
        resolve_sub_attribute("userName", emails)
    assert unknown.value.name == "emails.userName"


def test_core_attribute_has_precedence() -> None:
    title = {"id": "urn:example:User", "name": "Example", "attributes": [{"name": "title", "type": "integer"}]}
    resource_type = load_user_type().with_extensions([title])

    assert resolve_path("title", resource_type, LeniencyTracker()) == AttributePath(
        resource_type.core_schema.attributes["title"]
    )


def list_path_texts() -> list[str]:
    """Return all paths of the schemas, without selections."""
    texts = []
    for schema in TYPE.schemas:
        prefix = "" if schema is TYPE.core_schema else f"{schema.id}:"
        for attribute in schema.attributes.values():
            texts.append(prefix + attribute.name)
            texts += [f"{prefix}{attribute.name}.{sub.name}" for sub in attribute.sub_attributes.values()]
    return texts


def test_all_paths_of_the_schemas() -> None:
    assert [str(parse(text)) for text in list_path_texts()] == list_path_texts()


MULTI_VALUED = [
    attribute
    for attribute in TYPE.core_schema.attributes.values()
    if attribute.sub_attributes and attribute.is_multi_valued
]


@st.composite
def paths(draw: st.DrawFn) -> AttributePath:
    if draw(st.booleans()):
        return parse(draw(st.sampled_from([*list_path_texts(), ENTERPRISE, EXTENSION])))
    attribute = draw(st.sampled_from(MULTI_VALUED))
    subs = list(attribute.sub_attributes.values())
    terms: list[Filter] = [
        Comparison(
            AttributePath(draw(st.sampled_from(subs))),
            draw(st.sampled_from(ComparisonOperator)),
            draw(st.text(max_size=20)),
        ),
        Present(AttributePath(draw(st.sampled_from(subs)))),
    ]
    selection: Filter = draw(st.sampled_from([*terms, And(tuple(terms))]))
    return AttributePath(attribute, draw(st.sampled_from([None, *subs])), value_filter=selection)


@seeded
@given(paths(), st.booleans())
def test_text_of_path_parses_to_the_path(path: AttributePath, strict: bool) -> None:
    assert parse(str(path), strict=strict) == path


@seeded
@given(st.text() | st.text(alphabet='aeil."[]() :$q\\'))
def test_any_text_is_valid_or_rejected(text: str) -> None:
    try:
        path = parse(text)
    except (InvalidPath, UnknownAttribute):
        return
    assert parse(str(path)) == path or path == AttributePath(None)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "emails[" * 10_000,
        "emails[" + "(" * 9_000,
        "unknown[" + "(" * 9_000,
        "unknown[" * 1_200,
        'emails[type eq "' + '\\"' * 4_900,
        'unknown[type eq "' + '\\"' * 4_900,
        "unknown[type pr" + " or type pr" * 800 + "]",
        "emails[type pr" + " or type pr" * 800 + "]",
        "emails[" + "not(" * 2_000,
        "a." * 5_000,
        "urn:" * 2_500,
        "urn:" + "a:" * 4_900,
        "emails" + " " * 9_900 + "[",
        "emails[" + " " * 9_900,
    ],
    ids=lambda text: f"{text[:12]}... of {len(text)}",
)
def test_hostile_path_is_rejected_fast(text: str) -> None:

    def work() -> None:
        with pytest.raises(InvalidPath):
            parse(text)

    check_cpu_units(work, 50)


@pytest.mark.parametrize("text", ["a" * 10_000, f"unknown[{'a' * 9_000} pr]"], ids=["name", "selection"])
def test_long_unknown_name_is_rejected_fast(text: str) -> None:

    def work() -> None:
        with pytest.raises(UnknownAttribute):
            parse(text)

    check_cpu_units(work, 50)


TYPE_WITH_SPACES = load_user_type().with_extensions(
    [
        {
            "id": "urn:example:User",
            "attributes": [
                {"name": "Cost C", "type": "string"},
                {"name": "Cost", "type": "string"},
                {"name": "Line Manager", "type": "complex", "subAttributes": [{"name": "value", "type": "string"}]},
            ],
        }
    ]
)


@pytest.mark.parametrize("text", ["Line Manager.value", "line manager.VALUE", "Cost C", "Cost", "Line Manager"])
def test_name_with_space(text: str) -> None:
    """A dot with a sub-attribute can follow, or an operator that is a prefix of a longer name."""
    assert (
        str(parse_path(f"urn:example:User:{text}", TYPE_WITH_SPACES, LeniencyTracker())).lower()
        == f"urn:example:user:{text}".lower()
    )
    tree = parse_filter(f'urn:example:User:{text} co "x"', TYPE_WITH_SPACES, LeniencyTracker())
    assert str(tree).lower() == f'urn:example:user:{text} co "x"'.lower()
