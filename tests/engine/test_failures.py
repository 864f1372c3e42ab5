"""Audit log: failures that happen at the same time are counted in one record, and pages have all entries once."""

import os
from concurrent.futures import ThreadPoolExecutor

from scim.service.audit.log_filter import FAILURES
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import CORE, Endpoint


def test_simultaneous_equal_failures_are_counted_in_one_record(scim: Endpoint) -> None:
    body = {"schemas": [CORE], "userName": "ada", "active": "x"}
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: scim.request("POST", "/Users", body).status, range(40)))
    assert statuses == [400] * 40

    log = (
        build_operator_adapters(Settings.from_environment(os.environ), "tests")
        .build_administration()
        .find_audit_log(scim.token.split("_")[1])
    )
    assert log is not None
    (failure,) = log.log_store.find_failures(["ada"]).failures
    assert (failure.count, sum(failure.counts_by_day.values()), failure.is_repeating) == (40, 40, True)
    (entry,) = log.read_page(FAILURES).entries
    assert entry.count == 40


def test_pages_of_log_have_all_entries_once(direct: Endpoint) -> None:
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
    all_entries = log.read_page().entries
    page = log.read_page(count=1)
    pages = [*page.entries]
    while page.older:
        page = log.read_page(count=1, older_than=page.older)
        pages += page.entries

    assert [entry.kind for entry in all_entries] == [
        *["audit-event", "failure", "change"] * 4,
        "first-use",
        "audit-event",
    ]
    assert pages == all_entries
    assert set(log.report_on_person("Turing").failed_candidates) == {f"alan-{number}" for number in range(4)}
    (today,) = log.get_activity(1)
    assert (today.changes, today.failed_writes) == (4, 4)
