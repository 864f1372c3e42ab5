"""The ids that the service makes."""

import uuid

from scim import wiring


def test_id_is_a_random_uuid_in_lower_case() -> None:
    ids = {wiring.new_id() for _ in range(1_000)}

    assert len(ids) == 1_000
    for each in ids:
        parsed = uuid.UUID(each)
        assert (str(parsed), parsed.version, parsed.variant) == (each, 4, uuid.RFC_4122)
