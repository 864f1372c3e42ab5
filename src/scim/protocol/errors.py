"""The errors that the server returns to clients, one class for each meaning.

Classes with a ``scimType`` come from RFC 7644 section 3.12 (Table 9) and RFC 9865 section 2.1. The others only have an
HTTP status. The IT admin reads ``detail``: it names the attribute, the rule, and what to change in the identity
provider. It never contains personal data, secrets or implementation details.
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import Any, ClassVar

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class Rule(StrEnum):
    """The reasons why a request is rejected, fails or is partly ignored. Every error has one.

    The values are stored and logged, so they stay the same when an error's text changes. For each rule,
    :mod:`scim.service.audit.explanations` says what happened and what to change.
    """

    # The data of a user
    UNIQUENESS = "uniqueness"
    REQUIRED = "required"
    TYPE = "type"
    FORMAT = "format"
    ELEMENT_COUNT = "number"
    """An attribute has too many values."""
    PRIMARY = "primary"
    """Several values of an attribute are marked as primary."""
    VALUE = "value"
    UNKNOWN_ATTRIBUTE = "unknown-attribute"
    READ_ONLY = "read-only"
    IMMUTABLE = "immutable"
    MUTABILITY = "mutability"
    PATH = "path"
    NO_TARGET = "no-target"
    TOO_LARGE = "too-large"
    STRICT_MODE = "strict-mode"
    """The request needs a leniency, but the tenant is in strict mode. Only the audit log uses this rule."""
    NO_OP = "no-op"
    """The request succeeded, but part of it was ignored. Only the audit log uses this rule."""

    # The requested users
    UNKNOWN_USER = "unknown-user"
    FILTER_ATTRIBUTE = "filter-attribute"
    """A filter names an unknown attribute."""
    FILTER = "filter"
    PARAMETER = "parameter"
    """A query parameter, or a member of a search request, is malformed or has an unsupported value."""
    TOO_MANY = "too-many"
    """The query needs to read too many users (the ``scimType`` ``tooMany``)."""
    UNRESOLVED_BULK_ID = "bulk-reference"
    """A bulk operation refers to the ``bulkId`` of an operation that did not succeed."""
    PRECONDITION = "precondition"

    # The token
    TOKEN = "token"  # noqa: S105  # no secret
    """The token is missing, or it is not a valid token of the tenant."""
    TOKEN_MALFORMED = "token-malformed"  # noqa: S105  # no secret
    """The token is mistyped, or this deployment did not create it."""
    TOKEN_CUT_SHORT = "token-cut-short"  # noqa: S105  # no secret
    TOKEN_WITH_BEARER = "token-with-bearer"  # noqa: S105  # no secret
    """The word ``Bearer`` is sent twice, because the token was entered with it."""
    TOKEN_WITHOUT_BEARER = "token-without-bearer"  # noqa: S105  # no secret
    TOKEN_WITH_OTHER_TEXT = "token-with-other-text"  # noqa: S105  # no secret
    """The token is sent with other characters, such as quotes or blanks."""
    TOKEN_EXPIRED = "token-expired"  # noqa: S105  # no secret
    TOO_MANY_REQUESTS = "too-many-tokens"  # no secret
    """Too many requests with invalid tokens."""

    # The request itself
    RATE_LIMIT = "rate-limit"
    """The tenant has used up its rate limit."""
    GROUPS_ENDPOINT = "groups"
    """The request is for ``/Groups``, which is not supported."""
    ME_ENDPOINT = "me"
    """The request is for ``/Me``, which is not supported."""
    NOT_IMPLEMENTED = "not-implemented"
    SCIM_URL = "scim-url"
    """The SCIM URL in the identity provider ends in an endpoint, such as ``/Users``, or has a query."""
    UNKNOWN_PATH = "unknown-path"
    METHOD = "method"
    PROTOCOL_VERSION = "protocol-version"
    FORBIDDEN = "forbidden"
    BRAKE = "brake"
    """The brake refuses deactivations after a mass deactivation."""
    MEDIA_TYPE = "media-type"
    SYNTAX = "syntax"
    ENCODING = "encoding"
    """The body is not encoded in UTF-8."""
    BAD_REQUEST = "bad-request"
    CURSOR = "cursor"
    PAGE_SIZE = "page-size"

    # The service
    TOO_MANY_USERS = "too-many-users"
    """The tenant has the maximum number of users that the service can count."""
    UNAVAILABLE = "unavailable"
    FAULT = "fault"
    """An unexpected error in the service."""


_OTHER_TEXT_RULES = {Rule.TOKEN_WITH_BEARER, Rule.TOKEN_WITHOUT_BEARER, Rule.TOKEN_WITH_OTHER_TEXT}
MALFORMED_TOKEN_RULES = frozenset({Rule.TOKEN_MALFORMED, Rule.TOKEN_CUT_SHORT} | _OTHER_TEXT_RULES)
"""The rules of malformed tokens. Anyone can send one, so the sender is not verified."""


class ScimError(Exception):
    """An error that the server returns to the client.

    ``detail`` is the text for the IT admin. ``headers`` are added to the usual HTTP headers of a response. ``rule`` is
    the rule that the request breaks; each subclass has a default. ``attribute`` is the attribute that breaks the rule.
    """

    status: ClassVar[int]
    scim_type: ClassVar[str | None] = None
    rule: Rule

    def __init__(
        self,
        detail: str,
        headers: dict[str, str] | None = None,
        *,
        rule: Rule | None = None,
        attribute: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.rule = rule or type(self).rule
        self.attribute = attribute

    @property
    def is_fault(self) -> bool:
        """Return whether the service failed: true for every 5xx status except 501, which means "not supported"."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and self.status != HTTPStatus.NOT_IMPLEMENTED

    def to_message(self) -> dict[str, Any]:
        """Return the error message of RFC 7644 section 3.12, in which ``status`` is a string."""
        scim_type = {"scimType": self.scim_type} if self.scim_type else {}
        return {"schemas": [ERROR_SCHEMA], "status": str(self.status), **scim_type, "detail": self.detail}


class BadRequest(ScimError):
    """The request is not valid. The more specific errors with status 400 are subclasses."""

    status = 400
    rule = Rule.BAD_REQUEST


class InvalidFilter(BadRequest):
    """The filter's syntax is wrong, or the attribute does not support the comparison."""

    scim_type = "invalidFilter"
    rule = Rule.FILTER


class TooMany(BadRequest):
    """The query needs to read more users than the server allows for one request."""

    scim_type = "tooMany"
    rule = Rule.TOO_MANY


class MutabilityError(BadRequest):
    """The change is not compatible with the attribute's mutability, or it removes a required attribute."""

    scim_type = "mutability"
    rule = Rule.MUTABILITY


class InvalidSyntax(BadRequest):
    """The body does not have the structure that the operation requires."""

    scim_type = "invalidSyntax"
    rule = Rule.SYNTAX


class InvalidPath(BadRequest):
    """The path of a PATCH operation is malformed."""

    scim_type = "invalidPath"
    rule = Rule.PATH


class NoTarget(BadRequest):
    """The path of a PATCH operation does not match any attribute or value."""

    scim_type = "noTarget"
    rule = Rule.NO_TARGET


class InvalidValue(BadRequest):
    """A required value is missing, or a value is not compatible with the attribute's type."""

    scim_type = "invalidValue"
    rule = Rule.VALUE


class InvalidParameter(InvalidValue):
    """A query parameter, or a member of a search request, is malformed or has an unsupported value."""

    rule = Rule.PARAMETER


class InvalidVersion(BadRequest):
    """The request names a version of the protocol that is not supported."""

    scim_type = "invalidVers"
    rule = Rule.PROTOCOL_VERSION


class InvalidCursor(BadRequest):
    """The cursor was not issued for this query (RFC 9865 section 2.1)."""

    scim_type = "invalidCursor"
    rule = Rule.CURSOR


class ExpiredCursor(BadRequest):
    """The cursor was issued for this query, but it has expired (RFC 9865 section 2.1)."""

    scim_type = "expiredCursor"
    rule = Rule.CURSOR


class InvalidCount(BadRequest):
    """The page size is not supported, or not the one that the cursor was issued for (RFC 9865 section 2.1)."""

    scim_type = "invalidCount"
    rule = Rule.PAGE_SIZE


class Unauthorized(ScimError):
    """The bearer token is missing or not valid."""

    status = 401
    rule = Rule.TOKEN


class Forbidden(ScimError):
    """The operation is not permitted, such as a filter on a discovery endpoint (RFC 7644 section 4)."""

    status = 403
    rule = Rule.FORBIDDEN


class TooManyUsers(Forbidden):
    """The tenant has the maximum number of users that the service can count, so no more can be created."""

    rule = Rule.TOO_MANY_USERS


class DeactivationsHeld(Forbidden):
    """The brake refuses to deactivate or delete an active user until an operator releases it."""

    rule = Rule.BRAKE


class NotFound(ScimError):
    """There is no resource or endpoint at this path."""

    status = 404
    rule = Rule.UNKNOWN_PATH


class ScimUrlWithQuery(BadRequest):
    """The SCIM URL in the identity provider has a query, to which the identity provider appends its paths."""

    rule = Rule.SCIM_URL


class WrongScimUrl(NotFound):
    """The SCIM URL that the identity provider is configured with ends in an endpoint such as ``/Users``."""

    rule = Rule.SCIM_URL


class MethodNotAllowed(ScimError):
    """The endpoint does not support the HTTP method."""

    status = 405
    rule = Rule.METHOD


class UniquenessError(ScimError):
    """Another resource already has this value of a unique attribute."""

    status = 409
    scim_type = "uniqueness"
    rule = Rule.UNIQUENESS


class UnresolvedBulkId(ScimError):
    """A bulk operation refers to one that failed, or belongs to a cycle that is too large (RFC 7644 section 3.7.1)."""

    status = 409
    rule = Rule.UNRESOLVED_BULK_ID


class PreconditionFailed(ScimError):
    """The version of the resource is not the one that ``If-Match`` requires."""

    status = 412
    rule = Rule.PRECONDITION


class PayloadTooLarge(ScimError):
    """The body, or the resource after the write, is too large."""

    status = 413
    rule = Rule.TOO_LARGE


class UnsupportedMediaType(ScimError):
    """The body is not uncompressed JSON."""

    status = 415
    rule = Rule.MEDIA_TYPE


class TooManyRequests(ScimError):
    """The server received too many requests with invalid tokens in the last seconds."""

    status = 429
    rule = Rule.TOO_MANY_REQUESTS


class InternalError(ScimError):
    """The service failed unexpectedly. The log contains the cause."""

    status = 500
    rule = Rule.FAULT


class NotSupported(ScimError):
    """The request is for a feature of SCIM that this server does not support."""

    status = 501
    rule = Rule.NOT_IMPLEMENTED


class Unavailable(ScimError):
    """The service cannot process the request now. The client can send it again."""

    status = 503
    rule = Rule.UNAVAILABLE
