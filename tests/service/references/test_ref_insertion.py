"""``$ref`` values in the JSON of a document."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.references import find_references
from scim.service.model.stored_resource import encode_json
from scim.service.references.ref_insertion import find_ref_position, insert_refs
from tests.endpoint import ENTERPRISE, SURVEY
from tests.service.references.test_links import MANAGER, TYPE

MARKER = ',"$ref":null}'

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(lambda text: text.strip())


def splice(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource with a ``$ref`` next to each reference that can have one."""
    references = [
        (find_ref_position(resource, reference), f"/{reference.value}") for reference in find_references(resource, TYPE)
    ]
    refs = [(position, url) for position, url in references if position is not None]
    spliced: dict[str, Any] = json.loads(insert_refs(encode_json(resource), reversed(refs)))
    return spliced


@given(title=texts | st.just(MARKER), manager=texts | st.just(MARKER), mentor=texts, buddy=texts)
def test_ref_is_inserted_next_to_each_complex_value(title: str, manager: str, mentor: str, buddy: str) -> None:
    """The values contain quotes, braces, the marker of a position and characters of any width."""
    resource = {
        "title": title,
        ENTERPRISE: {"manager": {"value": manager}, "department": title},
        SURVEY: {"Mentor": mentor, "Buddy": {"value": buddy}},
    }
    spliced = splice(resource)
    assert spliced[ENTERPRISE]["manager"].pop("$ref") == f"/{manager}"
    assert spliced[SURVEY]["Buddy"].pop("$ref") == f"/{buddy}"
    assert spliced == resource


def test_position_is_after_the_members() -> None:
    resource = {"title": MARKER, ENTERPRISE: {"manager": {"value": "boss"}}}
    (reference,) = find_references(resource, TYPE)
    position = find_ref_position(resource, reference)
    assert reference.attribute == MANAGER
    assert encode_json(resource)[:position].endswith('"manager":{"value":"boss"')


@pytest.mark.parametrize("value", [{"value": "boss", "$ref": ""}, {"$ref": "../Users/b", "value": "boss"}])
def test_value_with_client_ref_has_no_position(value: Any) -> None:
    resource = {ENTERPRISE: {"manager": value}}
    (reference,) = find_references(resource, TYPE)
    assert find_ref_position(resource, reference) is None


def test_document_without_refs_is_unchanged() -> None:
    assert insert_refs('{"schemas":[]}', []) == '{"schemas":[]}'
