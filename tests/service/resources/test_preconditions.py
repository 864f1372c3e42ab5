"""``If-Match`` and ``If-None-Match`` (RFC 9110, sections 8.8.3, 13.1.1 and 13.1.2)."""

import pytest

from scim.protocol.errors import BadRequest, PreconditionFailed
from scim.service.resources.preconditions import Preconditions

VERSION_2 = [
    'W/"2"',
    '"2"',
    "*",
    'W/"1", W/"2"',
    'W/"1",W/"2","3"',
    ' W/"2" ',
    ', "1", ,"2",',  # section 5.6.1.2: empty elements of a list are ignored
    '"a,b", "2"',  # section 8.8.3: a tag may contain a comma
]
OTHER_VERSIONS = ['W/"1"', '"3"', '"02"', '""', '"2,"', 'W/"1", W/"3"', '"xyzzy"', '"*"']
INVALID = ["2", "W/2", '"2', '2"', 'w/"2"', '*, "2"', '"1" "2"', "", ",", '"a"b"']


def is_met(version: int | None, *, if_match: str | None = None, if_none_match: str | None = None) -> bool:
    try:
        Preconditions.parse(if_match, if_none_match).check(version)
    except PreconditionFailed:
        return False
    return True


def test_no_headers_match_any_version() -> None:
    assert is_met(2)
    assert is_met(None)


@pytest.mark.parametrize("header", VERSION_2)
def test_if_match_with_the_version(header: str) -> None:
    assert is_met(2, if_match=header)


@pytest.mark.parametrize("header", OTHER_VERSIONS)
def test_if_match_with_another_version_fails(header: str) -> None:
    assert not is_met(2, if_match=header)


@pytest.mark.parametrize("header", VERSION_2)
def test_if_none_match_with_the_version_fails(header: str) -> None:
    assert not is_met(2, if_none_match=header)


@pytest.mark.parametrize("header", OTHER_VERSIONS)
def test_if_none_match_with_another_version(header: str) -> None:
    assert is_met(2, if_none_match=header)


@pytest.mark.parametrize("header", ["*", 'W/"1"'])
def test_missing_resource_matches_nothing(header: str) -> None:
    assert not is_met(None, if_match=header)
    assert is_met(None, if_none_match=header)


def test_if_match_of_a_create_has_its_own_message() -> None:
    with pytest.raises(PreconditionFailed, match="There is no user yet"):
        Preconditions.parse('"1"', None).check(None)


def test_both_headers_must_match() -> None:
    assert is_met(2, if_match='"2"', if_none_match='"1"')
    assert not is_met(2, if_match='"2"', if_none_match='"2"')
    assert not is_met(2, if_match='"1"', if_none_match='"1"')


@pytest.mark.parametrize("header", INVALID)
def test_invalid_header_is_a_bad_request(header: str) -> None:
    with pytest.raises(BadRequest, match=r"^If-Match must be"):
        Preconditions.parse(header, None)
    with pytest.raises(BadRequest, match=r"^If-None-Match must be"):
        Preconditions.parse(None, header)


def test_not_modified() -> None:
    assert Preconditions.parse(None, 'W/"2"').is_not_modified('W/"2"')
    assert Preconditions.parse(None, '"1", "2-abc"').is_not_modified('W/"2-abc"')
    assert Preconditions.parse(None, "*").is_not_modified('W/"2-abc"')
    assert not Preconditions.parse(None, 'W/"1"').is_not_modified('W/"2"')
    assert not Preconditions.parse('W/"2"', None).is_not_modified('W/"2"')


def test_not_modified_compares_digests() -> None:
    """The digest of a tag changes with the links of the user, which the response shows."""
    assert not Preconditions.parse(None, 'W/"2"').is_not_modified('W/"2-abc"')
    assert not Preconditions.parse(None, 'W/"2-abc"').is_not_modified('W/"2"')
    assert not Preconditions.parse(None, 'W/"2-abc"').is_not_modified('W/"2-abd"')


def test_writes_ignore_digests() -> None:
    """A link that is made after the client has read the user must not make its next write fail."""
    for header in ('W/"2"', 'W/"2-abc"', '"2-abd"'):
        assert is_met(2, if_match=header)
        assert not is_met(2, if_none_match=header)
    for header in ('W/"1-abc"', '"2-"', '"2-xyz"', '"2.abc"', '"-abc"'):
        assert not is_met(2, if_match=header)
