"""The number of rejected tokens is written once a minute."""

from scim.auth.rejected_tokens import MAX_RECORDED_REQUESTS, RejectedTokenCounter
from scim.protocol.errors import Rule


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


def test_counted_requests_are_written_once_a_minute() -> None:
    """Anyone can send them, so they must not cause a write for each request of the tenant."""
    counter = RejectedTokenCounter()
    written = []
    for now in (100.0, 101.0, 159.0, 160.0):
        counter.count("acme", Rule.TOKEN_MALFORMED)
        written.append(counter.take_unwritten("acme", now))
    assert written == [(1, Rule.TOKEN_MALFORMED), None, None, (3, Rule.TOKEN_MALFORMED)]


def test_counted_requests_are_written_only_once() -> None:
    counter = RejectedTokenCounter()
    counter.count("acme", Rule.TOKEN_MALFORMED)
    assert counter.count_and_take_unwritten("acme", 100.0) == 2
    assert counter.take_unwritten("acme", 200.0) is None


def test_ids_of_the_first_requests_lead_to_the_written_count() -> None:
    """A client that retries a wrong token does not write a record for each request."""
    counter = RejectedTokenCounter()
    assert counter.take_record_time("acme") is None  # no count was written
    times = []
    for number in range(100):
        counter.count_and_take_unwritten("acme", 100.0 + number / 2)
        times.append(counter.take_record_time("acme"))
    assert times == [100.0] * MAX_RECORDED_REQUESTS + [None] * (100 - MAX_RECORDED_REQUESTS)
    counter.count_and_take_unwritten("acme", 160.0)
    assert counter.take_record_time("acme") == 160.0
