"""The names of the attributes that a body sends."""

from typing import Any

import pytest

from scim.protocol.schema import load_user_type
from scim.service.resources.sent_attributes import list_sent_attributes
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE, ENTERPRISE


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"schemas": [], "USERNAME": "x", "name": {}, "mail": 1}, ["userName", "name", "mail"]),
        ({ENTERPRISE: {"Manager": None, "department": "x"}}, [f"{ENTERPRISE}:manager", f"{ENTERPRISE}:department"]),
        ({ENTERPRISE: {"department": "x"}, f"{ENTERPRISE}:department": "x"}, [f"{ENTERPRISE}:department"]),
        ({ENTERPRISE: {}}, [ENTERPRISE]),
        ({ENTERPRISE: "x"}, [ENTERPRISE]),
        ({ENTERPRISE: {ENTERPRISE: {"department": "x"}}}, [f"{ENTERPRISE}:{ENTERPRISE}"]),
        ({CORE: {CORE: {"title": "x"}, "title": "x"}}, [f"{CORE}:{CORE}", "title"]),
        ({"ada@example.com": 1, "": 2, "a b": 3}, []),
        ({ENTERPRISE: {"ada@example.com": 1}}, []),
        ({"Operations": [{"path": 'emails[value eq "ada@x"].value'}, {"path": "title"}]}, ["emails.value", "title"]),
        ({"Operations": [{"value": {"title": 1}}, {"path": "ada@x"}, 3, {}]}, ["title"]),
        ({"Operations": [{"path": ENTERPRISE, "value": {"manager": "x"}}]}, [f"{ENTERPRISE}:manager"]),
        ({"Operations": [{"path": "", "value": {"name.givenName": 1}}]}, ["name.givenName"]),
        ({"Operations": [{"path": "emails[ada"}, {"path": "title"}]}, ["title"]),
        ({"Operations": []}, []),
        (["userName"], []),
        (None, []),
    ],
)
def test_names_of_sent_attributes(body: Any, expected: list[str]) -> None:
    assert list_sent_attributes(body, load_user_type()) == expected


def test_number_of_names_is_limited() -> None:
    assert len(list_sent_attributes({f"a{n}": 1 for n in range(1_000)}, load_user_type())) == 40


@pytest.mark.parametrize("form", ["{}", "ada {}@example.com", f"{ENTERPRISE}:{{}}"])
def test_large_body_is_fast(form: str) -> None:
    """The names are listed for each write. A body of 1 MB has about this many members."""
    body = {form.format(f"a{number}"): 1 for number in range(30_000)}
    resource_type = load_user_type().with_extensions(
        [{"id": f"urn:x:{n}", "attributes": [{"name": "a", "type": "string"}]} for n in range(100)]
    )

    def work() -> None:
        for sent in (body, {ENTERPRISE: body}, {"Operations": [{"path": name} for name in body]}):
            assert len(list_sent_attributes(sent, resource_type)) <= 40

    check_cpu_units(work, 200)


def test_name_after_many_repeated_names_is_listed() -> None:
    operations = [{"path": f'emails[value eq "{number}"].type'} for number in range(999)]
    body = {"Operations": [*operations, {"path": "title"}]}
    assert list_sent_attributes(body, load_user_type()) == ["emails.type", "title"]
