"""scim2-client talks to the endpoint through a WSGI application, without a network."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient

from scim.wiring.operator import build_operator
from tests.endpoint import BASE_URL, Endpoint
from tests.judges.wsgi import application

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scim.settings import Settings

URN = "urn:ietf:params:scim:schemas:extension:judged:2.0:User"


def attribute(name: str, kind: str, **characteristics: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "multiValued": False, "description": f"A {kind}"} | characteristics


# What scim2-tester can make and compare values of: it knows no dateTime and no decimal, compares a binary with the same
# binary decoded, and expects a list to hold nothing but what it adds last. Names with spaces and formats are beyond the
# RFC: scim2-models can neither name the ones in a path nor know the others.
EXTENSION: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
    "id": URN,
    "name": "Judged",
    "description": "A tenant's own attributes",
    "attributes": [
        attribute("unit", "string"),
        attribute("badge", "string", caseExact=True),
        attribute("level", "integer"),
        attribute("remote", "boolean"),
        attribute("page", "reference", referenceTypes=["external"]),
        attribute("desk", "complex", subAttributes=[attribute("floor", "integer"), attribute("room", "string")]),
    ],
}


@pytest.fixture
def client(settings: Settings) -> WSGISCIMClient:
    """A client of a tenant with an extension of its own."""
    token = (
        build_operator(settings, "tests")
        .administration()
        .tenants.connect(f"judged-{uuid.uuid4()}"[:40], [EXTENSION])
        .token
    )
    endpoint = Endpoint(token)

    def send(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        return endpoint.send(method, path, headers, body, base="")

    return WSGISCIMClient(application(send), BASE_URL)
