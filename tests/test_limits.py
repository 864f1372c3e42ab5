"""docs/operate/limits.md states the limits of the code."""

import re
from pathlib import Path

import pytest

from handlers.console.pages.audit_log import log_export
from handlers.console.pages.users import csv_files
from scim.auth import authentication, token_lookup_limiter
from scim.events import eventbridge
from scim.protocol import json_body, messages, projection, references
from scim.protocol.filter import parser, tokenizer
from scim.protocol.values import parser as values
from scim.protocol.values import unique_value
from scim.service import limits
from scim.service.audit import log_pages
from scim.service.console import password_sign_in
from scim.service.tenants import custom_schemas
from scim.store import lookup_keys, resources
from scim.store.query import list_page, paging, reader
from tests.template_reader import Deployment

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/operate/limits.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (r"([\d,]+) bytes, JSON nested (\d+) levels", [limits.MAX_PAYLOAD_BYTES, json_body.MAX_DEPTH]),
        (r"bulk request \| ([\d,]+) operations", [limits.MAX_OPERATIONS]),
        (r"PATCH request \| ([\d,]+) operations", [messages.MAX_PATCH_OPERATIONS]),
        (
            r"([\d,]+) characters, (\d+) comparisons, (\d+) levels",
            [tokenizer.MAX_LENGTH, parser.MAX_COMPARISONS, parser.MAX_DEPTH],
        ),
        (r"`excludedAttributes` \| ([\d,]+) names", [projection.MAX_NAMES]),
        (r"page \| (\d+) users, ([\d.]+) MB", [limits.MAX_RESULTS, paging.MAX_PAGE_BYTES / 1e6]),
        (r"([\d,]+) users, 24 seconds", [reader.MAX_RESOURCES_READ]),
        (
            r"([\d,]+) bytes, (\d+) values of a multi-valued attribute, (\d+) index entries. .*, (\d+) are resolved",
            [
                resources.MAX_DOCUMENT_BYTES,
                values.MAX_ELEMENTS,
                lookup_keys.MAX_INDEX_ENTRIES,
                references.MAX_REFERENCES,
            ],
        ),
        (r"`userName` \| (\d+) characters", [unique_value.MAX_UNIQUE_LENGTH]),
        (r"(\d+) in a schema; ([\d,]+) bytes", [custom_schemas._MAX_ATTRIBUTES, custom_schemas.MAX_BYTES]),  # noqa: SLF001
        (r"rejected within (\d+) seconds", [authentication.MAX_CACHE_AGE_S]),
        (r"look-ups in (\d+) seconds", [token_lookup_limiter._WINDOW_S]),  # noqa: SLF001
        (r"page of the list of users \| ([\d,]+) users read", [list_page.MAX_USERS_READ]),
        (r"audit log with a filter \| ([\d,]+) records", [log_pages.MAX_RECORDS]),
        (
            r"file of the audit log \| ([\d,]+) records are read, or less if they have more than ([\d.]+) MB",
            [log_export.PAGES_PER_FILE * log_pages.MAX_RECORDS, log_export.MAX_FILE_BYTES / 1e6],
        ),
        (
            r"CSV file of the console \| ([\d,]+) users, ([\d.]+) MB",
            [csv_files.USERS_PER_FILE, csv_files.MAX_FILE_BYTES / 1e6],
        ),
        (r"(\d+) KB in a `PutEvents`", [eventbridge._MAX_BYTES / 1024]),  # noqa: SLF001
    ],
)
def test_documented_limit_is_that_of_code(text: str, values: list[float]) -> None:
    match = re.search(text, PAGE)
    assert match is not None
    assert [float(group.replace(",", "")) for group in match.groups()] == values


def test_limits_in_words_are_those_of_code() -> None:
    assert limits.CURSOR_TIMEOUT_S == 3600
    assert "`startIndex` | one hour |" in PAGE
    assert (token_lookup_limiter._MAX_FAILURES, password_sign_in.MAX_ATTEMPTS) == (3, 5)  # noqa: SLF001
    assert "three look-ups" in PAGE
    assert "five attempts in 15 minutes" in PAGE


def test_throttle_and_timeout_are_those_of_template() -> None:
    template = Deployment(ROOT / "template.yaml")
    (api,) = template.select_by_type("AWS::Serverless::HttpApi").values()
    throttle = api["DefaultRouteSettings"]
    burst = throttle["ThrottlingBurstLimit"]
    assert f"{throttle['ThrottlingRateLimit']} a second, bursts of {burst:,}" in PAGE
    timeout = template["Globals"]["Function"]["Timeout"]
    assert f"{timeout} seconds" in PAGE
    assert timeout - reader._TIME_FOR_RESPONSE_S == 24  # noqa: SLF001
