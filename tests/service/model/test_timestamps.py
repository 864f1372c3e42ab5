"""Points in time as text."""

import pytest

from scim.service.model.timestamps import format_rfc3339, list_last_days, parse_rfc3339


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_800_000_000.0, "2027-01-15T08:00:00.000Z"),
        (1_800_000_000.1239, "2027-01-15T08:00:00.123Z"),
    ],
)
def test_format_has_milliseconds(seconds: float, text: str) -> None:
    assert format_rfc3339(seconds) == text


@pytest.mark.parametrize("text", ["2026-01-31T09:30:00.000Z", "2026-12-31T23:59:59.999Z", "1970-01-01T00:00:00.001Z"])
def test_parse_is_the_inverse_of_format(text: str) -> None:
    assert format_rfc3339(parse_rfc3339(text)) == text


def test_last_days_are_in_utc() -> None:
    assert list_last_days(parse_rfc3339("2026-03-01T00:00:00Z"), 2) == ["2026-02-28", "2026-03-01"]
    assert list_last_days(parse_rfc3339("2026-02-28T23:59:59Z"), 3) == ["2026-02-26", "2026-02-27", "2026-02-28"]
