"""Split the text of a filter or path into tokens, from left to right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from scim.protocol.errors import ScimError

MAX_LENGTH = 10_000
"""The maximum number of characters. API Gateway limits headers to 10,240 bytes, so query strings are shorter."""

_SPACE = re.compile(r"[ \t\r\n]*")
_NAME_CHARACTER = re.compile(r"[A-Za-z0-9$_-]")


class Tokenizer:
    """Takes tokens from a text, and raises ``error_class`` for violations of the grammar.

    It remembers where the last token began, so that an error can name that position.
    """

    def __init__(self, text: str, error_class: type[ScimError]) -> None:
        self._text = text
        self.error_class = error_class
        self._position = 0
        self._token_start = 0
        if len(text) > MAX_LENGTH:
            raise error_class(f"The expression has {len(text)} characters. The maximum is {MAX_LENGTH}.")

    def take_token(self, pattern: re.Pattern[str]) -> str | None:
        """Skip whitespace and take the token that ``pattern`` matches; return ``None`` if it does not match."""
        self._skip_space()
        return self.take_adjacent_token(pattern)

    def take_adjacent_token(self, pattern: re.Pattern[str]) -> str | None:
        """Take the token that ``pattern`` matches here, without skipping whitespace; return ``None`` otherwise."""
        if match := pattern.match(self._text, self._position):
            self._token_start, self._position = match.span()
            return match.group()
        return None

    def take_name(self, names: Sequence[str]) -> str | None:
        """Skip whitespace and take the first of ``names`` that follows; return ``None`` if none follows.

        ``names`` are in lower case, and the result has the case of the text. The names can contain characters that the
        grammar does not allow, such as spaces.
        """
        self._skip_space()
        for name in names:
            end = self._position + len(name)
            token = self._text[self._position : end]
            if token.lower() == name and not _NAME_CHARACTER.match(self._text, end):
                self._token_start, self._position = self._position, end
                return token
        return None

    def expect_token(self, pattern: re.Pattern[str], name: str) -> str:
        """Skip whitespace and take the token that ``pattern`` matches; raise an error if it does not match.

        ``name`` describes the expected token in the error.
        """
        token = self.take_token(pattern)
        return self.fail_at_position(f"{name} is expected") if token is None else token

    def expect_end(self) -> None:
        """Raise an error unless only whitespace follows."""
        self._skip_space()
        if self._position < len(self._text):
            self.fail_at_position("Unexpected text")

    def fail_at_position(self, message: str) -> NoReturn:
        """Raise an error that names the current position. It does not quote the text, which can be personal data."""
        self._skip_space()
        self._raise(message, self._position)

    def fail_at_last_token(self, message: str) -> NoReturn:
        """Raise an error that names the position of the last token."""
        self._raise(message, self._token_start)

    def _raise(self, message: str, position: int) -> NoReturn:
        length = len(self._text)
        location = f"at character {position + 1} of {length}" if position < length else "at the end"
        raise self.error_class(f"{message} {location}.")

    def _skip_space(self) -> None:
        if match := _SPACE.match(self._text, self._position):
            self._position = match.end()
