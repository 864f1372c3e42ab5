"""The closed sets of a change record. Their values are stored and published, so they must not change."""

from scim.service.model.change_record import WRITE_OPERATIONS, Operation, Participation


def test_values_are_those_in_the_table_and_in_events() -> None:
    assert list(Operation) == ["create", "replace", "patch", "delete", "link"]
    assert list(Participation) == ["joined", "left", "unchanged"]


def test_a_method_leads_to_every_operation_of_a_client() -> None:
    assert set(WRITE_OPERATIONS.values()) == set(Operation) - {Operation.LINK}
