"""The check of a userName that a request writes."""

from collections.abc import Callable
from typing import Any

import pytest
from precis_i18n import get_profile

from scim.protocol.errors import InvalidValue, Rule
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import PatchRequest, parse_message
from scim.protocol.patch.apply import apply_patch
from scim.protocol.resource import Resource, parse_resource
from scim.protocol.schema import load_user_type
from tests.endpoint import CORE

TYPE = load_user_type()
MODES = pytest.mark.parametrize("is_strict", [False, True], ids=["tolerant", "strict"])


def create(user_name: str, leniencies: LeniencyTracker) -> Resource:
    return parse_resource({"schemas": [CORE], "userName": user_name}, TYPE, leniencies)


def patch(before: str, leniencies: LeniencyTracker, **operation: Any) -> Resource:
    body = {"schemas": [PatchRequest.urn], "Operations": [{"op": "replace", **operation}]}
    operations = parse_message(PatchRequest, body, leniencies).operations
    return apply_patch({"schemas": [CORE], "userName": before}, operations, TYPE, leniencies)


def read_error(user_name: str, leniencies: LeniencyTracker) -> InvalidValue:
    """Return the error for a name. A POST and a PATCH have the same."""
    with pytest.raises(InvalidValue) as posted:
        create(user_name, leniencies)
    with pytest.raises(InvalidValue) as patched:
        patch("bob", leniencies, path="userName", value=user_name)
    assert str(posted.value) == str(patched.value)
    return posted.value


SPACES = {
    *(" ", "\u00a0", "\u1680", "\u2000", "\u2003", "\u200a", "\u202f", "\u205f", "\u3000", "\u2800"),
    *("\U0001d159", "\U00013441", "\U00013442"),
}
INVISIBLE = {
    *(
        "\x00",
        "\t",
        "\n",
        "\x7f",
        "\x85",
        "\u00ad",
        "\u034f",
        "\u115f",
        "\u180e",
        "\u200b",
        "\u200d",
        "\u2028",
        "\u202e",
    ),
    *("\u2060", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\ufff9", "\U00013430", "\U00016fe4", "\U000e0041"),
    *("\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001fffe", "\U0001ffff", "\U0010fffe", "\U0010ffff"),
    *("\ud800", "\udfff"),
}


class TestBothModes:
    @MODES
    @pytest.mark.parametrize("name", sorted({*SPACES, "   ", "\u3000\u00a0"}), ids=ascii)
    def test_blank_name(self, name: str, is_strict: bool) -> None:
        error = read_error(name, LeniencyTracker(is_strict))

        assert error.rule is Rule.REQUIRED
        assert error.detail == "userName is blank. Map it to an attribute that every user has."

    @MODES
    @pytest.mark.parametrize("space", sorted(SPACES), ids=ascii)
    @pytest.mark.parametrize("form", ["{}bob", "bob{}"])
    def test_space_at_an_end(self, form: str, space: str, is_strict: bool) -> None:
        error = read_error(form.format(space), LeniencyTracker(is_strict))

        assert error.detail == "userName begins or ends with white space. Remove it in the identity provider."

    @MODES
    @pytest.mark.parametrize("character", sorted(INVISIBLE), ids=ascii)
    @pytest.mark.parametrize("form", ["{}b", "b{}b", "b{}", "é{}b"])
    def test_invisible_character(self, form: str, character: str, is_strict: bool) -> None:
        error = read_error(form.format(character), LeniencyTracker(is_strict))

        assert error.detail == "userName has invisible or control characters. Remove them in the identity provider."

    @MODES
    @pytest.mark.parametrize("name", ["b" * 513, "é" * 513, "b" * 300_000, "\u0130" * 257, "\u0958" * 257])
    def test_long_name(self, name: str, is_strict: bool) -> None:
        """The last two have at most 512 characters only as they are sent: lower case or NFC lengthens them."""
        error = read_error(name, LeniencyTracker(is_strict))

        assert error.detail == "userName can have at most 512 characters. Map it to a shorter attribute."

    @MODES
    @pytest.mark.parametrize(
        "name",
        [
            *("bjensen", "Bob@Example.com", "o'brien", "Ada King", "a  b", "!#$%&'*+/=?^_`{|}~-", "b" * 512, "é" * 512),
            *("Zoë", "zoe\u0308", "straße", "ΟΔΟΣ", "你好", "नमस्ते", "\uff42\uff4f\uff42", "山田\u3000太郎"),
            *("שלום", "محمد", "l\u00b7l", "ガ・ガ"),
        ],
    )
    def test_allowed_name(self, name: str, is_strict: bool) -> None:
        leniencies = LeniencyTracker(is_strict)

        assert create(name, leniencies)["userName"] == name
        assert patch("bob", leniencies, path="userName", value=name)["userName"] == name
        assert leniencies.used == []


DISALLOWED = pytest.mark.parametrize(
    "name",
    [
        *(
            "O\u2019Brien",
            "bob\u20ac",
            "\U0001f600",
            "a\u00a0b",
            "a\u2800b",
            "\ufb01n",
            "x\u00b2",
            "a\u00b7b",
            "\u212a",
        ),
        *("\u1f88", "שלום@example.com", "\ue000", "\u0378", "\ufffd"),
    ],
    ids=ascii,
)


class TestDisallowedCharacters:
    @DISALLOWED
    def test_tolerant(self, name: str) -> None:
        leniencies = LeniencyTracker()

        assert create(name, leniencies)["userName"] == name
        assert leniencies.used == ["user-name-character"]

    @DISALLOWED
    def test_strict(self, name: str) -> None:
        error = read_error(name, LeniencyTracker(is_strict=True))

        assert error.rule is Rule.FORMAT
        assert error.detail == (
            "userName has characters that RFC 8265 does not allow. Use letters, digits and the punctuation of ASCII."
        )


class TestPatch:
    """A PATCH of other attributes must work, whatever the stored name is."""

    @pytest.mark.parametrize("name", ["O\u2019Brien", " bob", "b" * 600, "\ufdd0"], ids=ascii)
    @pytest.mark.parametrize("operation", [{"path": "active", "value": False}, {"path": "title", "value": "Guide"}])
    def test_stored_name_stays(self, name: str, operation: dict[str, Any]) -> None:
        leniencies = LeniencyTracker(is_strict=True)

        assert patch(name, leniencies, **operation)["userName"] == name
        assert leniencies.last_rejected is None

    def test_tolerated_name_is_recorded_only_when_it_is_written(self) -> None:
        unchanged, renamed = LeniencyTracker(), LeniencyTracker()
        patch("O\u2019Brien", unchanged, path="active", value=False)
        patch("O\u2019Brien", renamed, path="userName", value="O\u2019Neill")

        assert (unchanged.used, renamed.used) == ([], ["user-name-character"])


def is_allowed(check: Callable[[str], object], value: str) -> bool:
    try:
        check(value)
    except (InvalidValue, UnicodeEncodeError):
        return False
    return True


@pytest.mark.parametrize("code", range(0x80, 0x250))
def test_latin_characters_are_checked_as_by_the_profile(code: int) -> None:
    """Letters of Latin-1 and Latin Extended-A skip the profile."""
    name = f"a{chr(code)}b"
    expected = is_allowed(get_profile("IdentifierClass").enforce, name) and is_allowed(
        get_profile("UsernameCaseMapped").enforce, name
    )
    assert is_allowed(lambda value: create(value, LeniencyTracker(is_strict=True)), name) == expected
