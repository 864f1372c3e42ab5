"""The entries of the audit log."""

from itertools import product

import pytest

from scim.service.audit.log_entries import describe_record
from scim.service.model.change_record import ChangeRecord, Operation, Participation, StoredChange


@pytest.mark.parametrize(("operation", "participation"), list(product(Operation, Participation)))
def test_summary_of_change_is_a_sentence(operation: Operation, participation: Participation) -> None:
    at = "2026-01-31T09:30:00.000Z"
    change = ChangeRecord(at, operation, ["title"], participation, "scim", "r1", [], "User", "ada", None, active=True)
    entry = describe_record(StoredChange("1", change), {})
    assert entry.operation == operation
    assert entry.summary.endswith(".")
