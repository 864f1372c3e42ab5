"""What a function returns becomes the response that the real gateway would give."""

import json
from typing import Any

import pytest

from local.api_gateway.response import InvalidResultError, Response, build_error, build_response


def test_status_headers_cookies_and_body_are_handed_on() -> None:
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


def test_a_base64_body_is_decoded() -> None:
    assert build_response({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}).body == b"\x00\xff"


def test_a_body_without_content_type_is_plain_text_and_no_body_has_none() -> None:
    assert build_response({"statusCode": 200, "body": "x"}).headers == (("content-type", "text/plain; charset=utf-8"),)
    assert build_response({"statusCode": 204}) == Response(204, ())


@pytest.mark.parametrize("result", [{"userName": "ada"}, "text", None, ["a"]])
def test_a_result_without_status_is_the_body_of_a_200(result: object) -> None:
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
def test_a_result_that_is_no_response_is_refused(result: dict[str, Any]) -> None:
    with pytest.raises(InvalidResultError):
        build_response(result)


def test_a_refusal_has_the_gateways_own_form() -> None:
    assert build_error(404, "Not Found") == Response(
        404, (("content-type", "application/json"),), b'{"message":"Not Found"}'
    )
