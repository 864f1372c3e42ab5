"""The text of a filter or path, read from left to right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from scim.protocol.errors import ScimError

# Longer than any filter that fits into the gateway's 10,240 bytes of headers, and short enough to refuse at once.
MAX_LENGTH = 10_000

_SPACE = re.compile(r"[ \t\r\n]*")
_NAME_CHARACTER = re.compile(r"[A-Za-z0-9$_-]")


class Tokenizer:
    """A position in ``text``; ``error`` is what a violation of the grammar is reported as.

    It remembers where the last token began, so that an error can name the place of a token that has been read already.
    """

    def __init__(self, text: str, error: type[ScimError]) -> None:
        self._text = text
        self.error = error
        self._position = 0
        self._token = 0
        if len(text) > MAX_LENGTH:
            raise error(f"The expression has {len(text)} characters; at most {MAX_LENGTH} are read.")

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """What ``pattern`` matches after white space; moves behind it."""
        self._skip_space()
        return self.take_adjacent(pattern)

    def take_adjacent(self, pattern: re.Pattern[str]) -> str | None:
        """What ``pattern`` matches right here; moves behind it."""
        if found := pattern.match(self._text, self._position):
            self._token, self._position = found.span()
            return found.group()
        return None

    def take_name(self, names: Sequence[str]) -> str | None:
        """Return one of the lower-case ``names`` after white space, as it is written; ``None`` if there is none.

        The grammar of names need not cover them. A name ends where no character of a name follows.
        """
        self._skip_space()
        for name in names:
            end = self._position + len(name)
            found = self._text[self._position : end]
            if found.lower() == name and not _NAME_CHARACTER.match(self._text, end):
                self._token, self._position = self._position, end
                return found
        return None

    def expect(self, pattern: re.Pattern[str], what: str) -> str:
        """What ``pattern`` matches after white space, or the error that says what was expected."""
        found = self.take(pattern)
        return self.fail(f"{what} is expected") if found is None else found

    def expect_end(self) -> None:
        self._skip_space()
        if self._position < len(self._text):
            self.fail("The expression should end")

    def fail(self, rule: str) -> NoReturn:
        """Raise the error for what stands at the position. It names the place and not the text, which may be a name."""
        self._skip_space()
        self._raise(rule, self._position)

    def fail_token(self, rule: str) -> NoReturn:
        """Raise the error for the token that was read last."""
        self._raise(rule, self._token)

    def _raise(self, rule: str, position: int) -> NoReturn:
        length = len(self._text)
        place = f"at character {position + 1} of {length}" if position < length else "at the end"
        raise self.error(f"{rule} {place}.")

    def _skip_space(self) -> None:
        if found := _SPACE.match(self._text, self._position):
            self._position = found.end()
