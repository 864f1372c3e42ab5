"""The failure recorder, which is created at its first use."""

import time
from concurrent.futures import ThreadPoolExecutor

from handlers.http.lazy_failure_recorder import LazyFailureRecorder
from scim.protocol.leniency import LeniencyTracker
from scim.service.audit.failure_recorder import FailureRecorder
from scim.service.model.audit.failure import RequestSummary
from tests.service.audit.test_failure_recorder import WRONG_TYPE, FakeFailureStore, build_recorder


def test_operations_of_a_bulk_request_share_one_recorder() -> None:
    """With several recorders, failures would be missing in the log line and in the daily counts."""
    store = FakeFailureStore()

    def create() -> FailureRecorder:
        time.sleep(0.01)  # all threads request a recorder before one exists
        return build_recorder(store)

    recorder = LazyFailureRecorder(create)
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda _: recorder.record_failure(RequestSummary("create"), WRONG_TYPE, LeniencyTracker()), range(8)
            )
        )
    recorder.finish()

    assert recorder.log_fields["failures"] == 8
    assert [counts["create"] for _, counts, _ in store.counts] == [8]


def test_request_without_outcome_creates_no_recorder() -> None:
    recorder = LazyFailureRecorder(lambda: build_recorder(FakeFailureStore(error=RuntimeError("created"))))
    recorder.finish()
    assert recorder.log_fields == {}
