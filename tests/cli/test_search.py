"""Test ``search`` and ``problems``."""

import pytest

from scim.protocol.errors import Unavailable
from scim.service.search.person_card import PersonCardBuilder
from tests.cli.conftest import Muster
from tests.endpoint import CORE, Endpoint
from tests.handlers.tenants import start_environment


@pytest.fixture
def acme(run: Muster) -> Endpoint:
    endpoint = start_environment(run.json("connect", "acme")["token"])
    endpoint.create(userName="ada@example.com")
    for name in ("bob", "cleo"):
        endpoint.request("POST", "/Users", {"schemas": [CORE], "userName": name, "active": "perhaps"})
    return endpoint


def test_search_finds_a_person_at_all_tenants(run: Muster, acme: Endpoint) -> None:
    start_environment(run.json("connect", "globex")["token"]).create(userName="ada@example.com", active=False)
    result = run.json("search", "ADA@example.com")
    cards = [(card["match"]["tenant_id"], card["name"], card["state"]) for card in result["cards"]]
    assert cards == [("acme", "ada@example.com", "Active"), ("globex", "ada@example.com", "Inactive")]
    assert result["is_complete"] is True
    lines = run("search", "ada@example.com").stdout.splitlines()
    assert "acme: ada@example.com: Active" in lines
    assert "globex: ada@example.com: Inactive" in lines


def test_search_says_what_to_change(run: Muster, acme: Endpoint) -> None:
    text = run("search", "bob").stdout
    assert "acme: bob: Not provisioned" in text
    assert "true or false" in text


def test_search_without_a_match(run: Muster, acme: Endpoint) -> None:
    assert run("search", "unknown@example.com").stdout == "No tenant that was searched has unknown@example.com.\n"
    assert "TEXT is empty" in run("search", " ", code=2).stderr


def test_search_says_that_only_details_are_missing(
    run: Muster, acme: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("The database did not answer.")

    monkeypatch.setattr(PersonCardBuilder, "build", fail)
    result = run("search", "ada@example.com")
    assert "acme: ada@example.com, active, found by userName" in result.stdout
    assert "Searched, but without details: acme." in result.stderr
    assert "could not be searched" not in result.stderr.lower()
    found = run.json("search", "ada@example.com")
    assert (found["is_complete"], found["unreadable_tenants"], found["tenants_without_card"]) == (True, [], ["acme"])


def test_problems_are_grouped_by_cause(run: Muster, acme: Endpoint) -> None:
    (problem,) = run.json_lines("problems", "acme")
    assert (problem["people_count"], problem["request_count"], sorted(problem["people"])) == (2, 2, ["bob", "cleo"])
    text = run("problems", "acme").stdout
    assert problem["summary"] in text
    assert "What to change: " in text


def test_problems_disappear(run: Muster, acme: Endpoint) -> None:
    for name in ("bob", "cleo"):
        acme.create(userName=name)
    assert run("problems", "acme").stdout == "No open problems.\n"
    assert run.json_lines("problems", "acme") == []
    run("problems", "unknown", code=3)


def test_search_says_how_to_list_a_large_request(run: Muster, acme: Endpoint) -> None:
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": str(number),
            "data": {"schemas": [CORE], "userName": f"person-{number}", "active": "perhaps"},
        }
        for number in range(8)
    ]
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    assert acme.request("POST", "/Bulk", body).status == 200
    request_id = next(entry["request_id"] for entry in run.json_lines("log", "acme"))
    errors = run("search", request_id).stderr
    assert "The request has 8 changes and failures at acme." in errors
    assert f"muster log acme --request {request_id}" in errors
    assert len(run.json_lines("log", "acme", "--request", request_id)) == 8
    (request,) = run.json("search", request_id)["large_requests"]
    assert (request["tenant_id"], request["entries"]) == ("acme", 8)
