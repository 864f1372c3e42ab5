"""The identifiers of users, and those in requests."""

from typing import Any

import pytest

from scim.service.model.identifiers import (
    IdentifierKind,
    Subject,
    hash_identifier,
    hash_name,
    identify_subject,
    identify_user,
)


@pytest.mark.parametrize(
    ("resource_id", "body", "query", "expected"),
    [
        (None, {"UserName": "ada", "externalid": "e"}, "", [("userName", "ada"), ("externalId", "e")]),
        (None, {"emails": [{"Value": "a@b.c"}, "x", {}]}, "", [("email", "a@b.c")]),
        ("1", {"userName": "ada"}, "", [("userName", "ada"), ("id", "1")]),
        ("1", None, "", [("id", "1")]),
        (
            "1",
            {"Operations": [{"op": "replace", "path": "userName", "value": "b"}]},
            "",
            [("id", "1"), ("userName", "b")],
        ),
        ("1", {"operations": [{"value": {"externalId": "e"}}, 3, None]}, "", [("id", "1"), ("externalId", "e")]),
        (None, None, 'filter=userName eq "a"&count=1', [("filter", "a")]),
        (None, None, 'filter=mail EQ "a\\"b" and x eq "c"', [("filter", 'a"b'), ("filter", "c")]),
        (None, {"userName": 3, "externalId": " ", "emails": "x", "Operations": 4}, "", []),
        (None, ["userName"], "", []),
        (None, "userName", 'filter=userName eq "', []),
        (
            None,
            None,
            "filter=userName eq 'O'Brien' and mail eq \u201ca@b.c\u201d",
            [("filter", "O'Brien"), ("filter", "a@b.c")],
        ),
        (None, None, "filter=userName eq 'a and active eq true", []),
        (None, None, 'filter=userName eq "' + "a" * 512 + '"', [("filter", "a" * 512)]),
        (None, None, 'filter=userName eq "' + "a" * 513 + '"', []),
    ],
)
def test_identifiers_in_a_request(resource_id: str | None, body: Any, query: str, expected: list[Any]) -> None:
    assert list(identify_subject(resource_id, body, query).identifiers) == expected


def test_kinds_of_identifiers() -> None:
    """Stored failures contain these values, so they must not change."""
    assert list(IdentifierKind) == ["userName", "externalId", "email", "id", "filter"]


def test_identifiers_are_limited() -> None:
    subject = identify_subject(None, {"userName": "x" * 9_999, "emails": [{"value": f"{n}@x"} for n in range(500)]})
    assert len(subject.identifiers) == 20
    assert len(subject.identifier[1]) == 512


def test_hash_ignores_case_and_hides_identifier() -> None:
    assert hash_identifier(" \uff33tra\u00dfe@Example.com ") == hash_identifier("STRA\u1e9eE@example.COM")
    assert hash_identifier("ada") != hash_identifier("adb")
    assert "ada" not in hash_identifier("ada")


def test_long_identifiers_and_names_are_hashed_as_a_whole() -> None:
    user_name, full_name = "u" * 600, "n" * 600
    subject = identify_subject(None, {"userName": user_name, "displayName": full_name})
    assert subject.hashes == {hash_identifier(user_name), hash_name(full_name)}
    assert identify_user({"userName": user_name}).hashes <= subject.hashes


def test_subject_without_identifier_has_no_hash() -> None:
    assert (Subject().identifier, Subject().hashes) == (("", ""), frozenset())


def test_identifiers_of_user() -> None:
    resource = {"id": "1", "userName": "ada", "externalId": "e", "emails": [{"value": "a@b.c"}], "title": "x"}
    assert identify_user(resource).hashes == {hash_identifier(identifier) for identifier in ("1", "ada", "e", "a@b.c")}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"displayName": "Ada  King"}, {"Ada  King", "Ada", "King"}),
        ({"Name": {"formatted": "A. King"}}, {"A. King", "A.", "King"}),
        ({"name": {"givenName": "Ada", "familyName": "King"}}, {"Ada King", "Ada", "King"}),
        ({"name": {"familyName": "King", "givenName": " "}}, {"King"}),
        ({"Operations": [{"path": "displayName", "value": "Ada"}, {"value": {"displayName": "Eve"}}]}, {"Ada", "Eve"}),
        ({"displayName": 3, "name": ["Ada"], "title": "Countess"}, set()),
    ],
)
def test_names_are_full_name_and_its_words(body: Any, names: set[str]) -> None:
    assert set(identify_subject(None, body).names) == names


def test_name_is_not_an_identifier() -> None:
    subject = identify_subject(None, {"userName": "ada", "displayName": "Ada King"})
    assert subject.identifiers == (("userName", "ada"),)
    assert subject.hashes == {hash_identifier("ada"), *map(hash_name, ("ADA  king", "ada", "King"))}
    assert hash_name("ada") != hash_identifier("ada")


def test_names_are_limited() -> None:
    subject = identify_subject(None, {"displayName": " ".join(f"{number}{'x' * 300}" for number in range(50))})
    assert len(subject.names) == 20


def test_name_does_not_identify_a_resource() -> None:
    """References are resolved by identifiers."""
    assert identify_user({"id": "1", "userName": "ada", "displayName": "Ada King"}).names == ()
