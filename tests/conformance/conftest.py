"""A scim2-client that calls the endpoint through a WSGI application, without a network."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient

from scim.wiring.operator_adapters import build_operator_adapters
from tests.conformance.wsgi import build_wsgi_application
from tests.endpoint import BASE_URL, Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scim.settings import Settings

URN = "urn:ietf:params:scim:schemas:extension:tested:2.0:User"


def build_attribute(name: str, kind: str, **characteristics: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "multiValued": False, "description": f"A {kind}"} | characteristics


# Only attributes that scim2-tester can generate and compare: it does not support dateTime and decimal, compares encoded
# with decoded binaries, and expects a list to contain only the value that it added last. Names with spaces and formats
# are extensions of the RFC, which scim2-models does not support.
EXTENSION: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
    "id": URN,
    "name": "Tested",
    "description": "Custom attributes of a tenant",
    "attributes": [
        build_attribute("unit", "string"),
        build_attribute("badge", "string", caseExact=True),
        build_attribute("level", "integer"),
        build_attribute("remote", "boolean"),
        build_attribute("page", "reference", referenceTypes=["external"]),
        build_attribute(
            "desk", "complex", subAttributes=[build_attribute("floor", "integer"), build_attribute("room", "string")]
        ),
    ],
}


@pytest.fixture(params=[False, True], ids=["tolerant", "strict"])
def client(request: pytest.FixtureRequest, settings: Settings) -> WSGISCIMClient:
    """A client of a tenant with a custom schema, with strict mode off and on."""
    tenants = build_operator_adapters(settings, "tests").build_administration().tenants
    token = tenants.connect(f"conformance-{uuid.uuid4()}"[:40], [EXTENSION], is_strict=request.param).token
    endpoint = Endpoint(token)

    def send(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        return endpoint.send(method, path, headers, body, base="")

    return WSGISCIMClient(build_wsgi_application(send), BASE_URL)
