"""The resource type of the tests of filters and paths."""

import json
from pathlib import Path as File

from scim.protocol.schema import load_user_type

SURVEY = json.loads((File(__file__).parents[3] / "examples/extensions/employee.json").read_text("utf-8"))
TYPE = load_user_type().with_extensions([SURVEY])
"""The resource type User with a custom extension whose attributes have spaces in their names."""
EXTENSION = SURVEY["id"]
