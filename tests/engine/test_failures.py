"""Failures that happen at the same time, and an engine that does not answer when they are to be recorded."""

import os
from concurrent.futures import ThreadPoolExecutor

from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import CORE, Endpoint


def test_simultaneous_equal_failures_are_one_record_with_a_count(scim: Endpoint) -> None:
    body = {"schemas": [CORE], "userName": "ada", "active": "x"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: scim.request("POST", "/Users", body).status, range(40)))
    assert answers == [400] * 40

    log = (
        build_operator_adapters(Settings.from_environment(os.environ), "tests")
        .build_administration()
        .find_audit_log(scim.token.split("_")[1])
    )
    assert log is not None
    (counted,) = log.log_store.find_failures(["ada"]).failures
    assert (counted.count, sum(counted.counts_by_day.values()), counted.is_repeating) == (40, 40, True)
    (entry,) = log.list_entries(only_failures=True)[0]
    assert entry.count == 40


def test_pages_of_the_log_join_to_the_whole_log(direct: Endpoint) -> None:
    operator, tenant = (
        build_operator_adapters(Settings.from_environment(os.environ), "tests"),
        direct.token.split("_")[1],
    )
    for number in range(4):
        direct.create()
        body = {"schemas": [CORE], "userName": f"alan-{number}", "active": "x", "displayName": "Alan Turing"}
        assert direct.request("POST", "/Users", body).status == 400
        operator.build_administration().tenants.configure(tenant, is_strict=number % 2 == 0)
    log = operator.build_administration().find_audit_log(tenant)
    assert log is not None
    everything, _ = log.list_entries()
    place, pages = None, []
    while True:
        page, place = log.list_entries(place, count=1)
        pages += page
        if place is None:
            break

    assert [entry.kind for entry in everything] == [
        *["audit-event", "failure", "change"] * 4,
        "first-use",
        "audit-event",
    ]
    assert pages == everything
    assert set(log.report_on_person("Turing").failed_candidates) == {f"alan-{number}" for number in range(4)}
    (today,) = log.get_activity(1)
    assert (today.changes, today.failed_writes) == (4, 4)
