"""Run an operation of the endpoint with a fault, and check what Muster promises."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import pytest

from scim.service.deadline import Deadline
from scim.store.keys import change_range, change_record_key, resource_partition
from scim.store.table import Table
from scim.wiring.operator_adapters import OperatorAdapters
from tests import stored_data
from tests.conftest import EXTENSION
from tests.endpoint import Endpoint, Response
from tests.engine.faults.kinds import FaultKind
from tests.engine.faults.operations import OPERATIONS, Customer, Operation, Part, Result
from tests.engine.faults.proxy import Fault, FaultProxy, RandomFaults
from tests.engine.faults.users import Users, find_stored, list_changes, parse_user, read_users
from tests.invariants import find_violation

_UNKNOWN_OUTCOME = "could not determine"


@dataclass(frozen=True)
class Case:
    """An operation with a fault of one of its calls."""

    operation: Operation
    fault: Fault

    def __str__(self) -> str:
        attempts = "all attempts" if self.fault.is_repeated else "one attempt"
        call = f"{self.fault.operation} {self.fault.operation_index}"
        return f"{self.operation.name}: {self.fault.kind}, {attempts} of {call} (call {self.fault.index})"

    @property
    def must_succeed(self) -> bool:
        """Whether the client must not notice the fault: another attempt of the call can succeed."""
        return not (self.fault.is_repeated or self.fault.kind.is_deadline)


@dataclass(frozen=True)
class _Sent:
    """A request that was sent, with the users and the keys of the change records before it."""

    customer: Customer
    operation: Operation
    users: Users
    records: frozenset[str]
    response: Response


class Matrix:
    """Runs cases on one table, each write with a new customer.

    ``build_endpoint`` returns an endpoint with a token, whose functions have never read it. ``calls`` are the known
    calls of the operations, by their names; the others are added.
    """

    def __init__(
        self,
        proxy: FaultProxy,
        client: Any,
        operator: OperatorAdapters,
        build_endpoint: Callable[[str], Endpoint],
        calls: dict[str, Sequence[str]],
    ) -> None:
        self._proxy = proxy
        self._table = Table(client, operator.settings.table_name, Deadline(lambda: inf, time.sleep))
        self._operator = operator
        self._build_endpoint = build_endpoint
        self._maintenance = stored_data.build_maintenance(client)
        self._calls = calls
        self._readers: dict[str, Customer] = {}

    def list_cases(self, kind: FaultKind, *, is_repeated: bool) -> Iterator[Case]:
        """Yield all cases with a kind of fault: each call of each operation that can have it."""
        for operation in OPERATIONS:
            calls = self._find_calls(operation)
            for index, call in enumerate(calls):
                if kind.applies_to(call):
                    yield Case(operation, Fault(kind, index, call, calls[:index].count(call), is_repeated))

    def run(self, case: Case) -> bool:
        """Run a case, and return whether the client did not notice the fault.

        Raise ``AssertionError`` if a promise is broken.
        """
        sent = self._send(case.operation, case.fault)
        assert self._proxy.fault_count, "the fault did not occur"
        failures = self._check(sent)
        assert not (failures and case.must_succeed), f"not hidden from the client: {sent.response}"
        return not failures

    def run_random(self, operation: Operation, seed: int) -> bool:
        """Run an operation with several random faults, and return whether the client did not notice them.

        Raise ``AssertionError`` if a promise is broken.
        """
        return not self._check(self._send(operation, RandomFaults(seed)))

    def check_readers(self) -> None:
        """Run ``muster check`` for the customers of all reads."""
        for customer in self._readers.values():
            assert stored_data.check(self._maintenance, customer.id) == []

    def _find_calls(self, operation: Operation) -> Sequence[str]:
        """Return the calls to AWS that an operation makes without a fault."""
        if operation.name not in self._calls:
            sent = self._send(operation, None)
            self._calls[operation.name] = self._proxy.calls
            assert not self._check(sent), (operation.name, sent.response)
        return self._calls[operation.name]

    def _send(self, operation: Operation, fault: Fault | RandomFaults | None) -> _Sent:
        """Send a request of a customer, with a fault of one of its calls."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in operation.variables.items():
                patch.setenv(name, value)
            customer = self._prepare_customer(operation)
            users, records = read_users(customer.endpoint), self._read_records(customer)
            if operation.is_first_use:
                customer.endpoint = self._build_endpoint(customer.endpoint.token)
            with self._proxy.arm(fault):
                response = operation.send(customer)
        return _Sent(customer, operation, users, records, response)

    def _prepare_customer(self, operation: Operation) -> Customer:
        """Return a new customer, or for a read the customer of the last one."""
        if operation.name in self._readers:
            return self._readers[operation.name]
        administration = self._operator.build_administration()
        issued = administration.tenants.connect(f"t-{uuid.uuid4()}", [EXTENSION])
        customer = Customer(issued, self._build_endpoint(issued.token), administration)
        operation.prepare(customer)
        if operation.is_read:
            self._readers[operation.name] = customer
        return customer

    def _check(self, sent: _Sent) -> Mapping[int, Result]:
        """Check the response and what is stored, also after the failed parts were sent again.

        Return the failed parts.
        """
        customer, operation, parts = sent.customer, sent.operation, sent.operation.parts
        _check_response(sent.response)
        results = operation.read_results(sent.response, len(parts))
        users = read_users(customer.endpoint)
        stored = find_stored(sent.users, users, [part.write for part in parts])
        for part, result, is_stored in zip(parts, results, stored, strict=True):
            _check_result(part, result, is_stored=is_stored)
        _check_body(sent.response, users)
        self._check_stored(sent, users)
        failures = {
            index: result
            for index, (part, result) in enumerate(zip(parts, results, strict=True))
            if result.status != part.status
        }
        if failures:
            self._send_again(sent, users, list(failures))
        elif sent.response.status == 200 and operation.is_read:
            assert _read_content(operation.send(customer)) == _read_content(sent.response), "wrong content"
        return failures

    def _send_again(self, sent: _Sent, users: Users, failed: Sequence[int]) -> None:
        """Send the failed parts again, without a fault. Then all changes must be stored."""
        response, parts = sent.operation.send_again(sent.customer, users, failed)
        _check_response(response)
        for part, result in zip(parts, sent.operation.read_results(response, len(parts)), strict=True):
            assert result.status == part.status or result.status in part.repeated, f"when repeated: {result}"
        final = read_users(sent.customer.endpoint)
        writes = [part.write for part in sent.operation.parts]
        missing = [
            write
            for write, is_stored in zip(writes, find_stored(sent.users, final, writes), strict=True)
            if write and not is_stored
        ]
        assert not missing, f"missing when repeated: {missing}"
        self._check_stored(sent, final)

    def _check_stored(self, sent: _Sent, users: Users) -> None:
        """Check that each change has one change record, and that ``muster check`` finds nothing."""
        expected = {change_record_key(user_id, version) for user_id, version in list_changes(sent.users, users)}
        assert self._read_records(sent.customer) - sent.records == expected, "not one change record for each change"
        if not sent.operation.is_read:
            assert stored_data.check(self._maintenance, sent.customer.id) == []

    def _read_records(self, customer: Customer) -> frozenset[str]:
        """Return the keys of the change records."""
        records = self._table.query(resource_partition(customer.id), change_range(), ("sk",))
        return frozenset(item["sk"]["S"] for item in records)


def _check_response(response: Response) -> None:
    """Check that a response is SCIM JSON, and says when to send the request again."""
    assert response.status < 500 or response.status == 503, f"{response}"
    assert find_violation("", response.status, response.headers, response.body, has_index=False) is None
    if response.status == 503:
        assert int(response.headers["retry-after"]) > 0


def _check_result(part: Part, result: Result, *, is_stored: bool) -> None:
    """Check that a success is stored, and that a failure says so if its change may be stored."""
    if result.status == part.status:
        assert part.write is None or is_stored, f"acknowledged, but not stored: {result}"
        return
    assert result.status == 503, f"{result}"
    assert result.detail
    if is_stored:
        assert _UNKNOWN_OUTCOME in result.detail, f"stored, but reported as failed: {result}"


def _check_body(response: Response, users: Users) -> None:
    """Check that a user in the response is the stored one."""
    body = response.json() if response.body else {}
    if response.status < 300 and "userName" in body:
        assert parse_user(body) == users[body["id"]]


def _read_content(response: Response) -> Any:
    """Return the body, without the cursors, which are different in each response."""
    body = response.json()
    return (body["Resources"], body["totalResults"]) if "totalResults" in body else body
