"""Requests become the events that API Gateway would send.

The expected values were captured from API Gateway: github.com/hotsock/voker (vokerhttp/testdata),
ministackorg/ministack#766.
"""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from local.api_gateway.event import InvalidPathError, Request, build_event, decode_path
from local.api_gateway.routes import Match, Route

NOW = datetime(2026, 7, 10, 19, 19, 5, 766_000, tzinfo=UTC)


def build(route: str = "$default", variables: dict[str, str] | None = None, **parts: Any) -> dict[str, Any]:
    request = Request(
        **{"method": "POST", "path": "/", "query": "", "headers": (), "body": b"", "client": "192.0.2.7"} | parts
    )
    return build_event(request, decode_path(request.path), Match(Route(route, "f"), variables or {}), NOW, "id=")


def test_event_equals_captured_event() -> None:
    body = '{"message":"hello","unicode":"lambda-λ"}'
    headers = {
        "host": "abc.execute-api.us-west-2.amazonaws.com",
        "content-type": "application/json",
        "content-length": str(len(body.encode())),
        "user-agent": "curl/8.7.1",
        "cookie": "session=abc123; theme=dark",
        "connection": "keep-alive",
    }
    query = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa&literalPlus=a+b&encodedPlus=a%2Bb&empty="
    result = build(path="/capture/space%20value", query=query, headers=tuple(headers.items()), body=body.encode())
    trace = result["headers"].pop("x-amzn-trace-id")
    assert trace.startswith(f"Root=1-{int(NOW.timestamp()):08x}-")
    assert result == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/capture/space value",
        "rawQueryString": query,
        "cookies": ["session=abc123", "theme=dark"],
        "headers": {
            "host": "abc.execute-api.us-west-2.amazonaws.com",
            "content-type": "application/json",
            "content-length": str(len(body.encode())),
            "user-agent": "curl/8.7.1",
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "80",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {
            "repeat": "one,two",
            "redirect": "https://example.com/a",
            "literalPlus": "a b",
            "encodedPlus": "a+b",
            "empty": "",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "abc.execute-api.us-west-2.amazonaws.com",
            "domainPrefix": "abc",
            "http": {
                "method": "POST",
                "path": "/capture/space value",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "curl/8.7.1",
            },
            "requestId": "id=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "10/Jul/2026:19:19:05 +0000",
            "timeEpoch": 1783711145766,
        },
        "body": body,
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("path", "decoded"),
    [
        ("/plain", "/plain"),
        ("/space%20value", "/space value"),
        ("/question%3Fvalue", "/question"),
        ("/hash%23value", "/hash#value"),
        ("/slash%2Fvalue", "/slash/value"),
        ("/unicode-%CE%BB-%E4%B8%96", "/unicode-λ-世"),
        ("/literal%252Fvalue", "/literal/value"),
        ("/literal%253Fvalue", "/literal?value"),
        ("/literal%2525value", "/literal%value"),
        ("//Users/", "//Users/"),
        ("/a+b", "/a+b"),
    ],
)
def test_path_is_decoded_as_captured(path: str, decoded: str) -> None:
    assert decode_path(path) == decoded


@pytest.mark.parametrize("path", ["/percent%25done", "/percent%", "/percent%zz"])
def test_path_with_broken_escape_is_rejected(path: str) -> None:
    with pytest.raises(InvalidPathError):
        decode_path(path)


@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("Application/JSON", True),
        ("text/plain", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/scim+json", False),
        ("application/scim+json; charset=utf-8", False),
        ("application/x-www-form-urlencoded", False),
        ("application/octet-stream", False),
        (None, False),
    ],
)
def test_content_type_decides_base64(content_type: str | None, *, is_text: bool) -> None:
    headers = (("content-type", content_type),) if content_type else ()
    result = build(headers=headers, body="ü".encode())
    assert result["isBase64Encoded"] is not is_text
    assert result["body"] == ("ü" if is_text else base64.b64encode("ü".encode()).decode())


def test_empty_members_are_absent() -> None:
    assert build().keys() == {
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "headers",
        "requestContext",
        "isBase64Encoded",
    }


def test_repeated_headers_are_joined() -> None:
    assert build(headers=(("x-probe", "first"), ("x-probe", "second")))["headers"]["x-probe"] == "first,second"


def test_client_address_is_appended_to_x_forwarded_for() -> None:
    headers = build(headers=(("x-forwarded-for", "198.51.100.1"),))["headers"]
    assert headers["x-forwarded-for"] == "198.51.100.1,192.0.2.7"


def test_connection_headers_are_not_forwarded() -> None:
    headers = (("transfer-encoding", "chunked"), ("connection", "close"), ("expect", "100-continue"))
    assert build(headers=headers, body=b"12")["headers"].keys() == {
        "content-length",
        "x-amzn-trace-id",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
    }


def test_event_has_route_key_and_path_parameters() -> None:
    result = build("ANY /scim/v2/Schemas/{id}", {"id": "urn:a"}, path="/scim/v2/Schemas/urn%3Aa")
    assert result["pathParameters"] == {"id": "urn:a"}
    assert result["routeKey"] == result["requestContext"]["routeKey"] == "ANY /scim/v2/Schemas/{id}"
