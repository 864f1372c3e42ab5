"""The sentences about a tenant that a report on a person and the status page contain."""

from scim.protocol.errors import Rule
from scim.service.audit.diagnosis import describe_malformed_tokens
from scim.service.model.audit.log_record import RejectedTokenCount


def test_malformed_tokens_are_summed() -> None:
    minutes = [
        RejectedTokenCount("2026-01-31T09:30:01.000Z", "2026-01-31T09:30:59.000Z", 2, Rule.TOKEN_WITH_BEARER),
        RejectedTokenCount("2026-01-31T09:20:01.000Z", "2026-01-31T09:20:59.000Z", 5, Rule.TOKEN_MALFORMED),
    ]

    text = describe_malformed_tokens(minutes)
    assert text.startswith("At least 7 requests with a malformed token in the last 24 hours")
    assert "most recently at 2026-01-31T09:30:59.000Z" in text
    assert describe_malformed_tokens([]) == ""


def test_last_malformed_token_determines_the_remedy() -> None:
    minutes = [
        RejectedTokenCount(f"2026-01-31T09:{minute}:01.000Z", f"2026-01-31T09:{minute}:01.000Z", 1, rule)
        for minute, rule in ((30, Rule.TOKEN_WITH_BEARER), (20, Rule.TOKEN_WITH_OTHER_TEXT))
    ]

    assert "enter the token without the word Bearer" in describe_malformed_tokens(minutes)
    assert "enter the token without the word Bearer" not in describe_malformed_tokens(minutes[1:])
