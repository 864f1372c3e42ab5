"""Match log lines with JSON filter patterns (CloudWatch Logs user guide, "Filter pattern syntax for metric filters").

It supports what the template and the smoke test use: comparisons, ``*``, ``&&``, and ``||`` in parentheses.
"""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from operator import eq, ge, gt, le, ne
from typing import Any

_COMPARE = {"=": eq, "!=": ne, ">": gt, ">=": ge, "<=": le}


def matches_pattern(pattern: str, line: Mapping[str, Any]) -> bool:
    """Return whether a log line matches a pattern such as ``{ $.message = "request" && $.status >= 500 }``."""
    return all(
        any(_matches(term, line) for term in part.strip("() ").split(" || "))
        for part in pattern.strip("{} ").split(" && ")
    )


def _matches(term: str, line: Mapping[str, Any]) -> bool:
    """Return whether a log line matches a comparison of a filter pattern.

    ``*`` matches any value. A field that is absent never matches.
    """
    field, operator, literal = term.removeprefix("$.").split(" ", 2)
    if field not in line or literal == "*":
        return field in line
    value, expected = line[field], json.loads(literal)
    if isinstance(expected, str) and operator in ("=", "!="):
        return (isinstance(value, str) and fnmatchcase(value, expected)) == (operator == "=")
    return not isinstance(value, str) and bool(_COMPARE[operator](value, expected))
