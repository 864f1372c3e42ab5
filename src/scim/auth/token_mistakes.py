"""Recognize how a token was entered wrongly, and build the response to a request without a valid token (401)."""

from __future__ import annotations

import re

from scim.auth import token_format
from scim.protocol.errors import Rule, Unauthorized

_BEARER = "bearer"
_BEARER_WORD = re.compile(r"\bbearer\b", re.IGNORECASE)
_URL = re.compile(r"\W*https?:", re.IGNORECASE)
_OTHER_CHARACTER = re.compile(r"[^A-Za-z0-9_-]")

_CHALLENGE = 'Bearer realm="SCIM"'
_REMEDY_IF_MISSING = (
    "The request has none. Set the identity provider to send the token from the console page Token as a bearer "
    "token (Authorization: Bearer TOKEN)."
)
_REMEDY_IF_URL = "A URL is sent in its place. Enter the token from the console page Token."
_REMEDY_IF_INVALID = "Copy the whole token into the identity provider again, or create a new one."
_REMEDIES = {
    Rule.TOKEN_CUT_SHORT: "The token is cut short. Copy the whole token into the identity provider, up to its last "
    "character, or create a new one.",
    Rule.TOKEN_WITH_BEARER: "The word Bearer is sent twice. In the identity provider, enter the token without this "
    "word, which the identity provider adds itself.",
    Rule.TOKEN_WITHOUT_BEARER: "The word Bearer is missing before the token. Set the identity provider to send a "
    "bearer token (Authorization: Bearer TOKEN).",
    Rule.TOKEN_WITH_OTHER_TEXT: "The token is sent with other characters, such as quotes or blanks. Enter only the "
    "token, from muster_ to its last character.",
}


def split_authorization(authorization: str) -> tuple[str, str]:
    """Return the scheme and the credentials in a header ``Authorization``. The scheme is in lower case."""
    scheme, _, credentials = authorization.strip().partition(" ")
    return scheme.lower(), credentials.strip()


def is_bearer(scheme: str) -> bool:
    """Return whether a scheme in lower case is that of bearer tokens."""
    return scheme == _BEARER


def build_unauthorized_error(authorization: str) -> Unauthorized:
    """Return the response to a request whose header ``Authorization`` has no valid token.

    It depends only on how the header is written, and not on the reason why a well-formed token is not valid. The error
    code ``invalid_token`` stands only in the response to a request with a token (RFC 6750 section 3.1).
    """
    scheme, credentials = split_authorization(authorization)
    has_token = bool(credentials) if is_bearer(scheme) else token_format.find_position(authorization) is not None
    if not has_token:
        return _build_error(_REMEDY_IF_MISSING, Rule.TOKEN, _CHALLENGE)
    rule = find_mistake(authorization)
    remedy = _REMEDIES[rule] if rule else _REMEDY_IF_URL if _URL.match(credentials) else _REMEDY_IF_INVALID
    return _build_error(remedy, rule or Rule.TOKEN, f'{_CHALLENGE}, error="invalid_token"')


def find_mistake(authorization: str) -> Rule | None:
    """Return the rule that the text of a header ``Authorization`` breaks, ``None`` if it has a token and nothing else.

    Also return ``None`` for a mistyped token, and for a text that contains no token of Muster.
    """
    start = token_format.find_position(authorization)
    scheme, credentials = split_authorization(authorization)
    words = len(_BEARER_WORD.findall(authorization, 0, len(authorization) if start is None else start))
    if words > 1:
        return Rule.TOKEN_WITH_BEARER
    if start is None:
        return None
    if words == 0:
        return Rule.TOKEN_WITHOUT_BEARER
    is_token = token_format.parse_token(credentials) is not None
    if is_bearer(scheme) and token_format.is_cut_short(credentials):
        return Rule.TOKEN_CUT_SHORT
    has_other_text = _OTHER_CHARACTER.search(credentials) or (token_format.find_token(credentials) and not is_token)
    return Rule.TOKEN_WITH_OTHER_TEXT if has_other_text or not is_bearer(scheme) else None


def _build_error(remedy: str, rule: Rule, challenge: str) -> Unauthorized:
    detail = f"The bearer token is missing or not valid. {remedy}"
    return Unauthorized(detail, headers={"WWW-Authenticate": challenge}, rule=rule)
