"""Replay bug reports about other SCIM servers and clients, in ``tests/reports``, against this server in both modes.

A file has cases on one subject. A case says in our words what goes wrong in the reported software (``fault``). It links
the report, and names the section that says what is right::

    {"name": "operator in capitals", "report": "https://github.com/...", "fault": "`Eq` is a syntax error.",
     "section": "RFC 7644 section 3.4.2.2",
     "users": {"ada": {"title": "Guide"}, "bob": {}},
     "steps": [{"filter": "title Eq \"guide\"", "matches": ["ada"]},
               {"patch": [{"op": "replace", "path": "title", "value": "Chief"}], "user": {"title": "Chief"}}]}

- ``users`` are created first, with their names as ``userName``. ``${ada}`` is the id of ``ada``, and
  ``${ada.version}`` the version. Without ``users``, there is one user, ``ada``.
- A step is a ``filter`` of ``/Users`` with the names that it ``matches``, a ``patch`` of ``ada`` with the ``user`` that
  the response contains, or a ``request`` with a ``response``, as in ``tests.replay``.
- ``error`` is the ``scimType`` of a 400. ``strict`` is that of a 400 only in strict mode.
- After a PATCH, a GET must return the same: the new ``user``, or the old version after an error.

``schema.json`` is the custom schema of the tenants.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from pydantic import BaseModel, ConfigDict, JsonValue

from tests.endpoint import CORE, ENVIRONMENT, Endpoint
from tests.fast_moto import add_table, remove_table
from tests.replay import Exchange, Request, Response, Scenario, replay

if TYPE_CHECKING:
    from scim.service.tenants.tenant_service import TenantService

REPORTS = Path(__file__).parent / "reports"
SCHEMA: dict[str, Any] = json.loads((REPORTS / "schema.json").read_text(encoding="utf-8"))
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
HEADERS = {"Content-Type": "application/scim+json", "Accept": "application/scim+json"}


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(Record):
    """A step of a case. The module describes the members."""

    filter: str | None = None
    matches: list[str] = []
    patch: list[JsonValue] | None = None
    user: dict[str, JsonValue] = {}
    absent: list[str] = []
    request: Request | None = None
    response: Response = Response(status=200)
    save: dict[str, str] = {}
    error: str | None = None
    strict: str | None = None

    def build_exchanges(self, *, is_strict: bool) -> Iterator[Exchange]:
        scim_type = self.strict if is_strict and self.strict else self.error
        failure = Response(status=400, body={"scimType": scim_type}) if scim_type else None
        yield Exchange(
            request=self._build_request(),
            response=failure or self._build_response(),
            save={} if failure else self.save,
        )
        if self.patch is not None:
            unchanged = Response(status=200, body={"meta": {"version": "${ada.version}"}})
            yield Exchange(
                request=Request(method="GET", path="/Users/${ada}"),
                response=unchanged if failure else self._build_response(),
                save={"ada.version": "/meta/version"},
            )

    def _build_request(self) -> Request:
        if self.filter is not None:
            return Request(method="GET", path=f"/Users?filter={quote(self.filter, safe='${}')}")
        if self.patch is not None:
            return Request(method="PATCH", path="/Users/${ada}", body={"schemas": [PATCH_OP], "Operations": self.patch})
        assert self.request, "a step needs a filter, a patch or a request"
        return self.request

    def _build_response(self) -> Response:
        if self.filter is not None:
            users: list[JsonValue] = [{"userName": name} for name in self.matches]
            return Response(status=200, body={"totalResults": len(users), "Resources": {"$unordered": users}})
        if self.patch is not None:
            return Response(status=200, body=self.user, absent=self.absent)
        return self.response


class Case(Record):
    name: str
    report: str
    fault: str
    section: str
    users: dict[str, dict[str, JsonValue]] = {"ada": {}}
    steps: list[Step]

    def build_scenario(self, *, is_strict: bool) -> Scenario:
        creations = [create_user(name, user) for name, user in self.users.items()]
        steps = [exchange for step in self.steps for exchange in step.build_exchanges(is_strict=is_strict)]
        return Scenario(
            provider="reports", name=self.name, source=self.report, headers=HEADERS, exchanges=creations + steps
        )


def create_user(name: str, user: dict[str, JsonValue]) -> Exchange:
    body: dict[str, JsonValue] = {"schemas": [CORE], "userName": name}
    return Exchange(
        request=Request(method="POST", path="/Users", body=body | user),
        response=Response(status=201),
        save={name: "/id", f"{name}.version": "/meta/version"},
    )


def load_cases() -> list[Case]:
    files = sorted(path for path in REPORTS.glob("*.json") if path.name != "schema.json")
    return [Case.model_validate(case) for path in files for case in json.loads(path.read_text(encoding="utf-8"))]


CASES = load_cases()


def test_cases_have_a_name_a_report_and_a_section() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 200
    assert all(case.report.startswith("https://") and case.fault and case.section.startswith("RFC ") for case in CASES)


@pytest.fixture(scope="module")
def endpoints(_table_definition: tuple[Any, Any], operator: "TenantService") -> Iterator[dict[bool, Endpoint]]:
    """A tenant without and one with strict mode. The cases share them, which is faster, and delete their users."""
    table, definition = _table_definition
    add_table(ENVIRONMENT["AWS_DEFAULT_REGION"], definition)
    yield {
        is_strict: Endpoint(operator.connect(name, [SCHEMA], is_strict=is_strict).token)
        for name, is_strict in [("reports", False), ("reports-strict", True)]
    }
    remove_table(ENVIRONMENT["AWS_DEFAULT_REGION"], table.name)


@pytest.mark.parametrize("is_strict", [False, True], ids=["tolerant", "strict"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reported_request_gets_response_of_rfc(case: Case, endpoints: dict[bool, Endpoint], *, is_strict: bool) -> None:
    replay(case.build_scenario(is_strict=is_strict), endpoints[is_strict].send)
