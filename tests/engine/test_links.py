"""References to people who have not arrived yet, from the request to the link, on a real engine and its stream."""

import json
import os
from typing import Any

import boto3
import pytest

from scim.service.model.links import UserLinks
from tests.endpoint import ENTERPRISE, SURVEY, Answer, Endpoint
from tests.engine.conftest import Read
from tests.engine.test_bulk import post, run
from tests.events.schemas import validate

MANAGER = f"{ENTERPRISE}:manager"
REPORTS = 40
BASE = "https://scim.example.com/scim/v2"


def manager_of(scim: Endpoint, user: dict[str, Any]) -> Any:
    return scim.request("GET", f"/Users/{user['id']}").json().get(ENTERPRISE, {}).get("manager")


def location(user: dict[str, Any]) -> str:
    return f"{BASE}/Users/{user['id']}"


def report(scim: Endpoint, value: str = "boss@example.com", **attributes: Any) -> dict[str, Any]:
    """Somebody whose manager is called that."""
    return scim.create(**{ENTERPRISE: {"manager": {"value": value}}}, **attributes)


def rename(scim: Endpoint, user: dict[str, Any], name: str) -> Answer:
    return scim.patch(user["id"], {"op": "replace", "path": "userName", "value": name})


def items(scim: Endpoint, kind: str, prefix: str) -> list[dict[str, Any]]:
    """Those of a tenant's items under a partition whose keys begin like that."""
    query: dict[str, Any] = {
        "TableName": os.environ["TABLE_NAME"],
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": {
            ":pk": {"S": f"{kind}#{scim.token.split('_')[1]}"},
            ":prefix": {"S": prefix},
        },
    }
    stored_items: list[dict[str, Any]] = boto3.client("dynamodb").query(**query)["Items"]
    return stored_items


def index_entries(scim: Endpoint) -> list[tuple[str, str]]:
    """The ids of referrers, with the handles of the people to whom they refer."""
    keys = [item["sk"]["S"].split("#") for item in items(scim, "W", "W#")]
    return sorted((user_id, handle) for _, handle, user_id in keys)


def stored_links(scim: Endpoint) -> dict[str, str]:
    """The links of each user who has any."""
    return {item["sk"]["S"][2:]: item["links"]["S"] for item in items(scim, "T", "U#") if "links" in item}


def links(events: list[dict[str, Any]]) -> list[tuple[str, list[Any]]]:
    """Whose links changed, and to what, in order."""
    return [
        (event["detail"]["id"], event["detail"]["links"]) for event in events if event["detail-type"] == "UserLinked"
    ]


@pytest.mark.parametrize(
    ("value", "attributes"),
    [
        ("boss@example.com", {"userName": "Boss@Example.com"}),
        ("boss@example.com", {"emails": [{"value": "BOSS@example.com", "type": "work"}]}),
        ("E-17", {"externalId": "E-17"}),
    ],
)
def test_manager_who_is_created_later_is_linked(
    scim: Endpoint, publish: Read, value: str, attributes: dict[str, Any]
) -> None:
    alice = report(scim, value)
    assert links(publish()) == []
    boss = scim.create(**attributes)
    assert manager_of(scim, alice) == {"value": value}
    publish()
    assert manager_of(scim, alice) == {"value": value, "$ref": location(boss)}
    now = scim.request("GET", f"/Users/{alice['id']}").json()
    assert now["meta"] == alice["meta"]
    published_events = publish()
    assert links(published_events) == [(alice["id"], [{"attribute": MANAGER, "id": boss["id"]}])]
    assert (published_events[-1]["detail"]["version"], published_events[-1]["detail"]["linkSequence"]) == (1, 1)
    assert published_events[-1]["detail"]["changed"] == [MANAGER]
    validate(published_events[-1])
    assert publish() == published_events


def test_existing_managers_are_linked_even_in_a_cycle(scim: Endpoint, publish: Read) -> None:
    boss = scim.create()
    alice = report(scim, boss["id"])
    scim.patch(boss["id"], {"op": "add", "path": MANAGER, "value": alice["id"]})
    publish()
    assert manager_of(scim, alice) == {"value": boss["id"], "$ref": location(boss)}
    assert manager_of(scim, boss) == {"value": alice["id"], "$ref": location(alice)}


def test_link_is_in_every_response_with_the_user(scim: Endpoint, publish: Read) -> None:
    alice, boss = report(scim, title="Cook"), scim.create(userName="boss@example.com")
    publish()
    shown = {"value": "boss@example.com", "$ref": location(boss)}
    plain = ["count=9", "cursor&count=9", "sortBy=userName", "sortBy=title", f"attributes={MANAGER}"]
    filters = ['title%20eq%20"Cook"', 'title%20co%20"oo"', f'id%20eq%20"{alice["id"]}"', "meta.version%20pr"]
    for query in (*plain, *(f"filter={filter_text}" for filter_text in filters)):
        resources = scim.request("GET", f"/Users?{query}").json()["Resources"]
        (shown_user,) = [resource for resource in resources if resource["id"] == alice["id"]]
        assert shown_user[ENTERPRISE]["manager"] == shown, query
    alone = scim.request("GET", f"/Users/{alice['id']}?attributes={MANAGER}.$ref").json()
    assert alone[ENTERPRISE] == {"manager": {"$ref": location(boss)}}


def test_other_changes_keep_links(scim: Endpoint, publish: Read) -> None:
    alice, boss = report(scim), scim.create(userName="boss@example.com")
    publish()
    answer = scim.patch(alice["id"], {"op": "replace", "path": "title", "value": "a much longer title than before"})
    assert answer.json()[ENTERPRISE]["manager"]["$ref"] == location(boss)
    published_events = publish()
    assert manager_of(scim, alice) == {"value": "boss@example.com", "$ref": location(boss)}
    assert len(links(published_events)) == 1


def test_response_can_be_sent_back_without_a_change(scim: Endpoint, publish: Read) -> None:
    alice, boss = report(scim), scim.create(userName="boss@example.com")
    publish()
    read = scim.request("GET", f"/Users/{alice['id']}").json()
    assert scim.request("PUT", f"/Users/{alice['id']}", read).json() == read
    again = scim.patch(alice["id"], {"op": "replace", "path": MANAGER, "value": {"value": "boss@example.com"}})
    assert again.json() == read
    read[ENTERPRISE]["manager"]["value"] = "other@example.com"
    changed = scim.request("PUT", f"/Users/{alice['id']}", read).json()
    assert changed[ENTERPRISE]["manager"] == {"value": "other@example.com"}
    publish()
    assert manager_of(scim, alice) == {"value": "other@example.com"}
    assert boss["id"] not in json.dumps(scim.request("GET", "/Users?filter=title%20pr").json())


def test_ref_of_the_client_is_kept(scim: Endpoint, publish: Read) -> None:
    own = {"value": "boss@example.com", "$ref": "https://hr.example.com/people/7"}
    alice = scim.create(**{ENTERPRISE: {"manager": own}})
    scim.create(userName="boss@example.com")
    assert len(links(publish())) == 0
    published_events = publish()
    assert manager_of(scim, alice) == own
    assert [to for _, to in links(published_events)] != []


def test_relative_ref_is_kept(scim: Endpoint, publish: Read) -> None:
    boss = scim.create()
    own = {"value": boss["id"], "$ref": f"../Users/{boss['id']}"}
    alice = scim.create(**{ENTERPRISE: {"manager": own}})
    publish()
    again = scim.patch(alice["id"], {"op": "replace", "path": "active", "value": True})
    assert (again.json()["meta"]["version"], again.json()[ENTERPRISE]["manager"]) == ('W/"1"', own)


def test_response_with_a_former_link_can_be_sent_back(scim: Endpoint, publish: Read) -> None:
    alice, boss = report(scim), scim.create(userName="boss@example.com")
    publish()
    read = scim.request("GET", f"/Users/{alice['id']}").json()
    scim.request("DELETE", f"/Users/{boss['id']}")
    other = scim.create(userName="boss@example.com")
    publish()
    scim.request("PUT", f"/Users/{alice['id']}", read)
    assert manager_of(scim, alice)["$ref"] == location(other)


def test_user_name_is_preferred_to_many_equal_emails(scim: Endpoint, publish: Read) -> None:
    alice = report(scim)
    shared = {"emails": [{"value": "boss@example.com"}]}
    run(scim, [post(f"user-{number}", **shared) for number in range(50)])
    boss = scim.create(userName="boss@example.com")
    publish()
    assert manager_of(scim, alice)["$ref"] == location(boss)


def test_event_of_a_removed_reference_has_the_remaining_links(scim: Endpoint, publish: Read) -> None:
    alice, boss = report(scim), scim.create(userName="boss@example.com")
    publish()
    scim.patch(alice["id"], {"op": "remove", "path": MANAGER})
    publish()
    published_events = publish()
    assert links(published_events) == [(alice["id"], [{"attribute": MANAGER, "id": boss["id"]}]), (alice["id"], [])]
    assert (published_events[-1]["detail"]["sequence"], published_events[-1]["detail"]["changed"]) == (2, [MANAGER])


def test_deleted_or_renamed_manager_is_unlinked_until_restored(scim: Endpoint, publish: Read) -> None:
    alice, boss = report(scim), scim.create(userName="boss@example.com")
    publish()
    rename(scim, boss, "former.boss@example.com")
    publish()
    assert manager_of(scim, alice) == {"value": "boss@example.com"}
    rename(scim, boss, "boss@example.com")
    publish()
    assert manager_of(scim, alice)["$ref"] == location(boss)
    scim.request("DELETE", f"/Users/{boss['id']}")
    publish()
    assert manager_of(scim, alice) == {"value": "boss@example.com"}
    other = scim.create(userName="boss@example.com")
    publish()
    assert manager_of(scim, alice)["$ref"] == location(other)
    published_events = [event["detail"] for event in publish() if event["detail-type"] == "UserLinked"]
    assert [(detail["sequence"], detail["linkSequence"]) for detail in published_events] == [
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (1, 5),
    ]


def test_ambiguous_email_is_not_linked_but_user_name_is(scim: Endpoint, publish: Read) -> None:
    alice = report(scim)
    address = [{"value": "boss@example.com"}]
    first, second = scim.create(emails=address), scim.create(emails=address)
    publish()
    assert manager_of(scim, alice) == {"value": "boss@example.com"}
    scim.request("DELETE", f"/Users/{second['id']}")
    publish()
    assert manager_of(scim, alice)["$ref"] == location(first)
    boss = scim.create(userName="boss@example.com")
    publish()
    assert manager_of(scim, alice)["$ref"] == location(boss)


def test_deleted_user_is_no_referrer(scim: Endpoint, publish: Read) -> None:
    alice, bob = report(scim), report(scim, "x@example.com")
    publish()
    scim.request("DELETE", f"/Users/{alice['id']}")
    scim.patch(bob["id"], {"op": "remove", "path": MANAGER})
    publish()
    assert index_entries(scim) == []


def test_employee_attribute_is_linked(scim: Endpoint, publish: Read) -> None:
    alice = scim.create(**{SURVEY: {"Mentor": "mentor@example.com", "Buddy": "buddy@example.com"}})
    mentor, buddy = scim.create(userName="mentor@example.com"), scim.create(userName="buddy@example.com")
    publish()
    shown = scim.request("GET", f"/Users/{alice['id']}").json()[SURVEY]
    assert shown == {"Mentor": "mentor@example.com", "Buddy": {"value": "buddy@example.com", "$ref": location(buddy)}}
    assert links(publish())[-1] == (
        alice["id"],
        [
            {"attribute": f"{SURVEY}:Mentor", "id": mentor["id"]},
            {"attribute": f"{SURVEY}:Buddy", "id": buddy["id"]},
        ],
    )


def test_manager_of_many_is_linked_to_all(scim: Endpoint, publish: Read) -> None:
    boss_to_be = {ENTERPRISE: {"manager": {"value": "boss@example.com"}}}
    run(scim, [post(f"report-{number}", **boss_to_be) for number in range(REPORTS)])
    publish()
    boss = scim.create(userName="boss@example.com")
    publish()
    assert {UserLinks.parse(text).links[0].user_id for text in stored_links(scim).values()} == {boss["id"]}
    assert len(stored_links(scim)) == REPORTS
    assert len({user_id for user_id, _ in links(publish())}) == REPORTS
