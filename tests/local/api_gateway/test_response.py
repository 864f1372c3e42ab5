"""Results of functions become the responses that API Gateway would send."""

import json
from typing import Any

import pytest

from local.api_gateway.response import InvalidResultError, Response, build_error, build_response


def test_result_becomes_response() -> None:
    result = {
        "statusCode": 201,
        "headers": {"Content-Type": "application/scim+json", "ETag": 'W/"1"', "X-Count": 3},
        "cookies": ["a=1", "b=2"],
        "body": '{"userName":"zoë"}',
    }
    assert build_response(result) == Response(
        201,
        (
            ("content-type", "application/scim+json"),
            ("etag", 'W/"1"'),
            ("x-count", "3"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ),
        '{"userName":"zoë"}'.encode(),
    )


def test_base64_body_is_decoded() -> None:
    assert build_response({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}).body == b"\x00\xff"


def test_default_content_type() -> None:
    assert build_response({"statusCode": 200, "body": "x"}).headers == (("content-type", "text/plain; charset=utf-8"),)
    assert build_response({"statusCode": 204}) == Response(204, ())


@pytest.mark.parametrize("result", [{"userName": "ada"}, "text", None, ["a"]])
def test_result_without_status_is_body_of_200(result: object) -> None:
    response = build_response(result)
    assert response.status == 200
    assert json.loads(response.body) == result


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "200"},
        {"statusCode": 0},
        {"statusCode": 200, "body": {"userName": "ada"}},
        {"statusCode": 200, "body": "not base64", "isBase64Encoded": True},
        {"statusCode": 200, "body": "\ud800"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "cookies": "a=1"},
    ],
)
def test_invalid_result_is_rejected(result: dict[str, Any]) -> None:
    with pytest.raises(InvalidResultError):
        build_response(result)


def test_error_has_gateway_format() -> None:
    assert build_error(404, "Not Found") == Response(
        404, (("content-type", "application/json"),), b'{"message":"Not Found"}'
    )
