"""Every error that the service tells a client, one class a meaning.

The classes with a ``scimType`` are Table 9 of RFC 7644 section 3.12 and those of RFC 9865; the others are plain HTTP.
``detail`` is written for the administrator of an identity provider: it names the attribute, the rule and what to
change, and never a person's value, a secret or anything of the inside.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """An answer other than success. ``headers`` are sent along with it.

    ``rule`` is the name of what was not kept to, for programs and for the log: it stays when a detail is worded anew
    (:mod:`scim.service.audit.explanations` has them all). ``attribute`` is the attribute that did not keep to it.
    """

    status: ClassVar[int]
    scim_type: ClassVar[str | None] = None
    rule: str

    def __init__(
        self,
        detail: str,
        headers: dict[str, str] | None = None,
        *,
        rule: str | None = None,
        attribute: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.rule = rule or type(self).rule
        self.attribute = attribute

    @property
    def is_fault(self) -> bool:
        """Return whether the service is to blame: for a 5xx, but not for 501, which answers what is not supported."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and self.status != HTTPStatus.NOT_IMPLEMENTED

    def body(self) -> dict[str, Any]:
        """The error message of RFC 7644 section 3.12; ``status`` is a string there."""
        scim_type = {"scimType": self.scim_type} if self.scim_type else {}
        return {"schemas": [ERROR_SCHEMA], "status": str(self.status), **scim_type, "detail": self.detail}


class BadRequest(ScimError):
    status = 400
    rule = "bad-request"


class InvalidFilter(BadRequest):
    """The filter's syntax is wrong, or the attribute and the comparison don't go together."""

    scim_type = "invalidFilter"
    rule = "filter"


class TooMany(BadRequest):
    """The filter would have to read more users than one request may."""

    scim_type = "tooMany"
    rule = "too-many"


class MutabilityError(BadRequest):
    """The change is not compatible with the attribute's mutability or would unassign a required attribute."""

    scim_type = "mutability"
    rule = "mutability"


class InvalidSyntax(BadRequest):
    """The body is not what the operation takes."""

    scim_type = "invalidSyntax"
    rule = "syntax"


class InvalidPath(BadRequest):
    """The path of a PATCH operation is malformed."""

    scim_type = "invalidPath"
    rule = "path"


class NoTarget(BadRequest):
    """The path yields no attribute or value that could be operated on."""

    scim_type = "noTarget"
    rule = "no-target"


class InvalidValue(BadRequest):
    """A required value is missing, or a value is not compatible with the attribute's type."""

    scim_type = "invalidValue"
    rule = "value"


class InvalidVersion(BadRequest):
    """The request names a protocol version that is not served."""

    scim_type = "invalidVers"
    rule = "protocol-version"


class InvalidCursor(BadRequest):
    """The cursor is none that was given out for this query (RFC 9865 section 2.1)."""

    scim_type = "invalidCursor"
    rule = "cursor"


class ExpiredCursor(BadRequest):
    """The cursor was given out for this query, and leads nowhere any more (RFC 9865 section 2.1)."""

    scim_type = "expiredCursor"
    rule = "cursor"


class InvalidCount(BadRequest):
    """The size of a page is not what the service gives, or what the cursor was given out for (RFC 9865 section 2.1)."""

    scim_type = "invalidCount"
    rule = "page-size"


class Unauthorized(ScimError):
    status = 401
    rule = "token"


class Forbidden(ScimError):
    status = 403
    rule = "forbidden"


class TooManyUsers(Forbidden):
    """The tenant has as many users as the service can count, so no more can be created."""

    rule = "too-many-users"


class NotFound(ScimError):
    status = 404
    rule = "unknown-path"


class WrongScimUrl(NotFound):
    """The SCIM URL in the identity provider has an endpoint at its end."""

    rule = "scim-url"


class MethodNotAllowed(ScimError):
    status = 405
    rule = "method"


class UniquenessError(ScimError):
    """The value of a unique attribute is in use."""

    status = 409
    scim_type = "uniqueness"
    rule = "uniqueness"


class UnresolvedReference(ScimError):
    """A bulk operation refers to one that has not succeeded (RFC 7644 section 3.7.1)."""

    status = 409
    rule = "bulk-reference"


class PreconditionFailed(ScimError):
    status = 412
    rule = "precondition"


class PayloadTooLarge(ScimError):
    status = 413
    rule = "too-large"


class UnsupportedMediaType(ScimError):
    status = 415
    rule = "media-type"


class TooManyRequests(ScimError):
    status = 429
    rule = "too-many-tokens"


class InternalError(ScimError):
    status = 500
    rule = "fault"


class NotSupported(ScimError):
    status = 501
    rule = "not-implemented"


class Unavailable(ScimError):
    """Nothing is known to be wrong with the request: it can be sent again."""

    status = 503
    rule = "unavailable"
