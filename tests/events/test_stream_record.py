"""Read change records from the stream, or reject them as malformed."""

from typing import Any

import pytest

from scim.events.stream_record import MalformedRecord, is_change, parse_stream_record
from tests.events.history import build_stream_record, generate_history

ID = "0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11"
IMAGE: dict[str, Any] = {
    "pk": {"S": "T#acme"},
    "sk": {"S": f"C#{ID}#0000000012"},
    "ttl": {"N": "1800000000"},
    "change": {"S": "0fd6a9b1-3c52-4c3c-8a55-6b7d1f4f2b22"},
    "at": {"S": "2026-01-31T09:30:00.123Z"},
    "operation": {"S": "patch"},
    "changed": {"L": [{"S": "title"}, {"S": "active"}]},
    "participation": {"S": "left"},
    "actor": {"S": "scim"},
    "request": {"S": "request-1"},
    "leniencies": {"L": []},
    "resourceType": {"S": "User"},
    "userName": {"S": "zaphod"},
    "externalId": {"S": "e1"},
    "active": {"BOOL": False},
}


def test_key_has_tenant_id_and_sequence() -> None:
    record = parse_stream_record(build_stream_record(IMAGE))
    assert (record.tenant_id, record.id, record.sequence) == ("acme", ID, 12)


def test_external_id_may_be_missing() -> None:
    image = {name: value for name, value in IMAGE.items() if name != "externalId"}
    assert parse_stream_record(build_stream_record(image)).external_id is None


def test_written_records_can_be_read() -> None:
    history = generate_history(300)
    assert {parse_stream_record(build_stream_record(image)).operation for image in history.images} == {
        "create",
        "patch",
        "delete",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pk", {"S": "A#acme"}),
        ("pk", None),
        ("sk", {"S": f"C#{ID}#12"}),
        ("sk", {"S": "C#zaphod#0000000012"}),
        ("change", {"N": "1"}),
        ("change", {"S": ""}),
        ("at", {"S": "yesterday"}),
        ("at", {"S": "2026-01-31T09:30:00"}),
        ("operation", {"S": "zaphod"}),
        ("changed", {"L": ["zaphod"]}),
        ("changed", {"SS": ["zaphod"]}),
        ("participation", {"S": "zaphod"}),
        ("request", "zaphod"),
        ("resourceType", {"NULL": True}),
        ("userName", None),
        ("externalId", {"N": "1"}),
        ("mayAffectLinks", {"S": "true"}),
        ("active", {"S": "zaphod"}),
    ],
)
def test_error_of_malformed_record_has_no_values(name: str, value: Any) -> None:
    image = {**IMAGE, name: value}
    with pytest.raises(MalformedRecord) as caught:
        parse_stream_record(build_stream_record({key: image[key] for key in image if image[key] is not None}))
    assert str(caught.value) == name


@pytest.mark.parametrize("record", [{}, {"dynamodb": None}, {"dynamodb": {"NewImage": "zaphod"}}, {"dynamodb": []}])
def test_record_without_image_is_malformed(record: dict[str, Any]) -> None:
    with pytest.raises(MalformedRecord, match=r"^NewImage$"):
        parse_stream_record(record)


def test_record_without_keys_counts_as_change() -> None:
    assert is_change({})
    assert not is_change({"dynamodb": {"Keys": {"sk": {"S": f"U#{ID}"}}}})


@pytest.mark.parametrize(
    ("name", "sort", "expected"),
    [
        ("INSERT", {"S": f"C#{ID}#0000000001"}, True),
        ("INSERT", {"S": f"U#{ID}"}, False),
        ("MODIFY", {"S": f"C#{ID}#0000000001"}, False),
        ("REMOVE", {"S": f"C#{ID}#0000000001"}, False),  # expired
        ("INSERT", {"N": "1"}, True),  # unclear, so it is read
    ],
)
def test_only_new_change_records_are_read(name: str, sort: dict[str, str], expected: bool) -> None:
    assert is_change(build_stream_record({**IMAGE, "sk": sort}, name=name)) is expected
