"""``python -m bench.maintenance``: measure the commands that read or delete all data of a customer.

The commands run on a local run (``make run``) with many users. Before and during each command, a client in another
process sends ten GET and ten PATCH requests a second. Calls and units are those of DynamoDB. The local engine says
which units it has consumed. It waits for the disk after each write, so set ``TMPDIR`` to a directory in memory. A
write to a table with a stream takes longer the more records the stream has. So purge large tables ``--without-stream``.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench import population
from bench.environment import ignore_aws_configuration
from bench.local_run import LocalRun, run_prefilled
from bench.measure import MS
from bench.overhttp import Client
from bench.prefill import User
from bench.wire import Arguments, AwsClient, UnexpectedCall, get_service, intercept_calls, send
from cli.main import muster
from local import run_state
from local.aws_client import create_client
from local.connection import TENANT
from local.constants import HOST
from local.errors import LocalRunError
from scim.service.maintenance.pacer import DEFAULT_RATE_PERCENT
from scim.store.keys import parse_changed_user_id, resource_partition

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe
    from multiprocessing.synchronize import Event

COMMANDS = ("check", "repair", "export", "resync", "erase", "purge")
_OTHER_TENANT = "other"
_OTHER_USERS = 20
_DAMAGED_ITEMS = 100
_CLIENT_USERS = 100
_INTERVAL_S = 0.05
_ITEMS_OVER_1_MB = 10_000
_READS = ("GetItem", "BatchGetItem", "Query", "Scan")
# A value of every user of the tenant, and of no user of the other one.
_CANARY = "customer.example.com"
_QUEUES = ("DEAD_LETTER_QUEUE_URL", "LINKS_DEAD_LETTER_QUEUE_URL", "LINKS_QUEUE_URL")
_HEADING = (
    f"{'command':<34} {'seconds':>8} {'calls':>7} {'read units':>10} {'write units':>11}   "
    f"{'GET alone':>12} {'meanwhile':>12} {'PATCH alone':>12} {'meanwhile':>12}   result"
)


@dataclass(slots=True)
class CallCounter:
    """Counts the calls of DynamoDB, and the units that the responses say were consumed.

    Queries get a limit, because dynoxide otherwise reads the rest of the partition for each page of 1 MB (bench.wire).
    """

    calls: int = 0
    read_units: float = 0.0
    write_units: float = 0.0

    def observe(self, client: AwsClient, operation: str, arguments: Arguments, _: Callable[[], Any]) -> Any:
        """Make a call and count it."""
        is_limited = operation == "Query" and "Limit" not in arguments
        response = send(client, operation, arguments | ({"Limit": _ITEMS_OVER_1_MB} if is_limited else {}))
        if is_limited and response["Count"] == _ITEMS_OVER_1_MB and "LastEvaluatedKey" in response:
            raise UnexpectedCall(f"the limit of {_ITEMS_OVER_1_MB} ended a page")
        if get_service(client) == "dynamodb":
            self.calls += 1
            consumed = response.get("ConsumedCapacity", [])
            units = sum(table["CapacityUnits"] for table in ([consumed] if isinstance(consumed, dict) else consumed))
            if operation in _READS:
                self.read_units += units
            else:
                self.write_units += units
        return response


@dataclass(slots=True)
class Latencies:
    """The seconds that the client's requests took while a command ran, by method, and the number that failed."""

    times_s: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0

    def describe_failures(self) -> str:
        """Return how many requests failed, empty for none."""
        return f"; {self.failed} requests failed" if self.failed else ""

    def format(self, method: str) -> str:
        """Return the median and the 95th percentile in ms, empty for less than 20 requests."""
        times = self.times_s.get(method, [])
        return f"{median(times) * MS:.0f}, {quantiles(times, n=20)[-1] * MS:.0f}" if len(times) >= 20 else ""


def send_requests(port: int, token: str, ids: Sequence[str], stop: Event, results: Pipe) -> None:
    """Send GET and PATCH requests in turn, until ``stop`` is set. Then send the times of each method, and the failures.

    A request that fails, for example with 503 because the machine is busy, counts with its time.
    """
    client = Client(HTTPConnection(HOST, port), token, ids)
    times: dict[str, list[float]] = {"GET": [], "PATCH": []}
    failed = 0
    begun = time.monotonic()
    for number, user_id in enumerate(itertools.cycle(ids)):
        if stop.wait(max(begun + number * _INTERVAL_S - time.monotonic(), 0.0)):
            break
        method = ("GET", "PATCH")[number % 2]
        body = population.patch(number) if method == "PATCH" else None
        started = time.perf_counter()
        try:
            client.request(method, f"/Users/{user_id}", body)
        except LocalRunError:
            failed += 1
        times[method].append(time.perf_counter() - started)
    results.send((times, failed))


@contextmanager
def measure_latencies(client: Client) -> Iterator[Latencies]:
    """Send the requests of a client in another process until the end of the block."""
    context = get_context("spawn")
    stop, latencies = context.Event(), Latencies()
    receiver, sender = context.Pipe(duplex=False)
    port = client.connection.port
    process = context.Process(target=send_requests, args=(port, client.token, client.ids, stop, sender))
    process.start()
    sender.close()
    try:
        yield latencies
    finally:
        stop.set()
        latencies.times_s, latencies.failed = receiver.recv()
        process.join()


@dataclass(slots=True)
class Measurement:
    """Runs commands on a local run, and prints a line for each. ``client`` sends requests at the same time.

    Before each command, it sends requests for ``alone`` seconds.
    """

    run: LocalRun
    client: Client
    rate: float
    alone: float

    def measure(self, name: str, arguments: Sequence[str], summarize: Callable[[Any], str]) -> None:
        """Run a command with ``--json``, and print its line. ``summarize`` gets its output."""
        with measure_latencies(self.client) as alone:
            time.sleep(self.alone)
        counter, output = CallCounter(), io.StringIO()
        command = [*arguments, "--json", "--data", str(self.run.data)]
        with measure_latencies(self.client) as latencies, intercept_calls(counter.observe), redirect_stdout(output):
            started = time.perf_counter()
            muster.main(command, standalone_mode=False)
            seconds = time.perf_counter() - started
        print(
            f"{name:<34} {seconds:>8.1f} {counter.calls:>7,} {counter.read_units:>10,.0f} {counter.write_units:>11,.0f}"
            f"   {alone.format('GET'):>12} {latencies.format('GET'):>12}"
            f" {alone.format('PATCH'):>12} {latencies.format('PATCH'):>12}   "
            f"{summarize(parse_output(output.getvalue()))}{latencies.describe_failures()}",
            flush=True,
        )

    def call(self, *arguments: str) -> Any:
        """Run a command that is not measured, and return its output."""
        output = io.StringIO()
        with redirect_stdout(output):
            muster.main([*arguments, "--json", "--data", str(self.run.data)], standalone_mode=False)
        return parse_output(output.getvalue())

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables of the functions."""
        return run_state.read_variables(self.run.data)


def parse_output(text: str) -> Any:
    """Return the object that a command printed, or the list of those that it printed in a line each."""
    return json.loads(text) if text.startswith("{\n") else [json.loads(line) for line in text.splitlines()]


def measure(measurement: Measurement, users: Sequence[User], commands: Sequence[str]) -> None:
    """Measure the commands. ``users`` are users of the tenant; one is deleted for the erasure."""
    rate = ("--rate", f"{measurement.rate:g}")
    print(_HEADING)
    if "check" in commands:
        measurement.measure("check", ["check", TENANT, *rate], count_findings)
    if "repair" in commands:
        delete_items(measurement.variables, _DAMAGED_ITEMS, spared=frozenset(measurement.client.ids))
        measurement.measure(f"check, {_DAMAGED_ITEMS} items deleted", ["check", TENANT, *rate], count_findings)
        measurement.measure("check --repair", ["check", TENANT, "--repair", *rate], count_findings)
        measurement.measure("check after the repair", ["check", TENANT, *rate], count_findings)
    if "export" in commands:
        file = measurement.run.data / "export.jsonl"
        arguments = ["export", TENANT, "--output", str(file), *rate]
        measurement.measure("export", arguments, lambda result: f"{result['users']:,} users")
    if "resync" in commands:
        measurement.measure("resync", ["resync", TENANT], lambda result: f"{result['users']:,} events")
    if "erase" in commands:
        user = users[-1]
        measurement.client.request("DELETE", f"/Users/{user.id}")
        arguments = ["erase", TENANT, user.user_name, "--yes", *rate]
        measurement.measure("erase", arguments, lambda result: f"{sum(result['deleted'].values()):,} items deleted")
    if "purge" in commands:
        purge(measurement, rate)


def purge(measurement: Measurement, rate: Sequence[str]) -> None:
    """Purge the tenant while a client of another tenant sends requests. Print what is left of the purged one."""
    token = measurement.call("connect", _OTHER_TENANT)["token"]
    other = Client(HTTPConnection(HOST, measurement.run.port), token, [])
    names = [f"user-{number}@other.example.com" for number in range(_OTHER_USERS)]
    other.ids = [
        other.request("POST", "/Users", {"schemas": [population.CORE], "userName": name})["id"] for name in names
    ]
    measurement.client = other
    measurement.call("disconnect", TENANT, "--yes")
    time.sleep(90.0)  # the purge would wait for it
    arguments = ["purge", TENANT, "--yes", *rate]
    measurement.measure(
        f"purge --rate {rate[1]}", arguments, lambda result: f"{sum(result['deleted'].values()):,} items deleted"
    )
    for place, remains in list_remains(measurement.variables, measurement.run.data).items():
        print(f"left in {place}: {remains}")


def count_findings(findings: Sequence[Any]) -> str:
    """Return how many problems a check has found and repaired."""
    repaired = sum(finding["repaired"] for finding in findings)
    return f"{len(findings):,} problems found, {repaired:,} repaired"


def delete_items(variables: dict[str, str], number: int, spared: frozenset[str]) -> None:
    """Delete random unique keys, index entries and change records of the tenant.

    The items of the users ``spared`` stay. If a user changes at the same time, a repair is not made, and a missing
    change record becomes a gap, which cannot be repaired.
    """
    client = create_client("dynamodb", variables["AWS_ENDPOINT_URL_DYNAMODB"])
    table, partition = variables["TABLE_NAME"], resource_partition(TENANT)
    chance = random.Random(number)  # noqa: S311  # not for security
    keys: list[Any] = []
    for prefix in ("N#", "I#", "C#"):
        response = client.query(
            TableName=table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":pk": {"S": partition}, ":prefix": {"S": prefix}},
            ProjectionExpression="pk, sk, id",
        )
        damageable = [item for item in response["Items"] if spared.isdisjoint(_list_ids(item))]
        keys += chance.sample(damageable, number // 3 + (prefix == "N#"))
    for key in keys:
        client.delete_item(TableName=table, Key={"pk": key["pk"], "sk": key["sk"]})


def _list_ids(item: Any) -> list[str]:
    """Return the id of the user of a unique key, an index entry or a change record."""
    return [item["id"]["S"] if "id" in item else parse_changed_user_id(item["sk"]["S"])]


def list_remains(variables: dict[str, str], data: Path) -> dict[str, str]:
    """Return what each place has of the purged tenant."""
    client = create_client("dynamodb", variables["AWS_ENDPOINT_URL_DYNAMODB"])
    items: Counter[str] = Counter()
    canaries = 0
    for page in client.get_paginator("scan").paginate(TableName=variables["TABLE_NAME"], ConsistentRead=True):
        for item in page["Items"]:
            text = json.dumps(item, ensure_ascii=False)
            canaries += _CANARY in text
            if f"#{TENANT}" in text or item["sk"]["S"].startswith(TENANT):
                items[f"{item['pk']['S']} {item['sk']['S']}"] += 1
    sqs = create_client("sqs", variables["AWS_ENDPOINT_URL_SQS"])
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    messages = sum(
        int(count)
        for queue in _QUEUES
        for count in sqs.get_queue_attributes(QueueUrl=variables[queue], AttributeNames=names)["Attributes"].values()
    )
    secrets = create_client("secretsmanager", variables["AWS_ENDPOINT_URL_SECRETS_MANAGER"]).list_secrets()
    own = [secret["Name"] for secret in secrets["SecretList"] if secret["Name"].endswith(f"/{TENANT}")]
    log = (data / "functions.log").read_text()
    return {
        "the table": f"{', '.join(sorted(items)) or 'no item'}; {canaries} items with a value of a user",
        "the queues": f"{messages} messages",
        "Secrets Manager": ", ".join(own) or "no secret",
        "the log of the functions": f"{log.count(_CANARY)} values of users in {log.count(chr(10)):,} lines",
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.maintenance", description=__doc__)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=DEFAULT_RATE_PERCENT, help="the option of the commands")
    parser.add_argument("--alone", type=float, default=10.0, help="the seconds of requests before each command")
    parser.add_argument(
        "--without-stream", action="store_true", help="run without the table's stream, so without events"
    )
    parser.add_argument("--only", action="append", choices=COMMANDS, help="measure only this command")
    options = parser.parse_args()
    ignore_aws_configuration()
    has_stream = not options.without_stream
    with TemporaryDirectory() as directory, run_prefilled(Path(directory), options.users, has_stream=has_stream) as run:
        print(f"{options.users:,} users, --rate {options.rate:g}; latencies: median, 95th percentile in ms", flush=True)
        ids = [user.id for user in run.sample[:_CLIENT_USERS]]
        client = Client(HTTPConnection(HOST, run.port), run.connection.token, ids)
        measure(Measurement(run, client, options.rate, options.alone), run.sample, options.only or COMMANDS)


if __name__ == "__main__":
    main()
