"""Cursors: what they hold, and for whom they are good."""

import base64

import pytest

from scim.protocol.errors import ExpiredCursor, InvalidCount, InvalidCursor
from scim.service.model.query import CursorPosition, PageBoundary
from scim.service.resources.cursors import CursorCodec
from tests.service.fakes import FakeSigner, new_id

ANCHORS = [PageBoundary(new_id(), bytes(range(8))), PageBoundary(new_id(), b"\xff" * 8)]


def cursors(signer: FakeSigner | None = None, tenant_id: str = "acme", query: str = "User all") -> CursorCodec:
    return CursorCodec(signer or FakeSigner(), tenant_id, query)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(("total", "count"), [(1, 1), (17_000_000, 200), (2**32 - 1, 0)])
def test_cursor_leads_where_it_was_made_for(number: int, total: int, count: int, backwards: bool) -> None:
    text = cursors().encode(ANCHORS[:number], total, count, is_backwards=backwards)

    assert text is not None
    assert cursors().decode(text, None) == (CursorPosition(ANCHORS[:number], backwards, total), count)


def test_there_is_none_without_anchors() -> None:
    assert cursors().encode(None, 7, 3) is None


@pytest.mark.parametrize(("count", "expected"), [(None, 200), (0, 0), (1, 1), (200, 200)])
def test_empty_cursor_is_the_first_page(count: int | None, expected: int) -> None:
    assert cursors().decode("", count) == (CursorPosition(), expected)


@pytest.mark.parametrize("count", [-1, 201])
@pytest.mark.parametrize("text", ["", "anything"])
def test_invalid_count_is_rejected_first(text: str, count: int) -> None:
    with pytest.raises(InvalidCount):
        cursors().decode(text, count)


def test_count_must_stay_the_same() -> None:
    text = cursors().encode(ANCHORS, 7, 3) or ""

    assert cursors().decode(text, 3)[1] == 3
    with pytest.raises(InvalidCount, match="issued for count=3"):
        cursors().decode(text, 4)


@pytest.mark.parametrize(("tenant_id", "query"), [("acme-2", "User all"), ("acme", "User others")])
def test_cursor_is_valid_for_its_tenant_and_query(tenant_id: str, query: str) -> None:
    text = cursors().encode(ANCHORS, 7, 3) or ""

    with pytest.raises(InvalidCursor):
        cursors(tenant_id=tenant_id, query=query).decode(text, None)


def test_what_is_signed_and_is_no_cursor_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        cursors().decode(FakeSigner().sign("acme", b"short"), None)


@pytest.mark.parametrize("age_s", [0, 3_599, 3_600])
def test_cursor_is_good_for_an_hour(age_s: float) -> None:
    text = cursors().encode(ANCHORS, 7, 3) or ""

    assert cursors(FakeSigner(age_s)).decode(text, None)[1] == 3


def test_cursor_that_is_older_has_expired() -> None:
    text = cursors().encode(ANCHORS, 7, 3) or ""

    with pytest.raises(ExpiredCursor, match="3600 seconds"):
        cursors(FakeSigner(3_601)).decode(text, None)


def test_cursor_of_a_full_page_fits_into_any_url() -> None:
    text = cursors().encode([ANCHORS[0]] * 5, 7, 3) or ""
    signed = bytes.fromhex(text.partition("~")[2])

    assert len(base64.urlsafe_b64encode(signed)) < 200
