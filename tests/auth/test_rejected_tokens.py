"""Refused tokens are written down once a minute."""

from scim.auth.rejected_tokens import RejectedTokenCounter


def test_first_is_written_at_once_and_what_follows_within_a_minute_with_the_next() -> None:
    counter = RejectedTokenCounter()
    assert [counter.count_and_take_unwritten("acme", now) for now in (100.0, 101.0, 159.9, 160.0, 161.0, 300.0)] == [
        1,
        0,
        0,
        3,
        0,
        2,
    ]


def test_each_tenant_has_its_own_minute() -> None:
    counter = RejectedTokenCounter()
    assert [counter.count_and_take_unwritten(tenant, 100.0) for tenant in ("acme", "umbrella", "acme")] == [1, 1, 0]
