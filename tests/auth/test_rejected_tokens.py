"""The number of rejected tokens is written once a minute."""

from scim.auth.rejected_tokens import RejectedTokenCounter


def test_first_rejection_is_written_immediately() -> None:
    """Those that follow within a minute are written with the first one after it."""
    counter = RejectedTokenCounter()
    assert [counter.count_and_take_unwritten("acme", now) for now in (100.0, 101.0, 159.9, 160.0, 161.0, 300.0)] == [
        1,
        0,
        0,
        3,
        0,
        2,
    ]


def test_tenants_are_counted_separately() -> None:
    counter = RejectedTokenCounter()
    assert [counter.count_and_take_unwritten(tenant, 100.0) for tenant in ("acme", "umbrella", "acme")] == [1, 1, 0]
