"""The deployment that the template describes, its functions, and the permissions that several of them share."""

import os
from pathlib import Path

import pytest

from handlers.changes import ChangesHandler
from scim.settings import Settings
from scim.wiring.events import build_stream_processor_factory
from tests.endpoint import REFERENCES, Handler
from tests.template_reader import Deployment, Permission

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
DEPLOYMENT = Deployment(ROOT / "template.yaml")
FUNCTIONS = {spec.name: spec for spec in DEPLOYMENT.read_functions(REFERENCES, {})}
HTTP_FUNCTIONS = [name for name, spec in FUNCTIONS.items() if spec.routes]

ROTATION = "RotationFunction"
"""The function without a route."""

with_functions = pytest.mark.parametrize("function", FUNCTIONS)
with_http_functions = pytest.mark.parametrize("function", HTTP_FUNCTIONS)
with_all_functions = pytest.mark.parametrize("function", [*FUNCTIONS, ROTATION])

# The actions of a transaction, with the operations whose permissions they need.
TRANSACTION_OPERATIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
LOG_AND_TRACE = {
    Permission("logs:CreateLogStream"),
    Permission("logs:PutLogEvents"),
    Permission("xray:PutTraceSegments"),
    Permission("xray:PutTelemetryRecords"),
}
# The permissions with which Lambda reads a stream (AWS Lambda developer guide, "Process DynamoDB records with Lambda").
READ_STREAM = {
    f"dynamodb:{operation}" for operation in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
}


def build_changes_handler() -> Handler:
    """Return a new handler, because each test has other queues."""
    return ChangesHandler(lambda: build_stream_processor_factory(Settings.from_environment(os.environ)))
