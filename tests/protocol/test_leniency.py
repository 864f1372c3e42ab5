"""Leniencies: requests that need one are recorded, and rejected in strict mode."""

from collections.abc import Callable
from typing import Any

import pytest

from scim.protocol.errors import (
    InvalidFilter,
    InvalidParameter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    NoTarget,
    ScimError,
)
from scim.protocol.filter.evaluator import compile_filter
from scim.protocol.filter.parser import parse_filter
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.messages import PatchRequest, parse_message
from scim.protocol.patch.apply import apply_patch
from scim.protocol.projection import parse_projection
from scim.protocol.resource import parse_resource
from scim.protocol.schema import load_user_type
from scim.protocol.sort import compile_sort
from tests.endpoint import CORE, ENTERPRISE

USER = {
    "schemas": [CORE, ENTERPRISE],
    "userName": "bjensen",
    "emails": [{"value": "bjensen@example.com", "type": "work"}],
    ENTERPRISE: {"manager": {"value": "1", "$ref": "../Users/1"}},
}

LenientRequest = tuple[Callable[[LeniencyTracker], object], type[ScimError]]
"""A function that sends a request, and the error that it raises in strict mode."""


def post(members: dict[str, Any], error: type[ScimError]) -> LenientRequest:
    """Return a POST of a user."""
    user = {"schemas": [CORE], "userName": "bjensen"} | members
    members = {name: value for name, value in user.items() if value is not ...}
    return lambda leniencies: parse_resource(members, load_user_type(), leniencies), error


def patch(operation: dict[str, Any], error: type[ScimError], schemas: Any = (PatchRequest.urn,)) -> LenientRequest:
    def apply(leniencies: LeniencyTracker) -> object:
        members = {"Operations": [operation]} | ({"schemas": list(schemas)} if schemas else {})
        request = parse_message(PatchRequest, members, leniencies)
        return apply_patch(USER, request.operations, load_user_type(), leniencies)

    return apply, error


def query(text: str) -> LenientRequest:
    def evaluate(leniencies: LeniencyTracker) -> object:
        return compile_filter(parse_filter(text, load_user_type(), leniencies), leniencies)

    return evaluate, InvalidFilter


def project(attributes: str, error: type[ScimError]) -> LenientRequest:
    return lambda leniencies: parse_projection([attributes], [], load_user_type(), leniencies), error


def sort(name: str, error: type[ScimError]) -> LenientRequest:
    return lambda leniencies: compile_sort(name, load_user_type(), leniencies), error


def replace(path: str, value: Any, error: type[ScimError]) -> LenientRequest:
    return patch({"op": "replace", "path": path, "value": value}, error)


REQUESTS: dict[Leniency, list[LenientRequest]] = {
    Leniency.STRING_BOOLEAN: [
        post({"active": "True"}, InvalidValue),
        post({"roles": [{"value": "a", "primary": "false"}]}, InvalidValue),
        replace("active", "False", InvalidValue),
        query('active eq "true"'),
        replace('emails[primary eq "True"].value', "", InvalidFilter),
    ],
    Leniency.EMPTY_STRING: [
        post({"active": ""}, InvalidValue),
        post({"userName": "bjensen", "emails": ""}, InvalidValue),
        replace("emails", "", InvalidValue),
        replace('emails[type eq "work"]', "", InvalidValue),
        replace("name", "", InvalidValue),
        replace('emails[type eq "home"].value', "", NoTarget),
    ],
    Leniency.SCALAR_VALUE: [
        post({ENTERPRISE: {"manager": "1"}}, InvalidValue),
        replace(f"{ENTERPRISE}:manager", "1", InvalidValue),
    ],
    Leniency.LISTED_VALUE: [
        post({ENTERPRISE: {"manager": [{"value": "1"}]}}, InvalidValue),
        replace(f"{ENTERPRISE}:manager", [{"$ref": "../Users/1", "value": "1"}], InvalidValue),
    ],
    Leniency.MISSING_SCHEMAS: [
        post({"schemas": ...}, InvalidValue),
        post({"schemas": None}, InvalidValue),
        patch({"op": "remove", "path": "title"}, InvalidSyntax, schemas=None),
    ],
    Leniency.FOREIGN_SCHEMAS: [
        post({"schemas": ["urn:scim:schemas:core:1.0", CORE]}, InvalidValue),
        post({"schemas": ["urn:scim:schemas:core:1.0"]}, InvalidValue),
        post({"schemas": []}, InvalidValue),
    ],
    Leniency.UNKNOWN_ATTRIBUTE: [
        post({"prefferedLanguage": "en"}, InvalidValue),
        post({"name": {"firstName": "Barbara"}}, InvalidValue),
        post({"urn:example:2.0:User": {"level": 1}}, InvalidValue),
        replace("name", {"firstName": "Barbara"}, InvalidValue),
        project("userName2", InvalidParameter),
    ],
    Leniency.UNKNOWN_PATH: [
        replace("prefferedLanguage", "en", InvalidPath),
        replace('unknown[type eq "work"].value', "x", InvalidPath),
        patch({"op": "remove", "path": f"{ENTERPRISE}:unknown"}, InvalidPath),
    ],
    Leniency.PATHLESS_PATCH: [patch({"op": "replace", "value": {"active": False}}, InvalidSyntax)],
    Leniency.PATH_AS_KEY: [
        replace(CORE, {"name.familyName": "Jensen"}, InvalidValue),
        replace(CORE, {f"{CORE}:title": "Guide"}, InvalidValue),
        replace(ENTERPRISE, {"manager.value": "1"}, InvalidValue),
        post({f"{CORE}:title": "Guide"}, InvalidValue),
        post({CORE: {"title": "Guide"}}, InvalidValue),
        post({f"{ENTERPRISE}:department": "Tours"}, InvalidValue),
        post({f"{ENTERPRISE}:manager.value": "1"}, InvalidValue),
    ],
    Leniency.BARE_EXTENSION: [
        query('manager eq "1"'),
        patch({"op": "remove", "path": "manager"}, InvalidPath),
        project("department", InvalidParameter),
    ],
    Leniency.DOTTED_URN: [
        query(f'{ENTERPRISE}.manager eq "1"'),
        patch({"op": "remove", "path": f"{ENTERPRISE}.manager"}, InvalidPath),
    ],
    Leniency.CREATED_ELEMENT: [
        replace('emails[type eq "home"].value', "a@example.com", NoTarget),
        patch({"op": "add", "path": 'emails[type eq "home"]', "value": {"value": "a@example.com"}}, NoTarget),
    ],
    Leniency.REMOVED_VALUES: [
        patch({"op": "remove", "path": "emails", "value": [{"value": "bjensen@example.com"}]}, InvalidValue)
    ],
    Leniency.UNQUOTED_VALUE: [query("userName eq alice"), query("externalId eq 42")],
    Leniency.OTHER_QUOTES: [
        query("userName eq 'alice'"),
        query("emails[type eq \u201cwork\u201d]"),
        replace("emails[type eq 'work'].value", "a@example.com", InvalidPath),
        replace(CORE, {"emails[type eq \u2018work\u2019].value": "a@example.com"}, InvalidPath),
        project("emails[type eq 'work']", InvalidParameter),
    ],
    Leniency.VALUE_FILTER: [
        query('emails[type eq "work"].value eq "bjensen@example.com"'),
        query('emails[type eq "work"].value pr'),
        project('emails[type eq "work"]', InvalidParameter),
        project('emails[type eq "work"].value', InvalidParameter),
        sort('emails[type eq "work"].value', InvalidParameter),
    ],
    Leniency.USER_NAME_CHARACTER: [
        post({"userName": "O\u2019Brien"}, InvalidValue),
        replace("userName", "O\u2019Brien", InvalidValue),
    ],
}

CASES = [(leniency, *request) for leniency, requests in REQUESTS.items() for request in requests]


class TestLeniencies:
    def test_leniencies_have_a_request(self) -> None:
        assert set(REQUESTS) == set(Leniency)

    @pytest.mark.parametrize(("leniency", "send"), [(leniency, send) for leniency, send, _ in CASES])
    def test_leniency_is_recorded(self, leniency: Leniency, send: Callable[[LeniencyTracker], object]) -> None:
        leniencies = LeniencyTracker()
        send(leniencies)

        assert leniency.label in leniencies.used

    @pytest.mark.parametrize(("send", "error"), [(send, error) for _, send, error in CASES])
    def test_strict_mode(self, send: Callable[[LeniencyTracker], object], error: type[ScimError]) -> None:
        leniencies = LeniencyTracker(is_strict=True)

        with pytest.raises(ScimError) as raised:
            send(leniencies)
        assert (type(raised.value), leniencies.used) == (error, [])

    def test_standard_request_uses_no_leniency(self) -> None:
        leniencies = LeniencyTracker()
        for send, _ in [
            post({"active": True, "emails": [{"value": "a@example.com"}], "nickName": None, "roles": []}, ScimError),
            post({"id": "1", "meta": {"version": "1"}, ENTERPRISE: {"department": "Tours"}}, ScimError),
            replace('emails[type eq "work"].value', "a@example.com", ScimError),
            replace("emails", [], ScimError),
            patch({"op": "add", "path": f"{ENTERPRISE}:manager", "value": {"value": "2"}}, ScimError),
            patch({"op": "remove", "path": 'emails[type eq "home"]'}, ScimError),
            query(f'{ENTERPRISE}:manager.value eq "1" and active eq true and title pr'),
            query('emails[type eq "work" and value co "example.com"]'),
            project(f"{ENTERPRISE}:department", ScimError),
            sort("emails.value", ScimError),
        ]:
            send(leniencies)

        assert leniencies.used == []

    def test_leniencies_have_label_and_description(self) -> None:
        assert len({leniency.label for leniency in Leniency}) == len(Leniency)
        assert [leniency.name for leniency in Leniency] == [
            leniency.label.replace("-", "_").upper() for leniency in Leniency
        ]
        assert all(leniency.description and leniency.sent_by for leniency in Leniency)

    def test_merge_adds_used_leniencies(self) -> None:
        whole, part = LeniencyTracker(), LeniencyTracker()
        whole.tolerate(Leniency.UNQUOTED_VALUE)
        part.tolerate(Leniency.STRING_BOOLEAN)
        part.tolerate(Leniency.UNQUOTED_VALUE)
        whole.merge(part)

        assert whole.used == ["string-boolean", "unquoted-value"]
        assert part.used == ["string-boolean", "unquoted-value"]


class TestIgnoredAttributes:
    @pytest.mark.parametrize("value", [None, "", [], {}])
    def test_ignored_empty_value_is_not_recorded(self, value: object) -> None:
        leniencies = LeniencyTracker()
        leniencies.record_ignored("mail", value)
        assert leniencies.ignored == []

    def test_ignored_names_are_recorded(self) -> None:
        leniencies = LeniencyTracker()
        for name in ("mail", "name.firstName", "urn:x:2.0:User:floor", "ada@example.com", "a b", "x" * 101):
            leniencies.record_ignored(name, value=False)
        assert leniencies.ignored == ["?", "mail", "name.firstName", "urn:x:2.0:User:floor"]

    def test_merge_adds_ignored_names(self) -> None:
        whole, part = LeniencyTracker(), LeniencyTracker()
        part.record_ignored("mail", "x")
        whole.merge(part)
        assert whole.ignored == ["mail"]

    def test_last_rejected_leniency(self) -> None:
        leniencies = LeniencyTracker(is_strict=True)
        assert leniencies.last_rejected is None
        leniencies.tolerate(Leniency.EMPTY_STRING)
        leniencies.tolerate(Leniency.PATHLESS_PATCH)
        assert leniencies.last_rejected == "pathless-patch"

    def test_number_of_ignored_names_is_limited(self) -> None:
        leniencies = LeniencyTracker()
        for number in range(1_000):
            leniencies.record_ignored(f"a{number:03}", "x")
        assert leniencies.ignored == [f"a{number:03}" for number in range(40)]
