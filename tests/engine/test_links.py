"""References to users who may be created later, from the request to the link, on a real engine and its stream."""

import json
import os
from typing import Any

import boto3
import pytest

from scim.service.model.links import UserLinks
from tests.endpoint import ENTERPRISE, SURVEY, Endpoint, Response
from tests.engine.conftest import ReadEvents
from tests.engine.test_bulk import build_create, send_bulk
from tests.events.schemas import validate

MANAGER = f"{ENTERPRISE}:manager"
REPORTS = 40
BASE = "https://scim.example.com/scim/v2"


def get_manager(scim: Endpoint, user: dict[str, Any]) -> Any:
    return scim.request("GET", f"/Users/{user['id']}").json().get(ENTERPRISE, {}).get("manager")


def build_location(user: dict[str, Any]) -> str:
    return f"{BASE}/Users/{user['id']}"


def create_report(scim: Endpoint, value: str = "boss@example.com", **attributes: Any) -> dict[str, Any]:
    """Create a user whose manager has the value."""
    return scim.create(**{ENTERPRISE: {"manager": {"value": value}}}, **attributes)


def rename(scim: Endpoint, user: dict[str, Any], name: str) -> Response:
    return scim.patch(user["id"], {"op": "replace", "path": "userName", "value": name})


def read_items(scim: Endpoint, kind: str, prefix: str) -> list[dict[str, Any]]:
    """Return the tenant's items in a partition whose sort keys start with a prefix."""
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


def read_index_entries(scim: Endpoint) -> list[tuple[str, str]]:
    """Return the ids of referrers with the hashes of the identifiers that they refer to."""
    keys = [item["sk"]["S"].split("#") for item in read_items(scim, "W", "W#")]
    return sorted((user_id, identifier_hash) for _, identifier_hash, user_id in keys)


def read_links(scim: Endpoint) -> dict[str, str]:
    """Return the links of each user who has links, as stored."""
    return {item["sk"]["S"][2:]: item["links"]["S"] for item in read_items(scim, "T", "U#") if "links" in item}


def get_links(events: list[dict[str, Any]]) -> list[tuple[str, list[Any]]]:
    """Return the user id and the links of each ``UserLinked`` event, in order."""
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
def test_manager_created_later_is_linked(
    scim: Endpoint, publish: ReadEvents, value: str, attributes: dict[str, Any]
) -> None:
    alice = create_report(scim, value)
    assert get_links(publish()) == []
    boss = scim.create(**attributes)
    assert get_manager(scim, alice) == {"value": value}
    publish()
    assert get_manager(scim, alice) == {"value": value, "$ref": build_location(boss)}
    now = scim.request("GET", f"/Users/{alice['id']}").json()
    assert now["meta"]["version"] != alice["meta"]["version"]
    assert now["meta"] | {"version": alice["meta"]["version"]} == alice["meta"]
    published_events = publish()
    assert get_links(published_events) == [(alice["id"], [{"attribute": MANAGER, "id": boss["id"]}])]
    assert (published_events[-1]["detail"]["version"], published_events[-1]["detail"]["linkSequence"]) == (1, 1)
    assert published_events[-1]["detail"]["changed"] == [MANAGER]
    validate(published_events[-1])
    assert publish() == published_events


def test_existing_managers_are_linked_in_cycle(scim: Endpoint, publish: ReadEvents) -> None:
    boss = scim.create()
    alice = create_report(scim, boss["id"])
    scim.patch(boss["id"], {"op": "add", "path": MANAGER, "value": alice["id"]})
    publish()
    assert get_manager(scim, alice) == {"value": boss["id"], "$ref": build_location(boss)}
    assert get_manager(scim, boss) == {"value": alice["id"], "$ref": build_location(alice)}


def test_every_response_with_user_has_link(scim: Endpoint, publish: ReadEvents) -> None:
    alice, boss = create_report(scim, title="Cook"), scim.create(userName="boss@example.com")
    publish()
    expected = {"value": "boss@example.com", "$ref": build_location(boss)}
    plain = ["count=9", "cursor&count=9", "sortBy=userName", "sortBy=title", f"attributes={MANAGER}"]
    filters = ['title%20eq%20"Cook"', 'title%20co%20"oo"', f'id%20eq%20"{alice["id"]}"', "meta.version%20pr"]
    for query in (*plain, *(f"filter={filter_text}" for filter_text in filters)):
        resources = scim.request("GET", f"/Users?{query}").json()["Resources"]
        (user,) = [resource for resource in resources if resource["id"] == alice["id"]]
        assert user[ENTERPRISE]["manager"] == expected, query
    user = scim.request("GET", f"/Users/{alice['id']}?attributes={MANAGER}.$ref").json()
    assert user[ENTERPRISE] == {"manager": {"$ref": build_location(boss)}}


def test_other_changes_keep_links(scim: Endpoint, publish: ReadEvents) -> None:
    alice, boss = create_report(scim), scim.create(userName="boss@example.com")
    publish()
    response = scim.patch(alice["id"], {"op": "replace", "path": "title", "value": "a much longer title than before"})
    assert response.json()[ENTERPRISE]["manager"]["$ref"] == build_location(boss)
    published_events = publish()
    assert get_manager(scim, alice) == {"value": "boss@example.com", "$ref": build_location(boss)}
    assert len(get_links(published_events)) == 1


def test_put_of_response_changes_nothing(scim: Endpoint, publish: ReadEvents) -> None:
    alice, boss = create_report(scim), scim.create(userName="boss@example.com")
    publish()
    read = scim.request("GET", f"/Users/{alice['id']}").json()
    assert scim.request("PUT", f"/Users/{alice['id']}", read).json() == read
    repeated = scim.patch(alice["id"], {"op": "replace", "path": MANAGER, "value": {"value": "boss@example.com"}})
    assert repeated.json() == read
    read[ENTERPRISE]["manager"]["value"] = "other@example.com"
    updated = scim.request("PUT", f"/Users/{alice['id']}", read).json()
    assert updated[ENTERPRISE]["manager"] == {"value": "other@example.com"}
    publish()
    assert get_manager(scim, alice) == {"value": "other@example.com"}
    assert boss["id"] not in json.dumps(scim.request("GET", "/Users?filter=title%20pr").json())


def test_ref_of_client_is_kept(scim: Endpoint, publish: ReadEvents) -> None:
    manager = {"value": "boss@example.com", "$ref": "https://hr.example.com/people/7"}
    alice = scim.create(**{ENTERPRISE: {"manager": manager}})
    scim.create(userName="boss@example.com")
    assert len(get_links(publish())) == 0
    published_events = publish()
    assert get_manager(scim, alice) == manager
    assert [to for _, to in get_links(published_events)] != []


def test_relative_ref_is_kept(scim: Endpoint, publish: ReadEvents) -> None:
    boss = scim.create()
    manager = {"value": boss["id"], "$ref": f"../Users/{boss['id']}"}
    alice = scim.create(**{ENTERPRISE: {"manager": manager}})
    publish()
    repeated = scim.patch(alice["id"], {"op": "replace", "path": "active", "value": True})
    assert (repeated.json()["meta"]["version"], repeated.json()[ENTERPRISE]["manager"]) == ('W/"1"', manager)


def test_put_of_response_with_old_link_keeps_current(scim: Endpoint, publish: ReadEvents) -> None:
    alice, boss = create_report(scim), scim.create(userName="boss@example.com")
    publish()
    read = scim.request("GET", f"/Users/{alice['id']}").json()
    scim.request("DELETE", f"/Users/{boss['id']}")
    other = scim.create(userName="boss@example.com")
    publish()
    scim.request("PUT", f"/Users/{alice['id']}", read)
    assert get_manager(scim, alice)["$ref"] == build_location(other)


def test_user_name_is_preferred_to_many_equal_emails(scim: Endpoint, publish: ReadEvents) -> None:
    alice = create_report(scim)
    shared = {"emails": [{"value": "boss@example.com"}]}
    send_bulk(scim, [build_create(f"user-{number}", **shared) for number in range(50)])
    boss = scim.create(userName="boss@example.com")
    publish()
    assert get_manager(scim, alice)["$ref"] == build_location(boss)


def test_event_of_removed_reference_has_remaining_links(scim: Endpoint, publish: ReadEvents) -> None:
    alice, boss = create_report(scim), scim.create(userName="boss@example.com")
    publish()
    scim.patch(alice["id"], {"op": "remove", "path": MANAGER})
    publish()
    published_events = publish()
    assert get_links(published_events) == [(alice["id"], [{"attribute": MANAGER, "id": boss["id"]}]), (alice["id"], [])]
    assert (published_events[-1]["detail"]["sequence"], published_events[-1]["detail"]["changed"]) == (2, [MANAGER])


def test_deleted_or_renamed_manager_is_unlinked_until_restored(scim: Endpoint, publish: ReadEvents) -> None:
    alice, boss = create_report(scim), scim.create(userName="boss@example.com")
    publish()
    rename(scim, boss, "former.boss@example.com")
    publish()
    assert get_manager(scim, alice) == {"value": "boss@example.com"}
    rename(scim, boss, "boss@example.com")
    publish()
    assert get_manager(scim, alice)["$ref"] == build_location(boss)
    scim.request("DELETE", f"/Users/{boss['id']}")
    publish()
    assert get_manager(scim, alice) == {"value": "boss@example.com"}
    other = scim.create(userName="boss@example.com")
    publish()
    assert get_manager(scim, alice)["$ref"] == build_location(other)
    published_events = [event["detail"] for event in publish() if event["detail-type"] == "UserLinked"]
    assert [(detail["sequence"], detail["linkSequence"]) for detail in published_events] == [
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (1, 5),
    ]


def test_ambiguous_email_is_not_linked_but_user_name_is(scim: Endpoint, publish: ReadEvents) -> None:
    alice = create_report(scim)
    address = [{"value": "boss@example.com"}]
    first, second = scim.create(emails=address), scim.create(emails=address)
    publish()
    assert get_manager(scim, alice) == {"value": "boss@example.com"}
    scim.request("DELETE", f"/Users/{second['id']}")
    publish()
    assert get_manager(scim, alice)["$ref"] == build_location(first)
    boss = scim.create(userName="boss@example.com")
    publish()
    assert get_manager(scim, alice)["$ref"] == build_location(boss)


def test_deleted_user_is_removed_from_reference_index(scim: Endpoint, publish: ReadEvents) -> None:
    alice, bob = create_report(scim), create_report(scim, "x@example.com")
    publish()
    scim.request("DELETE", f"/Users/{alice['id']}")
    scim.patch(bob["id"], {"op": "remove", "path": MANAGER})
    publish()
    assert read_index_entries(scim) == []


def test_custom_attribute_is_linked(scim: Endpoint, publish: ReadEvents) -> None:
    alice = scim.create(**{SURVEY: {"Mentor": "mentor@example.com", "Buddy": "buddy@example.com"}})
    mentor, buddy = scim.create(userName="mentor@example.com"), scim.create(userName="buddy@example.com")
    publish()
    shown = scim.request("GET", f"/Users/{alice['id']}").json()[SURVEY]
    assert shown == {
        "Mentor": "mentor@example.com",
        "Buddy": {"value": "buddy@example.com", "$ref": build_location(buddy)},
    }
    assert get_links(publish())[-1] == (
        alice["id"],
        [
            {"attribute": f"{SURVEY}:Mentor", "id": mentor["id"]},
            {"attribute": f"{SURVEY}:Buddy", "id": buddy["id"]},
        ],
    )


def test_manager_of_many_users_is_linked_to_all(scim: Endpoint, publish: ReadEvents) -> None:
    reference = {ENTERPRISE: {"manager": {"value": "boss@example.com"}}}
    send_bulk(scim, [build_create(f"report-{number}", **reference) for number in range(REPORTS)])
    publish()
    boss = scim.create(userName="boss@example.com")
    publish()
    assert {UserLinks.parse(text).links[0].user_id for text in read_links(scim).values()} == {boss["id"]}
    assert len(read_links(scim)) == REPORTS
    assert len({user_id for user_id, _ in get_links(publish())}) == REPORTS
