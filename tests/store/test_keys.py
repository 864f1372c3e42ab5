"""The keys of the table's items."""

import pytest

from scim.store import keys

USER_ID = "0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11"


def test_change_records_are_ordered_by_version() -> None:
    assert keys.change_record_key(USER_ID, 9) < keys.change_record_key(USER_ID, 10)


def test_counter_belongs_to_first_digits_of_id() -> None:
    assert keys.counter_key(USER_ID) == "K#0f"


@pytest.mark.parametrize("text", ["", "x", USER_ID.upper(), USER_ID + "#1", "x" * 2_000, USER_ID + "\n"])
def test_only_ids_of_the_service_are_user_ids(text: str) -> None:
    assert not keys.is_user_id(text)
    assert keys.is_user_id(USER_ID)
