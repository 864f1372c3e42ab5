"""The records of the audit log as items of the table."""

import json

from scim.store import log_codec
from tests.service.audit.test_explanations import FAILURE


def test_failure_of_version_0_1_is_read() -> None:
    """Failures are kept for 30 days, so those of the previous version must be readable."""
    content = {
        "status": 400,
        "scim_type": "invalidValue",
        "rule": "type",
        "detail": "active is a boolean. Send true or false.",
        "attribute": "active",
        "kind": "userName",
        "identifier": "ada",
        "sent": ["userName", "active"],
        "left_out": [],
        "refused": None,
        "provider": None,
        "request_id": "1",
    }
    item = log_codec.encode_failure(FAILURE)

    assert json.loads(item["failure"]["S"]) == content
    counts = {"first": {"S": FAILURE.at}, "last": {"S": FAILURE.at}, "count": {"N": "1"}}
    assert log_codec.decode_failure({**item, **counts}).failure == FAILURE
