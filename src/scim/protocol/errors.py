"""Every error that the service tells a client, one class a meaning.

The classes with a ``scimType`` are Table 9 of RFC 7644 section 3.12 and those of RFC 9865; the others are plain HTTP.
``detail`` is written for the administrator of an identity provider: it names the attribute, the rule and what to
change, and never a person's value, a secret or anything of the inside.
"""

from __future__ import annotations

from typing import Any, ClassVar

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """An answer other than success. ``headers`` are sent along with it."""

    status: ClassVar[int]
    scim_type: ClassVar[str | None] = None

    def __init__(self, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The error message of RFC 7644 section 3.12; ``status`` is a string there."""
        scim_type = {"scimType": self.scim_type} if self.scim_type else {}
        return {"schemas": [ERROR_SCHEMA], "status": str(self.status), **scim_type, "detail": self.detail}


class BadRequest(ScimError):
    status = 400


class InvalidFilter(BadRequest):
    """The filter's syntax is wrong, or the attribute and the comparison don't go together."""

    scim_type = "invalidFilter"


class TooMany(BadRequest):
    """The filter would have to read more users than one request may."""

    scim_type = "tooMany"


class Mutability(BadRequest):
    """The change is not compatible with the attribute's mutability or would unassign a required attribute."""

    scim_type = "mutability"


class InvalidSyntax(BadRequest):
    """The body is not what the operation takes."""

    scim_type = "invalidSyntax"


class InvalidPath(BadRequest):
    """The path of a PATCH operation is malformed."""

    scim_type = "invalidPath"


class NoTarget(BadRequest):
    """The path yields no attribute or value that could be operated on."""

    scim_type = "noTarget"


class InvalidValue(BadRequest):
    """A required value is missing, or a value is not compatible with the attribute's type."""

    scim_type = "invalidValue"


class InvalidVersion(BadRequest):
    """The request names a protocol version that is not served."""

    scim_type = "invalidVers"


class InvalidCursor(BadRequest):
    """The cursor is none that was given out for this query (RFC 9865 section 2.1)."""

    scim_type = "invalidCursor"


class ExpiredCursor(BadRequest):
    """The cursor was given out for this query, and leads nowhere any more (RFC 9865 section 2.1)."""

    scim_type = "expiredCursor"


class InvalidCount(BadRequest):
    """The size of a page is not what the service gives, or what the cursor was given out for (RFC 9865 section 2.1)."""

    scim_type = "invalidCount"


class Unauthorized(ScimError):
    status = 401


class Forbidden(ScimError):
    status = 403


class NotFound(ScimError):
    status = 404


class MethodNotAllowed(ScimError):
    status = 405


class Uniqueness(ScimError):
    """The value of a unique attribute is in use."""

    status = 409
    scim_type = "uniqueness"


class UnresolvedReference(ScimError):
    """A bulk operation refers to one that has not succeeded (RFC 7644 section 3.7.1)."""

    status = 409


class PreconditionFailed(ScimError):
    status = 412


class PayloadTooLarge(ScimError):
    status = 413


class UnsupportedMediaType(ScimError):
    status = 415


class TooManyRequests(ScimError):
    status = 429


class InternalError(ScimError):
    status = 500


class NotImplementedHere(ScimError):
    status = 501


class Unavailable(ScimError):
    """Nothing is known to be wrong with the request: it can be sent again."""

    status = 503
