"""Each request of a test is held to what AWS refuses (``local.rules``), whatever engine answers it."""

from local.rules import Violation
from local.rules.watch import answer_as_aws, watch_clients


class RefusedByAws(Exception):
    """The code has sent what DynamoDB refuses. Nothing in the code expects it, so that no test can overlook it."""


def watch() -> None:
    """Hold the requests of all clients to the rules that are made from now on."""
    watch_clients(_refuse)


def _refuse(operation: str, violation: Violation) -> Exception:
    """What DynamoDB refuses is a defect. What SQS and EventBridge refuse depends on data: the code deals with it."""
    if violation.code == "ValidationException" and operation != "PutEvents":
        return RefusedByAws(f"{operation}: {violation.message}")
    return answer_as_aws(operation, violation)
