"""Record the responses of the service, to show that a change does not change them.

``make compare COMMIT=...`` runs this module in two checkouts (:mod:`tests.recorder.__main__`). It writes a file per
subject: responses to the sample events in ``events/`` and to the recorded exchanges of identity providers and the RFCs,
pages and forms of the console, output of commands, and events of changes. Each file has the log lines, too. Time, ids
and random values are the same in each run.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import boto3
import pytest
from click.testing import CliRunner

from cli.main import muster
from local.services.messaging import Messaging
from scim.service.tenants.tenant_service import TenantService
from tests.cli.conftest import *  # noqa: F403  # the fixture of the command line
from tests.cli.conftest import Muster
from tests.endpoint import PASSWORD, Endpoint, LambdaContext, load, read_functions
from tests.events.history import build_stream_record
from tests.handlers.conftest import *  # noqa: F403  # the fixture of the log
from tests.handlers.conftest import Log
from tests.handlers.console.visitor import Page, Visitor
from tests.recorder.fixed import Clock, fixed_randomness, fixed_time
from tests.replay import load as load_scenario
from tests.replay import replay

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "examples/extensions/employee.json"
_BEARER = re.compile(r'Bearer muster_[^"\s]+')
_MAX_PAGES = 400


class Recording:
    """A file in the output directory: a paragraph for each response, then the log lines."""

    def __init__(self, path: Path, log: Log, clock: Clock) -> None:
        self._file = path
        self._log = log
        self._clock = clock
        self._logged = len(log.text)
        self._lines: list[str] = []
        self._text = ""

    def add(self, title: str, *parts: str) -> None:
        """Add a paragraph, and advance the clock by one second."""
        self._lines += [f"=== {title}", *parts, ""]
        self._clock.advance(1)

    def close(self) -> None:
        """Store the log lines up to now. Later lines belong to the next recording."""
        self._text = self._log.text[self._logged :]

    def write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        log = [json.dumps(_remove_varying_fields(json.loads(line)), sort_keys=True) for line in self._text.splitlines()]
        self._file.write_text("\n".join([*self._lines, "=== log", *log, ""]), encoding="utf-8")


def _remove_varying_fields(line: dict[str, Any]) -> dict[str, Any]:
    """Return a log line without the fields that differ between runs: duration, code location, trace id."""
    return {name: value for name, value in line.items() if name not in ("ms", "location", "xray_trace_id")}


@pytest.fixture
def clock(aws: None) -> Iterator[Clock]:
    with fixed_time() as clock, fixed_randomness():
        yield clock


@pytest.fixture
def record(clock: Clock, log: Log, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Recording]]:
    recordings: list[Recording] = []

    def open_recording(name: str) -> Recording:
        for recording in recordings[-1:]:
            recording.close()
        recordings.append(Recording(Path(os.environ["RECORD_TO"]) / f"{name}.txt", log, clock))
        return recordings[-1]

    yield open_recording
    for recording in recordings[-1:]:
        recording.close()
    for recording in recordings:
        recording.write()


def _record_events(recording: Recording, table: Any, bus: Messaging) -> None:
    """Publish the change records of the table in the order of their keys, and add the events to the recording."""
    (name,) = (spec.handler for spec in read_functions() if spec.stream)
    items = boto3.client("dynamodb").scan(TableName=table.name, ConsistentRead=True)["Items"]
    images = sorted((item for item in items if item["sk"]["S"].startswith("C#")), key=lambda item: item["sk"]["S"])
    records = [build_stream_record(image, number) for number, image in enumerate(images)]
    response = load(name)({"Records": records}, LambdaContext())
    events = [json.loads(line) for line in bus.events.read_text().splitlines()]
    comparable = [{**event, "id": "", "detail": {**event["detail"], "eventId": ""}} for event in events]
    recording.add("stream", json.dumps(response), *(json.dumps(event, sort_keys=True) for event in comparable))


def _format_response(status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    lines = [f"{name.lower()}: {value}" for name, value in sorted(headers.items())]
    return [str(status), *lines, "", body.decode(errors="replace")]


@pytest.fixture
def acme(clock: Clock, table: Any, operator: TenantService) -> Endpoint:
    """A tenant with custom attributes. Its name is new in each recording, because handlers cache tenants."""
    issued = operator.connect(f"recorded-{next(_numbers)}", [json.loads(EXTENSION.read_text())])
    operator.tokens.mark_revealed(issued)
    return Endpoint(issued.token)


def _count() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


_numbers = _count()


def test_record_sample_events(record: Callable[[str], Recording], acme: Endpoint) -> None:
    recording = record("events")
    handlers = {spec.name: load(spec.handler) for spec in read_functions()}
    for path in sorted((ROOT / "events").glob("*.json")):
        text = _BEARER.sub(f"Bearer {acme.token}", path.read_text())
        event = json.loads(text)
        response = handlers[_find_function(event["routeKey"])](event, LambdaContext())
        recording.add(path.name, json.dumps(response, indent=1, sort_keys=True))


def _find_function(route_key: str) -> str:
    routes = {route.key: route.function for spec in read_functions() for route in spec.routes}
    return routes[route_key]


@pytest.mark.parametrize("corpus", ["idp", "rfc"])
def test_record_exchanges(corpus: str, record: Callable[[str], Recording], acme: Endpoint) -> None:
    for path in sorted((ROOT / "tests" / corpus).rglob("*-*.json")):
        recording = record(f"{corpus}/{path.parent.name}-{path.stem}")

        def send(
            method: str, url: str, headers: dict[str, str], body: bytes | None, recording: Recording = recording
        ) -> tuple[int, Mapping[str, str], bytes]:
            status, received, content = acme.send(method, url, headers, body)
            recording.add(f"{method} {url}", *_format_response(status, received, content))
            return status, received, content

        replay(load_scenario(path), send)


def test_record_change_events(record: Callable[[str], Recording], acme: Endpoint, table: Any, bus: Messaging) -> None:
    recording = record("change-events")
    _create_sample_data(acme)
    _record_events(recording, table, bus)


def test_record_forms(record: Callable[[str], Recording], table: Any) -> None:
    """Send each form of a tenant's pages once."""
    recording = record("forms")
    visitor = Visitor(address="198.51.100.2")
    page = visitor.sign_in()
    page = visitor.submit(page, page.form("/admin"), tenant="recorded-by-form", password=PASSWORD)
    _add_page(recording, page)
    base = "/admin/tenants/recorded-by-form"
    for path, ending, fields in (
        ("connect", "/token", {}),
        ("connect", "/token", {"grace": "day"}),
        ("connect", "/mode", {}),
        ("connect", "/invite", {}),
        ("connect", "/revoke-invitations", {}),
        ("attributes", "/add", {"document": EXTENSION.read_text()}),
        ("attributes", "/add", {"document": "{"}),
        ("attributes", "/remove", {}),
        ("connect", "/revoke", {}),
        ("connect", "/disconnect", {}),
    ):
        page = visitor.get(f"{base}/{path}")
        form = next(form for form in page.forms if form.action.endswith(ending))
        _add_page(recording, visitor.submit(page, form, password=PASSWORD, **fields))


def test_record_console(record: Callable[[str], Recording], acme: Endpoint) -> None:
    recording = record("console")
    _create_sample_data(acme)
    visitor = Visitor(address="198.51.100.1")
    _add_page(recording, visitor.get("/admin"))
    _add_page(recording, visitor.sign_in())
    for url in _crawl(visitor, recording):
        assert url


def _crawl(visitor: Visitor, recording: Recording) -> Iterator[str]:
    """Open all pages that are linked directly or indirectly from the start page; yield their URLs."""
    waiting, seen = ["/admin"], {"/admin"}
    while waiting:
        url = waiting.pop(0)
        page = visitor.get(url)
        _add_page(recording, page)
        yield url
        for target in (urljoin(page.url, link) for link in (page.links if _is_html(page) else [])):
            if target.startswith("/admin") and not urlsplit(target).fragment and target not in seen:
                seen.add(target)
                waiting.append(target)
        assert len(seen) < _MAX_PAGES


def _is_html(page: Page) -> bool:
    return page.headers.get("content-type", "").startswith("text/html")


def _add_page(recording: Recording, page: Page) -> None:
    headers = [f"{name}: {value}" for name, value in sorted(page.headers.items())]
    recording.add(f"GET {page.url}", str(page.status), *headers, *page.cookies, "", page.text)


def _create_sample_data(acme: Endpoint) -> None:
    """Create data for pages and commands: users, a change, a deletion, failures, a repeating failure."""
    ada = acme.create(userName="ada@example.com", displayName="Ada Lovelace", externalId="e-1")
    bob = acme.create(userName="bob@example.com", displayName="Bob", active=False)
    acme.patch(ada["id"], {"op": "replace", "path": "active", "value": "False"})
    acme.patch(ada["id"], {"op": "Replace", "path": "userName", "value": "ada.lovelace@example.com"})
    acme.request("DELETE", f"/Users/{bob['id']}")
    for _ in range(6):
        acme.request("POST", "/Users", {"schemas": ada["schemas"], "userName": "eve@example.com", "active": "perhaps"})
    acme.request("GET", "/Users?filter=" + "userName%20eq")


COMMANDS = (
    "connect {tenant}",
    "connect {tenant}",
    "schema add {tenant} {extension}",
    "schema show {tenant}",
    "schema show {tenant} --json",
    "strict {tenant} on",
    "strict {tenant} off",
    "status {tenant}",
    "status {tenant} --json",
    "health {tenant}",
    "health {tenant} --json",
    "tenants",
    "tenants --json",
    "users {tenant}",
    "users {tenant} --json",
    "users {tenant} --state active",
    "users {tenant} --state active --json",
    "log {tenant}",
    "log {tenant} --json",
    "log {tenant} --failures",
    "why {tenant} eve@example.com",
    "why {tenant} eve@example.com --json",
    "why {tenant} ada@example.com",
    "why {tenant} nobody@example.com",
    "invite {tenant}",
    "revoke-invitations {tenant}",
    "schema remove {tenant} urn:ietf:params:scim:schemas:extension:survey:2.0:User",
    "rotate {tenant}",
    "rotate {tenant}",
    "rotate {tenant} --force --grace 0 --yes",
    "revoke {tenant} --yes",
    "status {tenant}",
    "disconnect {tenant} --yes",
    "tenants",
    "status unknown",
    "rotate {tenant} --grace nonsense",
)


def test_record_commands(record: Callable[[str], Recording], run: Muster) -> None:
    recording = record("commands")
    for command in ("", *sorted(muster.commands)):
        _add_command(recording, f"{command} --help".strip())
    tenant = "recorded-by-command"
    for number, template in enumerate(COMMANDS):
        output = _add_command(recording, template.format(tenant=tenant, extension=EXTENSION.relative_to(ROOT)))
        if number == 0:
            token = next(word for word in output.split() if word.startswith("muster_"))
            _create_sample_data(Endpoint(token))


def _add_command(recording: Recording, line: str) -> str:
    result = CliRunner().invoke(muster, line.split(), prog_name="muster")
    recording.add(f"muster {line}", f"exit code {result.exit_code}", result.output)
    return result.output
