"""The users that a filter matches over HTTP, by an index and by a scan, and the values that a PATCH path selects."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.endpoint import Endpoint

WORK = {"value": "ann@example.com", "type": "work", "primary": True}
HOME = {"value": "ann@example.org", "type": "home"}
SHARED = {"value": "shared@example.com"}


@pytest.fixture
def users(scim: Endpoint) -> dict[str, dict[str, Any]]:
    """Create three users: with two email addresses, with one, and with none."""
    return {
        "ann": scim.create(userName="ann", emails=[WORK, HOME]),
        "bob": scim.create(userName="bob", emails=[SHARED]),
        "cid": scim.create(userName="cid"),
    }


def find(scim: Endpoint, text: str) -> set[str]:
    response = scim.request("GET", f"/Users?filter={quote(text)}")
    assert response.status == 200, response.body
    return {user["userName"] for user in response.json()["Resources"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('emails ne "ann@example.com"', {"ann", "bob"}),
        ('emails.value ne "shared@example.com"', {"ann"}),
        ('not (emails eq "shared@example.com")', {"ann", "cid"}),
        ('emails[type eq "work"].value ne "x"', {"ann"}),
        ('title ne "Chef"', {"ann", "bob", "cid"}),
        ("emails[primary eq false]", {"ann", "bob"}),
        ("emails.primary eq false", {"ann", "bob"}),
        ("not (emails.primary eq true)", {"bob", "cid"}),
        ("emails.primary pr", {"ann"}),
        ("emails.primary eq null", {"ann", "bob", "cid"}),
        ("userName eq 'ann'", {"ann"}),
        ("emails eq \u201cshared@example.com\u201d", {"bob"}),
    ],
)
@pytest.mark.parametrize("search", ["{}", "({}) and userName pr", '({}) and (userName eq "ann" or userName sw "")'])
def test_matching_users(
    scim: Endpoint, users: dict[str, dict[str, Any]], search: str, text: str, expected: set[str]
) -> None:
    assert find(scim, search.format(text)) == expected & set(users)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('emails eq "ann@example.com" and emails ne "ann@example.com"', {"ann"}),
        ('emails eq "shared@example.com" and emails ne "shared@example.com"', set()),
        ('emails eq "shared@example.com" and emails.primary eq false', {"bob"}),
        ('emails[value eq "ann@example.org" and primary eq false]', {"ann"}),
        ('emails[value eq "ann@example.com" and primary eq false]', set()),
    ],
)
def test_index_and_evaluator_agree(
    scim: Endpoint, users: dict[str, dict[str, Any]], text: str, expected: set[str]
) -> None:
    """The index finds the candidates by their address. The evaluator decides by the same rules as in a scan."""
    assert find(scim, text) == find(scim, f'({text}) or userName eq "none" and title pr') == expected & set(users)


@pytest.mark.parametrize("path", ["emails[primary eq false]", 'emails[primary eq "False"]', "emails[primary ne true]"])
def test_patch_selects_elements_that_are_not_primary(
    scim: Endpoint, users: dict[str, dict[str, Any]], path: str
) -> None:
    operation = {"op": "replace", "path": f"{path}.value", "value": "new@example.com"}

    assert scim.patch(users["ann"]["id"], operation).json()["emails"] == [WORK, {**HOME, "value": "new@example.com"}]
    assert scim.patch(users["bob"]["id"], operation).json()["emails"] == [{"value": "new@example.com"}]
    assert find(scim, 'emails eq "new@example.com"') == {"ann", "bob"}


def test_patch_removes_elements_that_are_not_primary(scim: Endpoint, users: dict[str, dict[str, Any]]) -> None:
    operation = {"op": "remove", "path": "emails[primary eq false]"}

    assert scim.patch(users["ann"]["id"], operation).json()["emails"] == [WORK]
    assert "emails" not in scim.patch(users["bob"]["id"], operation).json()


def test_patch_creates_an_element_that_is_not_primary(scim: Endpoint, users: dict[str, dict[str, Any]]) -> None:
    """The new element has the values of its path, so the same PATCH changes nothing the second time."""
    operation = {"op": "add", "path": "emails[primary eq false].value", "value": "cid@example.com"}
    first, second = (scim.patch(users["cid"]["id"], operation).json() for _ in range(2))

    assert first["emails"] == [{"primary": False, "value": "cid@example.com"}]
    assert second == first


@pytest.mark.parametrize("path", ["emails[type eq 'work'].value", "emails[type eq \u2018work\u2019].value"])
def test_quotes_in_patch_path(scim: Endpoint, users: dict[str, dict[str, Any]], path: str) -> None:
    ann = users["ann"]["id"]
    by_path = scim.patch(ann, {"op": "replace", "path": path, "value": "new@example.com"})
    by_key = scim.patch(ann, {"op": "replace", "value": {path: "other@example.com"}})

    assert by_path.json()["emails"] == [{**WORK, "value": "new@example.com"}, HOME]
    assert by_key.json()["emails"] == [{**WORK, "value": "other@example.com"}, HOME]


@pytest.mark.parametrize("path", ["emails[type eq 'work].value", "emails[type eq work\u201d].value"])
def test_unbalanced_quotes_in_patch_path(scim: Endpoint, users: dict[str, dict[str, Any]], path: str) -> None:
    ann = users["ann"]
    operations = [
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "add", "path": path, "value": "x@example.com"},
    ]
    response = scim.patch(ann["id"], *operations)

    assert (response.status, response.json()["scimType"]) == (400, "invalidPath")
    assert "Put double quotes around the value" in response.json()["detail"]
    assert scim.request("GET", f"/Users/{ann['id']}").json() == ann
