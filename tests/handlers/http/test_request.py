"""Requests and responses in the format of API Gateway."""

import gzip
from typing import Any

import pytest

from handlers.http.request import JSON, SCIM_JSON, Request
from handlers.http.response import Response
from scim.protocol.errors import (
    BadRequest,
    InvalidParameter,
    InvalidSyntax,
    PayloadTooLarge,
    Rule,
    UnsupportedMediaType,
)
from tests.handlers.events import build_event

PARAMETERS = frozenset({"filter", "startindex"})
LARGEST = 1_048_576
COMPRESSED = gzip.compress(b"{}", mtime=0)


class TestPath:
    @pytest.mark.parametrize(
        "path",
        [
            "/scim/v2/Users/7",
            "/scim/v2/Users/7/",
            "/Users/7",
            "/Users/7/",
            "/scim/Users/7",
            "/v2/Users/7",
            "//Users/7",
            "//scim//v2//Users//7//",
            "/SCIM/V2/Users/7",
        ],
    )
    def test_base_url_may_be_pasted_in_any_form(self, path: str) -> None:
        assert Request(build_event(path=path)).path_segments == ["Users", "7"]

    @pytest.mark.parametrize("path", ["", "/", "//", "/scim", "/scim/v2", "/scim/v2/", "/v2/"])
    def test_base_url_itself_has_no_segments(self, path: str) -> None:
        assert Request(build_event(path=path)).path_segments == []

    def test_segments_after_the_base_url_are_unchanged(self) -> None:
        assert Request(build_event(path="/scim/v2/Users/scim/v2/ä b")).path_segments == ["Users", "scim", "v2", "ä b"]


class TestQuery:
    @pytest.mark.parametrize(
        ("query", "parameters"),
        [
            ("", {}),
            ("filter=userName%20eq%20%22a%22", {"filter": 'userName eq "a"'}),
            ("filter=userName+eq+%22a%22", {"filter": 'userName eq "a"'}),
            ("filter=a%2Bb", {"filter": "a+b"}),
            ("filter=a%252Bb", {"filter": "a%2Bb"}),
            ("filter=a%26b%3Dc", {"filter": "a&b=c"}),
            ("filter=a,b&startIndex=3", {"filter": "a,b", "startindex": "3"}),
            ("FILTER=a&startindex=0", {"filter": "a", "startindex": "0"}),
            ("filter=%C3%A4", {"filter": "ä"}),
            ("filter=", {"filter": ""}),
            ("filter", {"filter": ""}),
            ("startIndex=&filter=a", {"filter": "a"}),
            ("aadOptscim062020", {}),
            ("aadOptscim062020&filter=a&x=1&x=2", {"filter": "a"}),
            ("filter=a;startIndex=3", {"filter": "a;startIndex=3"}),
            ("filter=userName%20eq%20%22a+b%22", {"filter": 'userName eq "a+b"'}),
            ("filter=userName%20eq%20%22a%2Bb%22", {"filter": 'userName eq "a+b"'}),
            ("filter=userName+eq+%22a%2Bb%22", {"filter": 'userName eq "a+b"'}),
            ("x=%20&filter=a+b", {"filter": "a+b"}),
        ],
    )
    def test_query_is_decoded_without_unknown_parameters(self, query: str, parameters: dict[str, str]) -> None:
        assert Request(build_event(query=query)).parse_query_parameters(PARAMETERS) == parameters

    @pytest.mark.parametrize("query", ["filter=a&filter=b", "filter=a&Filter=a", "startIndex=1&startindex=2"])
    def test_repeated_parameter_is_rejected(self, query: str) -> None:
        with pytest.raises(InvalidParameter, match=r"The query parameter (filter|Filter|startindex) occurs twice"):
            Request(build_event(query=query)).parse_query_parameters(PARAMETERS)

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ("filter=%ff", "not encoded in UTF-8"),
            ("%ff=a", "not encoded in UTF-8"),
            ("filter=%C3", "not encoded in UTF-8"),
            ("filter=\ufffd", "not encoded in UTF-8"),
            ("&".join(["x=1"] * 101), "more than 100 parameters"),
        ],
    )
    def test_malformed_query_is_rejected(self, query: str, problem: str) -> None:
        with pytest.raises(InvalidParameter, match=problem):
            Request(build_event(query=query)).parse_query_parameters(PARAMETERS)

    def test_query_of_the_audit_log_has_the_same_pluses(self) -> None:
        queries = ["filter=userName%20eq%20%22a+b%22", "filter=userName+eq+%22a%2Bb%22"]

        assert [Request(build_event(query=query)).query_string for query in queries] == ['filter=userName eq "a+b"'] * 2


class TestBody:
    @pytest.mark.parametrize(
        "media_type",
        [
            None,
            "",
            "application/scim+json",
            "application/json",
            "application/scim+json; charset=utf-8",
            'Application/JSON;charset="UTF-8"',
            "application/json ; profile=x",
            "application/merge-patch+json",
        ],
    )
    def test_json_media_types_are_accepted(self, media_type: str | None) -> None:
        headers = {} if media_type is None else {"content-type": media_type}

        assert Request(build_event("POST", headers=headers, body='{"a": 1}')).json() == {"a": 1}

    @pytest.mark.parametrize(
        "media_type",
        [
            "text/plain",
            "application/xml",
            "text/json",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "json",
        ],
    )
    def test_other_media_types_are_rejected(self, media_type: str) -> None:
        request = Request(build_event("POST", headers={"content-type": media_type}, body="{}"))

        with pytest.raises(UnsupportedMediaType):
            request.json()

    def test_compressed_body_is_rejected(self) -> None:
        with pytest.raises(UnsupportedMediaType):
            Request(build_event("POST", headers={"content-encoding": "gzip"}, body=b"\x1f\x8b")).json()

        assert Request(build_event("POST", headers={"content-encoding": "identity"}, body="{}")).json() == {}

    @pytest.mark.parametrize("body", [COMPRESSED, COMPRESSED.decode(errors="replace")], ids=["base64", "text"])
    def test_compressed_body_without_its_header_is_rejected(self, body: str | bytes) -> None:
        with pytest.raises(UnsupportedMediaType, match="must not be compressed"):
            Request(build_event("POST", body=body)).json()

    @pytest.mark.parametrize("body", ['{"a": "ä"}', '{"a": "ä"}'.encode(), '\N{BYTE ORDER MARK}{"a": "ä"}'.encode()])
    def test_body_is_read_as_text_and_base64(self, body: str | bytes) -> None:
        assert Request(build_event("POST", body=body)).json() == {"a": "ä"}

    @pytest.mark.parametrize("body", ['{"a": "J\ufffdrg"}', "\ufffd\ufffd{\0}\0"])
    @pytest.mark.parametrize("length", [None, "0", "12"])
    def test_replaced_bytes_are_an_error(self, body: str, length: str | None) -> None:
        headers = {"content-type": "application/json"} | ({"content-length": length} if length else {})

        with pytest.raises(InvalidSyntax, match="not encoded in UTF-8") as error:
            Request(build_event("POST", headers=headers, body=body)).json()

        assert error.value.rule == Rule.ENCODING

    def test_replacement_character_of_the_client_is_accepted(self) -> None:
        """As raw bytes in base64, as text of the length that the client sent, and as a JSON escape."""
        raw, value = '{"a": "J\ufffdrg"}'.encode(), {"a": "J\ufffdrg"}
        events = [
            build_event("POST", body=raw),
            build_event("POST", headers={"content-length": str(len(raw))}, body=raw.decode()),
            build_event("POST", body=r'{"a": "J\ufffdrg"}'),
        ]

        assert [Request(event).json() for event in events] == [value] * 3

    @pytest.mark.parametrize("body", [None, "", b""])
    def test_empty_body_is_rejected(self, body: str | bytes | None) -> None:
        with pytest.raises(InvalidSyntax, match="empty"):
            Request(build_event("POST", body=body)).json()

    @pytest.mark.parametrize("broken", ["{}", "e30", "e30=e30=", "ä"])
    def test_invalid_base64_body_is_rejected(self, broken: str) -> None:
        with pytest.raises(BadRequest):
            Request(build_event("POST", body=b"") | {"body": broken}).json()

    def test_body_size_limit_is_one_mebibyte(self) -> None:
        largest = b'"' + b"x" * (LARGEST - 2) + b'"'

        assert Request(build_event("POST", body=largest)).json() == "x" * (LARGEST - 2)
        with pytest.raises(PayloadTooLarge):
            Request(build_event("POST", body=largest + b" ")).json()

    def test_body_size_is_counted_in_bytes(self) -> None:
        with pytest.raises(PayloadTooLarge):
            Request(build_event("POST", body='"' + "ä" * (LARGEST // 2) + '"')).json()


class TestHeaders:
    @pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
    def test_names_are_case_insensitive(self, name: str) -> None:
        """RFC 9110 section 5.1. The local gateway of the SAM CLI keeps the case that the client sent."""
        assert Request(build_event(headers={name: "text/plain"})).get_header("content-type") == "text/plain"

    def test_missing_header_is_none(self) -> None:
        assert Request(build_event(headers={"Accept": "*/*"})).get_header("content-type") is None


class TestResponse:
    @pytest.mark.parametrize(
        ("accept", "media_type"),
        [
            (None, SCIM_JSON),
            ("*/*", SCIM_JSON),
            ("application/*", SCIM_JSON),
            ("text/html", SCIM_JSON),
            ("application/scim+json", SCIM_JSON),
            ("application/json, application/scim+json", SCIM_JSON),
            ("application/scim+json;q=0.1, application/json", SCIM_JSON),
            ("application/json", JSON),
            ("Application/JSON; charset=utf-8", JSON),
            ("text/html, application/json;q=0.9, */*;q=0.8", JSON),
        ],
    )
    def test_response_media_type_follows_accept_header(self, accept: str | None, media_type: str) -> None:
        headers = {} if accept is None else {"accept": accept}

        assert Request(build_event(headers=headers)).response_media_type == media_type

    @pytest.mark.parametrize(
        ("response", "expected"),
        [
            (
                Response(201, '{"id":"ä"}', {"ETag": 'W/"1"'}, {"plan": "ids"}),
                {"statusCode": 201, "headers": {"ETag": 'W/"1"', "Content-Type": SCIM_JSON}, "body": '{"id":"ä"}'},
            ),
            (Response(204), {"statusCode": 204, "headers": {}, "body": ""}),
        ],
    )
    def test_empty_response_has_no_media_type(self, response: Response, expected: dict[str, Any]) -> None:
        assert response.to_gateway_response(SCIM_JSON) == expected | {"isBase64Encoded": False}
