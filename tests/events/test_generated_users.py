"""Users that can be stored have valid change records, messages and events.

The users are generated: all string attributes, empty strings, unusual characters, with strict mode on and off.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.validation.eventbridge import check_entry
from local.validation.sqs import check_message
from scim.events.link_message import build_message, build_task, parse_task
from scim.events.stream_record import parse_stream_record
from scim.protocol.errors import ScimError
from scim.protocol.filter.path import resolve_path
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import Attribute, DataType, ResourceType, load_user_type
from scim.service.model.change_record import ChangeRecord
from scim.service.model.query import Query, QueryResult
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.service.resources.crud import ResourceService
from scim.store.resources import DynamoDBResourceStore, ResourceStoreConfig
from tests.conftest import EXTENSION
from tests.endpoint import CORE
from tests.events.fakes import FakeEventBridge, FakeSqs, build_stream_processor
from tests.events.history import PATCH_OP, build_stream_record
from tests.events.schemas import validate
from tests.service.fakes import Clock, build_context, new_id

TYPE = load_user_type().with_extensions([EXTENSION])
INDEXED = [
    resolve_path(name, load_user_type(), LeniencyTracker(is_strict=True)) for name in ("externalId", "emails.value")
]
DEACTIVATE = {"op": "replace", "path": "active", "value": False}
ODD = ["", " ", "\t\n", "\ufffe", "\uffff", "a\ufffeb", "\U0010ffff", "\x00", "#", "a#b", "x" * 1_200, "ü" * 400]

texts = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
letters = st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=1, max_size=20)
# Most generated texts are unacceptable as a userName.
names = texts | letters | letters | st.sampled_from(["alice", "ALICE", "O\u2019Brien", "\U0001f600"])


def generate_value(attribute: Attribute) -> st.SearchStrategy[Any]:
    """Generate values that a client may send for an attribute."""
    if attribute.is_multi_valued:
        return st.lists(generate_element(attribute), max_size=3)
    return generate_element(attribute)


def generate_element(attribute: Attribute) -> st.SearchStrategy[Any]:
    if attribute.is_complex:
        return generate_members(attribute.sub_attributes.values())
    match attribute.type:
        case DataType.BOOLEAN:
            return st.booleans()
        case DataType.INTEGER | DataType.DECIMAL:
            return st.integers(-9, 9)
        case DataType.DATE_TIME:
            return st.just("2026-01-31T09:30:00Z")
        case DataType.BINARY:
            return st.just("AAAA")
        case _:
            return texts


def generate_members(attributes: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={attribute.name: generate_value(attribute) for attribute in attributes if not attribute.is_read_only},
    )


def generate_user(resource_type: ResourceType) -> st.SearchStrategy[dict[str, Any]]:
    extensions = {schema.id: generate_members(schema.attributes.values()) for schema in resource_type.extensions}
    attributes = [
        attribute for attribute in resource_type.core_schema.attributes.values() if not attribute.is_read_only
    ]
    core = {
        attribute.name: generate_value(attribute)
        for attribute in attributes
        if attribute.name not in ("userName", "schemas", "active")
    }
    required = {"userName": names, "schemas": st.just([CORE, *extensions])}
    return st.fixed_dictionaries(required, optional={**core, **extensions} | {"active": st.booleans()})


class Table:
    """A fake table that accepts all transactions. ``images`` has their change records."""

    name = "muster"
    deadline = Clock().deadline
    version_floor = 0

    def __init__(self) -> None:
        self.images: list[dict[str, Any]] = []

    def transact_once(self, actions: list[dict[str, Any]], client_request_token: str) -> None:  # noqa: ARG002  # part of the table's interface
        items = [action["Put"]["Item"] for action in actions if "Put" in action]
        self.images += [item for item in items if item["sk"]["S"].startswith("C#")]


class Users:
    """The real store on the fake table. Users are kept in memory."""

    def __init__(self, table: Any) -> None:
        config = ResourceStoreConfig({str(path): path for path in INDEXED}, lambda: None, new_id, lambda: 0.0)
        self._store = DynamoDBResourceStore(table, config, "acme", TYPE)
        self._users: dict[str, StoredResource] = {}

    def get(self, resource_id: str) -> StoredResource | None:
        return self._users.get(resource_id)

    def find(self, query: Query) -> QueryResult:
        raise NotImplementedError

    def create_all(self, creations: Sequence[tuple[StoredResource, ChangeRecord]]) -> None:
        for created, change in creations:
            self.write(None, created, change)

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        self._store.write(before, after, change)
        if after:
            self._users[after.id] = after
        elif before:
            del self._users[before.id]


def create_change_records(strict: bool, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
    """Create a user, replace it by each of the other bodies, deactivate and delete it. Return the change records.

    A body that the tenant's rules reject leaves no change record.
    """
    table = Table()
    tenant = Tenant("acme", is_strict=strict)
    users = ResourceService(TYPE, Users(table), build_context(tenant=tenant))
    created = None
    for body in bodies:
        with suppress(ScimError):
            created = users.replace(created.id, body) if created else users.create(body)
    if created:
        users.patch(created.id, {"schemas": [PATCH_OP], "Operations": [DEACTIVATE]})
        users.delete(created.id)
    return table.images


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(strict=st.booleans(), first=generate_user(TYPE), second=generate_user(TYPE))
def test_stored_user_has_valid_events(strict: bool, first: dict[str, Any], second: dict[str, Any]) -> None:
    images = create_change_records(strict, first, second)
    check_published(images)
    for image in images:
        task = build_task(parse_stream_record(build_stream_record(image)))
        if task:
            message = build_message(task)
            assert not list(check_message({"MessageBody": message.body, "MessageGroupId": message.group}))
            assert parse_task(message.body) == task


def check_published(images: list[dict[str, Any]]) -> None:
    """Check that each change record makes an event that matches its schema and that EventBridge accepts."""
    events, dead_letters = FakeEventBridge(), FakeSqs()
    records = [build_stream_record(image, number) for number, image in enumerate(images, 1)]
    result = build_stream_processor(events, dead_letters, Clock(59.0).deadline).process(records)
    assert (result.published_count, result.dead_letter_count, result.retry_count, result.lost_dead_letters) == (
        len(images),
        0,
        0,
        (),
    )
    for entry in events.accepted:
        assert not list(check_entry({**entry, "Time": entry["Time"].timestamp()}))
        time = entry["Time"].strftime("%Y-%m-%dT%H:%M:%SZ")
        detail = json.loads(entry["Detail"])
        validate({"source": entry["Source"], "detail-type": entry["DetailType"], "time": time, "detail": detail})


@pytest.mark.parametrize("external_id", ["", " ", "\ufffe", "\x00", "x" * 300_000])
def test_external_id_of_odd_characters(external_id: str) -> None:
    """All four changes of the user become events."""
    body = {"schemas": [CORE], "userName": "alice", "externalId": external_id, "active": True}
    images = create_change_records(True, body, {**body, "title": "Cook"})
    assert [image["operation"]["S"] for image in images] == ["create", "replace", "patch", "delete"]
    assert [image["externalId"]["S"] for image in images] == [external_id] * 4
    check_published(images)


@pytest.mark.parametrize(
    "user_name", ["O\u2019Brien", "\U0001f600", "a\u2800b", "\ue000", "\u0378", '"\\', "\U00010000" * 512], ids=ascii
)
def test_user_name_of_odd_characters(user_name: str) -> None:
    images = create_change_records(False, {"schemas": [CORE], "userName": user_name, "active": True})
    assert len(images) == 3
    check_published(images)


def test_generated_users_are_stored() -> None:
    """Without stored users, the other test would check nothing."""
    stored = 0

    @settings(max_examples=50, database=None, derandomize=True, deadline=None)
    @given(generate_user(TYPE))
    def store(body: dict[str, Any]) -> None:
        nonlocal stored
        stored += bool(create_change_records(True, body))

    store()
    assert stored > 10
