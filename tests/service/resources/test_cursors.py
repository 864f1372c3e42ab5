"""Cursors: their content, their validity and their expiry."""

import base64

import pytest

from scim.protocol.errors import ExpiredCursor, InvalidCount, InvalidCursor
from scim.service.model.query import CursorPosition, PageBoundary
from scim.service.resources.cursors import CursorCodec
from tests.service.fakes import FakeSigner, new_id

BOUNDARIES = [PageBoundary(new_id(), bytes(range(8))), PageBoundary(new_id(), b"\xff" * 8)]


def build_codec(signer: FakeSigner | None = None, tenant_id: str = "acme", query: str = "User all") -> CursorCodec:
    return CursorCodec(signer or FakeSigner(), tenant_id, query)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(("total", "count"), [(1, 1), (17_000_000, 200), (2**32 - 1, 0)])
def test_decode_is_the_inverse_of_encode(number: int, total: int, count: int, backwards: bool) -> None:
    text = build_codec().encode(BOUNDARIES[:number], total, count, is_backwards=backwards)

    assert text is not None
    assert build_codec().decode(text, None) == (CursorPosition(BOUNDARIES[:number], backwards, total), count)


def test_no_cursor_without_boundaries() -> None:
    assert build_codec().encode(None, 7, 3) is None


@pytest.mark.parametrize(("count", "expected"), [(None, 200), (0, 0), (1, 1), (200, 200)])
def test_empty_cursor_is_the_first_page(count: int | None, expected: int) -> None:
    assert build_codec().decode("", count) == (CursorPosition(), expected)


@pytest.mark.parametrize("count", [-1, 201])
@pytest.mark.parametrize("text", ["", "anything"])
def test_invalid_count_is_rejected_first(text: str, count: int) -> None:
    with pytest.raises(InvalidCount):
        build_codec().decode(text, count)


def test_count_must_stay_the_same() -> None:
    text = build_codec().encode(BOUNDARIES, 7, 3) or ""

    assert build_codec().decode(text, 3)[1] == 3
    with pytest.raises(InvalidCount, match="issued for count=3"):
        build_codec().decode(text, 4)


@pytest.mark.parametrize(("tenant_id", "query"), [("acme-2", "User all"), ("acme", "User others")])
def test_cursor_is_valid_for_its_tenant_and_query(tenant_id: str, query: str) -> None:
    text = build_codec().encode(BOUNDARIES, 7, 3) or ""

    with pytest.raises(InvalidCursor):
        build_codec(tenant_id=tenant_id, query=query).decode(text, None)


def test_other_signed_content_is_rejected() -> None:
    with pytest.raises(InvalidCursor):
        build_codec().decode(FakeSigner().sign("acme", b"short"), None)


@pytest.mark.parametrize("age_s", [0, 3_599, 3_600])
def test_cursor_is_valid_for_an_hour(age_s: float) -> None:
    text = build_codec().encode(BOUNDARIES, 7, 3) or ""

    assert build_codec(FakeSigner(age_s)).decode(text, None)[1] == 3


def test_older_cursor_has_expired() -> None:
    text = build_codec().encode(BOUNDARIES, 7, 3) or ""

    with pytest.raises(ExpiredCursor, match="3600 seconds"):
        build_codec(FakeSigner(3_601)).decode(text, None)


def test_cursor_fits_into_a_url() -> None:
    text = build_codec().encode([BOUNDARIES[0]] * 5, 7, 3) or ""
    signed = bytes.fromhex(text.partition("~")[2])

    assert len(base64.urlsafe_b64encode(signed)) < 200
