"""Explain why a person was not provisioned: real failures of the handlers, and the reports about them."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import boto3
import pytest

from scim.protocol.errors import Unavailable
from scim.service.audit.log import AuditLog
from scim.service.audit.log_filter import FAILURES
from scim.service.audit.person_report import PersonReport
from scim.settings import Settings
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.wiring import runtime
from scim.wiring.scim_api import build_scim_api_adapters
from tests.endpoint import BASE_URL, CORE, ENTERPRISE, ENVIRONMENT, SURVEY, Endpoint
from tests.handlers.tenants import get_tenant_id, open_audit_log, start_environment
from tests.tokens import new_token, raise_fault

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
OKTA = {"user_agent": "Okta SCIM Client 1.0.0"}

Why = Callable[[str], PersonReport]


@pytest.fixture
def why(scim: Endpoint) -> Why:
    return lambda person: open_audit_log(scim).report_on_person(person)


def join_diagnosis(report: PersonReport) -> str:
    return "\n".join(report.diagnosis)


class TestFailures:
    def test_rejected_attribute_mapping(self, scim: Endpoint, why: Why) -> None:
        user = {"schemas": [CORE], "userName": "ada@example.com", "externalId": "e-1", "name": "Ada Lovelace"}
        assert scim.request("POST", "/Users", user, **OKTA).status == 400

        for person in ("ada@example.com", "ADA@EXAMPLE.COM", "e-1"):
            report = why(person)
            assert "A create request by Okta failed with 400" in join_diagnosis(report)
            assert "The value of name has the wrong type" in join_diagnosis(report)
            assert "name is a complex attribute. Send an object with its sub-attributes." in join_diagnosis(report)
            assert "What to change: Application > Provisioning > To App > Attribute Mappings > name:" in join_diagnosis(
                report
            )
            (entry,) = report.timeline
            assert (entry.user, entry.operation, entry.rule) == ("ada@example.com", "create", "type")
            assert entry.attributes_sent == ["userName", "externalId", "name"]

    @pytest.mark.parametrize(
        ("user_name", "person"),
        [
            ("\uff21da", "ADA"),
            ("stra\u00dfe", "STRA\u1e9eE"),
            pytest.param("u" * 300, "U" * 300, id="300 letters"),
            pytest.param("u" * 512, "U" * 512, id="512 letters"),
            pytest.param("u" * 600, "U" * 600, id="600 letters"),
            pytest.param("u" * 20_000, "U" * 20_000, id="20,000 letters"),
            pytest.param("€" * 512, "€" * 512, id="1,536 bytes"),
            ("ada\u00a0", "ada"),
        ],
        ids=ascii,
    )
    def test_failure_is_found_by_normalized_name(self, scim: Endpoint, why: Why, user_name: str, person: str) -> None:
        user = {"schemas": [CORE], "userName": user_name, "externalId": "e-1", "name": "Ada Lovelace"}
        assert scim.request("POST", "/Users", user).status == 400

        (entry,) = why(person).timeline
        assert (entry.operation, entry.status) == ("create", 400)
        assert entry.user == user_name[:512]

    @pytest.mark.parametrize("person", ["n" * 300, "n" * 600, "€" * 20_000], ids=len)
    def test_failure_is_found_by_long_full_name(self, scim: Endpoint, why: Why, person: str) -> None:
        user = {"schemas": [CORE], "userName": "ada", "displayName": person, "name": "Ada Lovelace"}
        assert scim.request("POST", "/Users", user).status == 400

        (entry,) = why(person).timeline
        assert (entry.user, entry.operation) == ("ada", "create")

    def test_ignored_attribute_mapping(self, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada@example.com")
        response = scim.patch(ada["id"], {"op": "Replace", "path": "departmentName", "value": "Kitchen"})
        assert response.status == 200

        report = why("ada@example.com")

        assert "ada@example.com has been active since" in report.diagnosis[0]
        assert "A patch request by Microsoft Entra ID was partly ignored" in join_diagnosis(report)
        assert "departmentName was ignored" in join_diagnosis(report)
        assert "remove or correct the target departmentName" in join_diagnosis(report)
        assert [entry.kind for entry in report.timeline] == ["no-op", "change"]

    def test_attribute_with_spaces_is_named(self, scim: Endpoint, why: Why) -> None:
        user = {"schemas": [CORE, SURVEY], "userName": "ada", SURVEY: {"Business Unit": 7}}
        assert scim.request("POST", "/Users", user).status == 400

        (entry,) = why("ada").timeline

        assert "The value of Business Unit has the wrong type." in entry.summary
        assert "Correct the attribute mapping of Business Unit:" in entry.remediation

    def test_wrong_matching_attribute(self, scim: Endpoint, why: Why) -> None:
        assert scim.request("GET", "/Users?filter=mail+eq+%22ada@example.com%22&aadOptscim062020").status == 400

        report = why("ada@example.com")

        assert "The identity provider looks up users by mail, which no schema has" in join_diagnosis(report)
        assert "Attribute mapping: match by userName" in join_diagnosis(report)

    def test_duplicate_user_name(self, scim: Endpoint, why: Why) -> None:
        scim.create(userName="ada@example.com", externalId="e-1")
        other = {"schemas": [CORE], "userName": "Ada@Example.com", "externalId": "e-2"}
        assert scim.request("POST", "/Users", other, **OKTA).status == 409

        report = why("e-2")

        assert "Another user already has this userName" in join_diagnosis(report)
        assert "set Unique identifier field for users to userName" in join_diagnosis(report)
        # The user with this name has the failure in the timeline, too.
        assert [entry.status for entry in why("ada@example.com").timeline] == [409, 201]

    def test_expired_token(self, scim: Endpoint, why: Why) -> None:
        assert scim.request("GET", "/Users").status == 200
        value = json.dumps({"token": new_token(get_tenant_id(scim)), "expires": time.time() - 1, "grace_s": 0})
        secret = ENVIRONMENT["SECRET_PREFIX"] + get_tenant_id(scim)
        boto3.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=value)
        expired = Endpoint(json.loads(value)["token"])
        assert expired.request("POST", "/Users", {"schemas": [CORE], "userName": "ada@example.com"}).status == 401

        report = why("ada@example.com")

        first, second = report.diagnosis
        assert "The identity provider's requests are rejected because of their token" in first
        assert "The token has expired." in first
        assert "muster rotate" in first
        assert 'No request about "ada@example.com" has been received' in second

    def test_replaced_token_is_reported_first(self, scim: Endpoint, why: Why, operator: Any) -> None:
        """While tokens are rejected, the report does not advise an assignment. It detects Okta by the user agent."""
        assert scim.request("POST", "/Users", {"schemas": [CORE], "userName": "ada"}, **OKTA).status == 201
        operator.tokens.rotate(get_tenant_id(scim), grace_s=0)
        assert start_environment(scim.token).request("GET", "/Users").status == 401

        for person in ("ada", "bob"):
            first = why(person).diagnosis[0]
            assert "The token is not valid: it was replaced or revoked." in first
            assert "In Okta, enter it under Provisioning > Integration" in first
            assert "assign the person to the application" not in join_diagnosis(why(person))

    def test_valid_token_ends_report_of_rejected_token(self, scim: Endpoint, why: Why, operator: Any) -> None:
        assert scim.request("GET", "/Users").status == 200
        issued = operator.tokens.rotate(get_tenant_id(scim), grace_s=0)
        assert start_environment(scim.token).request("GET", "/Users").status == 401
        assert start_environment(issued.token).request("GET", "/Users").status == 200

        assert "rejected because of their token" not in join_diagnosis(why("ada"))

    def test_strict_mode(self, connect: Callable[[], Endpoint], operator: Any) -> None:
        endpoint = connect()
        operator.configure(get_tenant_id(endpoint), is_strict=True)
        ada = endpoint.create(userName="ada@example.com")
        assert endpoint.patch(ada["id"], {"op": "Replace", "path": "active", "value": "False"}).status == 400

        report = open_audit_log(endpoint).report_on_person("ada@example.com")

        assert "The customer is in strict mode, which rejects booleans as" in join_diagnosis(report)
        assert "Entra ID needs it off" in join_diagnosis(report)
        assert report.timeline[0].rule == "strict-mode"

    def test_value_of_the_wrong_type(self, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada@example.com")
        assert scim.patch(ada["id"], {"op": "Replace", "path": "active", "value": "No"}).status == 400

        report = why("ada@example.com")

        assert "The value of active has the wrong type" in join_diagnosis(report)
        assert "active is a boolean. Send true or false." in join_diagnosis(report)
        assert "Attribute mapping > active" in join_diagnosis(report)

    def test_person_never_sent(self, scim: Endpoint, why: Why) -> None:
        assert scim.request("GET", "/Users").status == 200

        report = why("ada@example.com")

        assert (report.users, report.timeline) == ([], [])
        assert 'No request about "ada@example.com" has been received' in report.diagnosis[0]
        assert re.search(
            r"Its last recorded request was a read at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\.$", report.diagnosis[0]
        )
        assert "Provision on demand" in report.diagnosis[1]


class TestAccess:
    """Problems of all users come first."""

    def test_missing_first_request_is_reported_first(self, why: Why) -> None:
        first, second = why("ada@example.com").diagnosis
        assert "has arrived yet. Copy the SCIM URL" in first
        assert 'No request about "ada@example.com" has been received' in second

    @pytest.mark.parametrize(
        ("action", "message"),
        [("revoke", "were revoked"), ("disconnect", "is disconnected")],
        ids=["revoked", "disconnected"],
    )
    def test_tenant_without_access_is_reported(self, action: str, message: str, scim: Endpoint, operator: Any) -> None:
        scim.create(userName="ada@example.com")
        (operator.tokens.revoke if action == "revoke" else operator.disconnect)(get_tenant_id(scim))

        known, unknown = (
            open_audit_log(scim).report_on_person(person).diagnosis for person in ("ada@example.com", "bob@example.com")
        )

        assert message in known[0]
        assert "ada@example.com has been active" in known[1]
        assert message in unknown[0]
        assert not any("assign the person to the application" in line for line in unknown)

    def test_unused_expired_token_is_reported(self, table: object, operator: Any) -> None:
        token = operator.connect("soon-over", lifetime_s=60.0).token
        assert Endpoint(token).request("GET", "/Users").status == 200
        log = open_audit_log(Endpoint(token))
        later = time.time() + 3 * 86_400

        report = replace(log, now=lambda: later).report_on_person("ada@example.com")

        assert "The token of soon-over expired at 20" in report.diagnosis[0]
        assert "muster rotate soon-over" in report.diagnosis[0]
        assert not any("assign the person to the application" in line for line in report.diagnosis)


ALAN = {"schemas": [CORE], "userName": "alan@example.com", "active": "x", "displayName": "Alan Turing"}


class TestNameSearch:
    @pytest.mark.parametrize("name", ["Alan Turing", "alan  turing", "Turing", "alan", "alan@"])
    def test_failed_candidate_is_found_by_name(self, name: str, scim: Endpoint, why: Why) -> None:
        assert scim.request("POST", "/Users", ALAN).status == 400

        report = why(name)

        assert report.query == name
        assert [(entry.user, entry.status) for entry in report.timeline] == [("alan@example.com", 400)]
        assert "A create request failed with 400" in report.diagnosis[0]

    @pytest.mark.parametrize("members", [{"name": {"formatted": "A. Turing"}}, {"name": {"familyName": "Turing"}}])
    def test_failed_candidate_is_found_by_partial_name(self, members: Any, scim: Endpoint, why: Why) -> None:
        scim.request("POST", "/Users", {"schemas": [CORE], "userName": "x1", "active": "x", **members})
        assert [entry.user for entry in why("Turing").timeline] == ["x1"]

    def test_name_is_not_an_identifier(self, scim: Endpoint, why: Why) -> None:
        """The report about the userName alan omits failures of other people with the name Alan."""
        scim.create(userName="alan")
        scim.request("POST", "/Users", ALAN)
        assert [entry.user for entry in why("alan").timeline] == ["alan"]

    def test_user_is_found_by_name(self, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada@example.com", displayName="Ada Lovelace")

        for name in ("Ada Lovelace", "lovel"):
            report = why(name)
            assert [user.id for user in report.users] == [ada["id"]]
            assert "ada@example.com has been active since" in report.diagnosis[0]
            assert [entry.operation for entry in report.timeline] == ["create"]

    def test_people_with_the_same_name_are_listed(self, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada@example.com", displayName="Ada Lovelace")
        scim.patch(ada["id"], {"op": "replace", "path": "active", "value": "x"})
        other = {"schemas": [CORE], "userName": "ada@example.org", "active": "x", "displayName": "Ada Lovelace"}
        for _ in range(2):
            scim.request("POST", "/Users", other)

        report = why("Ada Lovelace")

        assert ([user.id for user in report.users], report.failed_candidates) == ([ada["id"]], ["ada@example.org"])
        assert (report.timeline, report.is_about_one_person) == ((), False)
        assert report.diagnosis == [
            'Several people match "Ada Lovelace". Select one, or search again by userName, email, externalId or id.',
        ]

    def test_only_some_of_many_people_are_listed(
        self, scim: Endpoint, why: Why, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A user who is not listed is not reported as a person without a user."""
        monkeypatch.setattr("scim.service.audit.person_report._MAX_MATCHES", 2)
        for number in range(4):
            user = {"schemas": [CORE], "userName": f"ada-{number}", "displayName": "Ada Lovelace"}
            assert [scim.request("POST", "/Users", user).status for _ in range(2)] == [201, 409]
        assert scim.request("POST", "/Users", ALAN | {"displayName": "Alan Lovelace"}).status == 400

        report = why("Lovelace")

        assert (len(report.users), report.failed_candidates) == (2, ["alan@example.com"])
        assert any("only 50 of them are shown" in sentence for sentence in report.diagnosis)

    def test_unknown_name_is_not_reported_as_never_received(self, scim: Endpoint, why: Why) -> None:
        scim.request("DELETE", f"/Users/{scim.create(displayName='Ada Lovelace')['id']}")

        first = why("Ada Lovelace").diagnosis[0]

        assert 'No person with the name "Ada Lovelace" was found: neither a user, nor' in first
        assert "The names of deleted users are not kept" in first
        assert "received" not in first

    def test_partial_id_is_not_searched(self, scim: Endpoint, why: Why) -> None:
        scim.request("DELETE", "/Users/adaadaad-0000-4000-8000-000000000000")
        assert why("adaada").timeline == []


class InterruptedLogStore(DynamoDBAuditLogStore):
    """Find previous owners of a name, and then run out of time."""

    owner_ids: Sequence[str] = ()

    def find_previous_owner_ids(self, identifier_hash: str) -> Iterator[str]:  # part of the interface
        yield from self.owner_ids
        raise Unavailable("No time.")


def open_interrupted_log(endpoint: Endpoint, *owner_ids: str) -> AuditLog:
    calls = build_scim_api_adapters(Settings.from_environment(os.environ), raise_fault).open_table(
        runtime.create_deadline(29)
    )
    records = InterruptedLogStore(calls, get_tenant_id(endpoint), time.time)
    records.owner_ids = owner_ids
    return replace(open_audit_log(endpoint), log_store=records)


class TestIncompleteSearch:
    def test_incomplete_search_for_former_names_is_noted(self, scim: Endpoint) -> None:
        scim.request("GET", "/Users")

        report = open_interrupted_log(scim).report_on_person("ada@example.com")

        assert 'No request about "ada@example.com" was found, but the search was incomplete.' in report.diagnosis[0]
        assert "The search for former names stopped early" in report.diagnosis[2]

    def test_incomplete_search_for_former_names_keeps_its_matches(self, scim: Endpoint) -> None:
        ada = scim.create(userName="ada")
        scim.request("DELETE", f"/Users/{ada['id']}")

        report = open_interrupted_log(scim, ada["id"]).report_on_person("ada")

        assert [entry.operation for entry in report.timeline] == ["delete", "create"]
        assert "ada was deleted by the identity provider at" in report.diagnosis[0]
        assert "The search for former names stopped early" in report.diagnosis[1]

    def test_search_of_too_many_users_keeps_other_results(
        self, scim: Endpoint, why: Why, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scim.request("POST", "/Users", ALAN)
        scim.create(userName="ada")
        monkeypatch.setattr("scim.store.query.reader.MAX_RESOURCES_READ", 0)

        assert [entry.user for entry in why("Turing").timeline] == ["alan@example.com"]
        diagnosis = why("Lovelace").diagnosis
        assert "the search was incomplete" in diagnosis[0]
        assert any("The search by name stopped early" in line for line in diagnosis)


class TestTimeline:
    def test_empty_query_result_is_not_a_failure(self, scim: Endpoint, why: Why) -> None:
        assert scim.request("GET", "/Users?filter=userName+eq+%22ada@example.com%22").status == 200
        assert why("ada@example.com").timeline == []

    @pytest.mark.parametrize("by", ["userName", "externalId", "email", "id"])
    def test_person_is_found_by(self, by: str, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada", externalId="e-1", emails=[{"value": "ada@example.com"}])
        scim.patch(ada["id"], {"op": "replace", "path": "userType", "value": "x"})
        scim.patch(ada["id"], {"op": "replace", "path": "active", "value": "perhaps"})

        report = why({"userName": "ADA", "externalId": "e-1", "email": "Ada@example.com", "id": ada["id"]}[by])

        assert [user.id for user in report.users] == [ada["id"]]
        assert [(entry.kind, entry.operation) for entry in report.timeline] == [
            ("failure", "patch"),
            ("change", "patch"),
            ("change", "create"),
        ]

    def test_person_is_found_by_former_identifiers(self, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada")
        scim.patch(ada["id"], {"op": "replace", "path": "userName", "value": "augusta"})
        scim.request("DELETE", f"/Users/{ada['id']}")

        for name in ("ada", "augusta", ada["id"]):
            report = why(name)
            assert [entry.operation for entry in report.timeline] == ["delete", "patch", "create"]
        assert f"{ada['id']} was deleted by the identity provider at" in report.diagnosis[0]

    def test_bulk_operations_are_reported_by_person(self, scim: Endpoint, why: Why) -> None:
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"schemas": [CORE], "userName": "ada"}},
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": "2",
                "data": {"schemas": [CORE], "userName": "bob", "active": "x"},
            },
        ]
        assert scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations}).status == 200

        (entry,) = why("ada").timeline
        assert (entry.kind, entry.attributes_sent, entry.attributes_changed) == (
            "change",
            ["userName"],
            ["userName", "active"],
        )
        (entry,) = why("bob").timeline
        assert (entry.operation, entry.status, entry.rule, entry.attributes_sent) == (
            "create",
            400,
            "type",
            ["userName", "active"],
        )

    def test_inactive_user_is_reported(self, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada")
        scim.patch(ada["id"], {"op": "replace", "path": "active", "value": False})

        assert "ada exists but has been inactive since" in why("ada").diagnosis[0]

    def test_resolved_failure_is_only_in_the_timeline(self, scim: Endpoint, why: Why) -> None:
        ada: Mapping[str, Any] = {"schemas": [CORE], "userName": "ada", "active": "x"}
        scim.request("POST", "/Users", ada)
        scim.create(userName="ada")

        report = why("ada")

        assert [entry.status for entry in report.timeline] == [201, 400]
        assert len(report.diagnosis) == 1

    def test_failure_by_id_shows_the_user_name(self, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada")
        scim.patch(ada["id"], {"op": "replace", "path": "active", "value": "perhaps"})
        unknown = "00000000-0000-4000-8000-000000000000"
        scim.request("DELETE", f"/Users/{unknown}")

        entries = open_audit_log(scim).read_page(FAILURES).entries

        assert {entry.user for entry in entries} == {"ada", unknown}
        assert why("ada").timeline[0].user == "ada"

    def test_repeating_failure_is_reported(self, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada")
        for _ in range(5):
            scim.patch(ada["id"], {"op": "replace", "path": ENTERPRISE + ":floor", "value": "x"})

        report = why("ada")

        assert report.timeline[0].is_repeating
        assert (report.timeline[0].count, len(report.timeline)) == (5, 2)
        assert "This failure repeats" in join_diagnosis(report)


WRONG_URLS = [
    ("POST", "/Users/Users"),
    ("GET", "/Users/Users?filter=userName+eq+%22ada%22"),
    ("POST", "/Users/scim/v2/Users"),
    ("POST", "/users/v2/USERS/"),
    ("POST", "/Groups/Users"),
    ("POST", "/ServiceProviderConfig/Users"),
    ("POST", "/Users/00000000-0000-4000-8000-000000000000/Users"),
]


class TestWrongScimUrl:
    """A SCIM URL that ends in an endpoint."""

    @pytest.mark.parametrize(("method", "path"), WRONG_URLS)
    def test_wrong_scim_url_is_reported(self, method: str, path: str, scim: Endpoint, why: Why) -> None:
        body = {"schemas": [CORE], "userName": "ada"} if method == "POST" else None
        response = scim.request(method, path, body, **OKTA)
        assert response.status == 404
        assert response.json()["detail"].endswith(f"Set it to {BASE_URL}.")

        report = why("ada")

        assert "The SCIM URL in the identity provider is wrong" in join_diagnosis(report)
        assert "What to change: Provisioning > Integration: SCIM connector base URL" in join_diagnosis(report)
        assert "nassign" not in join_diagnosis(report)
        (entry,) = report.timeline
        assert (entry.rule, entry.status) == ("scim-url", 404)

    @pytest.mark.parametrize(
        "path", ["/Users/Users/.search", "/Users/ServiceProviderConfig", "/Users/Schemas", "/Users/Bulk"]
    )
    def test_endpoint_is_not_an_id(self, path: str, scim: Endpoint) -> None:
        """The error names the wrong SCIM URL, not an unknown id or a method that is not allowed."""
        for method in ("GET", "POST"):
            response = scim.request(method, path, {} if method == "POST" else None)
            assert (response.status, response.json()["detail"]) == (
                404,
                f"The SCIM URL in the identity provider is wrong: it ends in /Users. Set it to {BASE_URL}.",
            )

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    @pytest.mark.parametrize("base", ["/", "/Users", "/scim/v2/", "/Bulk", "/ServiceProviderConfig"])
    def test_scim_url_with_a_query_is_400(self, base: str, method: str, scim: Endpoint, why: Why) -> None:
        """The client appends its paths to the query, so without the check a GET would return all users."""
        scim.create(userName="bob")
        path = f"{base}?aadOptscim062020/Users"
        path += "?filter=userName%20eq%20%22ada%22" if method in ("GET", "HEAD") else ""
        response = scim.request(method, path, {"userName": "ada"})

        assert response.status == 400
        if method != "HEAD":
            assert "it has a query" in response.json()["detail"]
            assert response.json()["detail"].endswith(f"Set it to {BASE_URL}.")
        report = why("ada")
        assert "The SCIM URL in the identity provider is wrong" in join_diagnosis(report)
        (entry,) = report.timeline
        assert (entry.rule, entry.status) == ("scim-url", 400)

    def test_write_to_wrong_scim_url_is_counted(self, scim: Endpoint) -> None:
        scim.request("POST", "/Users/Users", {"schemas": [CORE], "userName": "ada"})
        (entry,) = open_audit_log(scim).read_page(FAILURES).entries
        assert (entry.operation, entry.user) == ("create", "ada")
        assert open_audit_log(scim).get_health().activity.failures.failed_writes == 1

    def test_wrong_scim_url_is_reported_for_everyone(self, scim: Endpoint, why: Why) -> None:
        for number in range(2):
            scim.request("POST", "/Users/Users", {"schemas": [CORE], "userName": f"user-{number}"})

        first, second = why("ada").diagnosis

        assert first.startswith("2 requests failed, most recently at ")
        assert f"it ends in /Users. Set it to {BASE_URL}." in first
        assert 'No request about "ada" has been received' in second

    def test_single_request_to_wrong_scim_url(self, scim: Endpoint, why: Why) -> None:
        scim.request("GET", "/Users/Users")
        first, second = why("ada").diagnosis
        assert first.startswith("A request failed at ")
        assert 'No request about "ada" has been received' in second

    def test_scim_url_of_another_version_is_reported(self, scim: Endpoint, why: Why) -> None:
        assert scim.request("POST", "/v1/Users", {"schemas": [CORE], "userName": "ada"}).status == 400
        assert "What to change: Check that the SCIM URL ends in /scim/v2" in join_diagnosis(why("ada"))

    def test_corrected_scim_url_is_not_reported(self, scim: Endpoint, why: Why) -> None:
        scim.request("POST", "/Users/Users", {"schemas": [CORE], "userName": "ada"})
        scim.create(userName="ada")
        assert "SCIM URL" not in join_diagnosis(why("bob"))

    def test_read_at_corrected_scim_url_is_sufficient(self, scim: Endpoint, why: Why) -> None:
        scim.request("GET", "/Users/Users")
        assert "SCIM URL" in join_diagnosis(why("bob"))
        scim.request("GET", "/Users")
        assert "SCIM URL" not in join_diagnosis(why("bob"))

    def test_unknown_path_is_in_the_timeline(self, scim: Endpoint, why: Why) -> None:
        assert scim.request("POST", "/api/Users", {"schemas": [CORE], "userName": "ada"}).status == 404
        assert [entry.rule for entry in why("ada").timeline] == ["unknown-path"]


class TestManyPeople:
    def test_address_that_many_people_share(self, scim: Endpoint, why: Why) -> None:
        """Each has four identifiers, so the expression of a filter would have more than 4 KB."""
        for number in range(49):
            emails = [{"value": "team@example.com", "type": "work"}, {"value": f"{number}@example.com", "type": "home"}]
            scim.create(userName=f"user-{number}", externalId=f"e-{number}", emails=emails)
        for number in (0, 48):
            user = {"schemas": [CORE], "userName": f"other-{number}", "externalId": f"e-{number}", "active": "x"}
            assert scim.request("POST", "/Users", user).status == 400

        report = why("team@example.com")

        assert len(report.users) == 49
        assert sorted(entry.user for entry in report.timeline if entry.kind == "failure") == ["other-0", "other-48"]
        assert "Not all failures were searched" not in join_diagnosis(report)
        assert "Only 1,000 changes" not in join_diagnosis(report)

    def test_report_on_more_people_than_fit_says_so(self, scim: Endpoint, why: Why) -> None:
        for number in range(57):
            emails = [{"value": "team@example.com"}, {"value": f"{number}@example.com"}]
            scim.create(userName=f"user-{number}", externalId=f"e-{number}", emails=emails)

        report = why("team@example.com")

        assert (len(report.users), len(report.timeline)) == (57, 50)
        assert "Only 1,000 changes, of at most 50 users, are shown." in report.diagnosis
        assert "very many people have what you searched for" in join_diagnosis(report)


class TestRenamedUsers:
    @pytest.mark.parametrize("active", [True, False])
    def test_former_name_leads_to_the_user(self, active: bool, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada")
        scim.patch(ada["id"], {"op": "replace", "value": {"userName": "augusta", "active": active}})
        scim.patch(ada["id"], {"op": "replace", "path": "title", "value": {}})

        report = why("ADA")

        assert ([user.id for user in report.users], report.renamed_users) == ([ada["id"]], report.users)
        assert report.is_about_one_person
        assert report.diagnosis[0] == f"ADA was renamed to augusta, {'active' if active else 'inactive'}."
        assert report.diagnosis[1].startswith(
            "augusta has been active since" if active else "augusta exists but has been inactive since"
        )
        assert [entry.operation for entry in report.timeline] == ["patch", "patch", "create"]

    def test_former_email_leads_to_the_user(self, scim: Endpoint, why: Why) -> None:
        ada = scim.create(userName="ada", emails=[{"value": "old@example.com"}])
        scim.patch(ada["id"], {"op": "replace", "path": "emails", "value": [{"value": "new@example.com"}]})
        assert why("old@example.com").diagnosis[0] == "old@example.com is a former email or externalId of ada, active."

    def test_former_name_of_several_users_lists_them(self, scim: Endpoint, why: Why) -> None:
        for name in ("augusta", "byron"):
            user = scim.create(userName="ada")
            scim.patch(user["id"], {"op": "replace", "path": "userName", "value": name})
        gone = scim.create(userName="ada")
        scim.request("DELETE", f"/Users/{gone['id']}")

        report = why("ada")

        assert not report.is_about_one_person
        assert {user.resource["userName"] for user in report.users} == {"augusta", "byron"}
        assert {"ada was renamed to augusta, active.", "ada was renamed to byron, active."} <= set(report.diagnosis)
        assert "ada was deleted by the identity provider at" in join_diagnosis(report)


class TestUnidentifiedRequests:
    @pytest.mark.parametrize("body", [{"schemas": [CORE]}, {"schemas": [CORE], "title": "Chef"}, {}])
    def test_create_without_identifier_is_reported(self, body: Any, scim: Endpoint, why: Why) -> None:
        for _ in range(2):
            assert scim.request("POST", "/Users", body, **OKTA).status == 400

        for person in ("ada@example.com", ""):
            report = why(person)
            assert "A request that names no user failed 2 times since 20" in join_diagnosis(report)
            assert "(create, status 400). userName is required" in join_diagnosis(report)
            assert "Attribute Mappings > userName:" in join_diagnosis(report)
            assert [(entry.count, entry.rule) for entry in report.unidentified_failures] == [(2, "required")]
            assert report.timeline == []
        assert open_audit_log(scim).read_page().entries[0].user == ""

    def test_create_with_only_a_name_is_found(self, scim: Endpoint, why: Why) -> None:
        for name in ("Ada Lovelace", "Alan Turing"):
            assert scim.request("POST", "/Users", {"schemas": [CORE], "displayName": name}).status == 400

        for name in ("Ada Lovelace", "lovelace"):
            report = why(name)
            assert [(entry.count, entry.rule) for entry in report.timeline] == [(1, "required")]
            assert "A create request failed with 400" in report.diagnosis[0]
        assert len(why("").unidentified_failures) == 2

    @pytest.mark.parametrize(
        "query", ["count=many", "sortBy=shoe", "cursor=&startIndex=1", "count=1&count=2", "attributes=a%20b"]
    )
    def test_query_parameter_is_not_blamed_on_the_attribute_mapping(self, query: str, scim: Endpoint, why: Why) -> None:
        assert scim.request("GET", f"/Users?{query}").status == 400

        (failure,) = why("").unidentified_failures
        assert (failure.rule, "mapping" in failure.remediation) == ("parameter", False)

    def test_unreadable_body_is_reported(self, scim: Endpoint, why: Why) -> None:
        assert scim.send("POST", "/Users", body="{")[0] == 400
        assert "A request that names no user failed at 20" in join_diagnosis(why("ada"))

    def test_no_unidentified_failures(self, scim: Endpoint, why: Why) -> None:
        scim.create()
        assert why("").diagnosis == ["In the last 30 days, no request failed that names no user."]
