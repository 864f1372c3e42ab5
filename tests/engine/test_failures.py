"""Failures that happen at the same time, and an engine that does not answer when they are to be recorded."""

import os
from concurrent.futures import ThreadPoolExecutor

from scim import wiring
from scim.service.people import handle
from scim.settings import Settings
from tests.endpoint import CORE, Endpoint


def test_the_same_failure_forty_times_at_once_is_one_record_that_counts_forty(scim: Endpoint) -> None:
    body = {"schemas": [CORE], "userName": "ada", "active": "x"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: scim.request("POST", "/Users", body).status, range(40)))
    assert answers == [400] * 40

    log = wiring.operator(Settings.from_environment(os.environ), "tests").log(scim.token.split("_")[1])
    assert log is not None
    (counted,) = log.records.failures([handle("ada")])
    assert (counted.count, sum(counted.days.values()), counted.is_loop) == (40, 40, True)
    (entry,) = log.page()[0]
    assert entry.count == 40
