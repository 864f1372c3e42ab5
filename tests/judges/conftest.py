"""scim2-client talks to the endpoint through a WSGI application, without a network."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient

from scim import wiring
from tests.endpoint import BASE_URL, Endpoint

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

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


def application(endpoint: Endpoint) -> WSGIApplication:
    """The endpoint as a WSGI application (PEP 3333)."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        headers = {
            name.removeprefix("HTTP_").lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        path = quote(environ["PATH_INFO"].encode("latin-1"))
        query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        body = environ["wsgi.input"].read()
        status, answered, content = endpoint.send(environ["REQUEST_METHOD"], path + query, headers, body, base="")
        start_response(f"{status} {HTTPStatus(status).phrase}", list(answered.items()))
        return [content]

    return serve


@pytest.fixture
def client(settings: Settings) -> WSGISCIMClient:
    """A client of a tenant with an extension of its own."""
    token = wiring.operator(settings, "tests").tenants().connect(f"judged-{uuid.uuid4()}"[:40], [EXTENSION]).token
    return WSGISCIMClient(application(Endpoint(token)), BASE_URL)
