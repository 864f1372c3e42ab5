"""The closed sets of a change record. Their values are stored and published, so they must not change."""

from scim.service.model.change_record import WRITE_OPERATIONS, Operation, Participation


def test_stored_values() -> None:
    assert list(Operation) == ["create", "replace", "patch", "delete", "link", "erase"]
    assert list(Participation) == ["joined", "left", "unchanged"]


def test_methods_cover_all_operations_of_clients() -> None:
    assert set(WRITE_OPERATIONS.values()) == set(Operation) - {Operation.LINK, Operation.ERASE}
