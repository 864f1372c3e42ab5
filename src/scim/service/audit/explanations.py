"""Explain each rule of :class:`scim.protocol.errors.Rule`: what happened, and what to change.

The texts have placeholders: ``{attribute}`` is the attribute that violates the rule, ``{names}`` are the attributes
that were ignored, ``{leniency}`` describes the leniency that strict mode rejected. ``{detail}`` is the ``detail`` of
the error response.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scim.protocol.errors import Rule
from scim.protocol.leniency import Leniency
from scim.service.model.audit.failure import Failure
from scim.service.model.identity_provider import IdentityProvider

_ENTRA, _OKTA, _GOOGLE = IdentityProvider.ENTRA, IdentityProvider.OKTA, IdentityProvider.GOOGLE
_ONELOGIN, _JUMPCLOUD = IdentityProvider.ONELOGIN, IdentityProvider.JUMPCLOUD

_NO_CHANGE = "Nothing in the identity provider."
_MAPPING = "Correct the attribute mapping of {attribute}: "
_ENTRA_MAPPING = "Enterprise application > Provisioning > Attribute mapping > {attribute}: "
_OKTA_MAPPING = "Application > Provisioning > To App > Attribute Mappings > {attribute}: "


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened (``summary``) and what to change in the identity provider (``remediation``), in sentences.

    ``remediation_by_provider`` has more exact texts for some identity providers, with the names of their settings.
    """

    summary: str
    remediation: str
    remediation_by_provider: Mapping[IdentityProvider, str] = field(default_factory=dict)


def _mapping_error(summary: str, change: str) -> Explanation:
    """Return the explanation of an error that the IT admin corrects in an attribute mapping."""
    remediation_by_provider = {_ENTRA: _ENTRA_MAPPING + change, _OKTA: _OKTA_MAPPING + change}
    return Explanation(summary, _MAPPING + change, remediation_by_provider)


def _malformed_token(mistake: str, remediation: str) -> Explanation:
    """Return the explanation of requests whose token was entered wrongly."""
    return Explanation(
        f"The token is malformed: {mistake}. The sender is not verified, because anyone can send such a request.",
        remediation,
    )


_NEW_TOKEN = "Create a new token (console: Token; for operators also: `muster rotate`)"  # noqa: S105  # words
_TOKEN_REMEDIATION_BY_PROVIDER = {
    _ENTRA: _NEW_TOKEN + ". In Entra ID, enter it under Provisioning > Admin Credentials > Secret Token, select Test "
    "Connection, and restart provisioning.",
    _OKTA: _NEW_TOKEN + ". In Okta, enter it under Provisioning > Integration > Authorization and test it. Then retry "
    "the failed tasks under Dashboard > Tasks.",
}
_TOKEN_REMEDIATION = _NEW_TOKEN + ", enter it in the identity provider, and test the connection."
_STRICT_MODE_OFF = (
    "The operator can turn strict mode off for this customer (console: Settings, command: `muster strict TENANT off`)"
)
_RELEASE = (
    "If it is intended, ask the operator to release the deactivations (console: Status, command: `muster release "
    "TENANT`). "
)
_CONNECT_URL = "is the SCIM URL from Connect, which ends in /scim/v2."

EXPLANATIONS: Mapping[str, Explanation] = {
    # Values of a user
    Rule.UNIQUENESS: Explanation(
        "Another user already has this userName, so no user was created or renamed.",
        "Match users by userName, so that the identity provider finds and updates the existing user. Or give this "
        "person another userName.",
        {
            _ENTRA: "Attribute mapping: make userName the matching attribute (Match objects using this attribute), "
            "then provision the person on demand. If two people in Entra ID have this userName, correct one of them.",
            _OKTA: "Provisioning > Integration: set Unique identifier field for users to userName. Then retry the task "
            "under Dashboard > Tasks. If two people in Okta have this userName, correct one of them.",
        },
    ),
    Rule.REQUIRED: _mapping_error(
        "{attribute} is required. The request had no value for it, or tried to remove it.",
        "map it to an attribute that every user has, and fill it in for this person.",
    ),
    Rule.TYPE: _mapping_error(
        "The value of {attribute} has the wrong type.", "send a value of the type that the error names."
    ),
    Rule.FORMAT: _mapping_error(
        "The value of {attribute} has the wrong format, or is too long.", "send a value as the error describes it."
    ),
    Rule.ELEMENT_COUNT: _mapping_error("{attribute} has too many values.", "map fewer values."),
    Rule.PRIMARY: _mapping_error("Several values of {attribute} are marked as primary.", "mark only one as primary."),
    Rule.VALUE: Explanation(
        "A value does not fit its attribute or the operation.", "Correct the attribute mapping that the error names."
    ),
    Rule.UNKNOWN_ATTRIBUTE: _mapping_error(
        "No schema has the attribute {attribute}.",
        "remove the mapping, correct the name, or add it to the custom attributes of this customer.",
    ),
    Rule.READ_ONLY: Explanation(
        "{attribute} is read-only.",
        "Remove the attribute mapping of {attribute}.",
        {_ENTRA: _ENTRA_MAPPING + "remove the mapping.", _OKTA: _OKTA_MAPPING + "remove the mapping."},
    ),
    Rule.IMMUTABLE: _mapping_error(
        "{attribute} cannot be changed once it has a value.", "send it only when the user is created."
    ),
    Rule.MUTABILITY: Explanation(
        "An attribute cannot be changed in this way.", "Remove the mapping of the attribute that the error names."
    ),
    Rule.PATH: Explanation(
        "The path of a PATCH operation is malformed.",
        "Correct the spelling of the target attribute in the attribute mapping.",
        {
            _ENTRA: "Attribute mapping: correct the spelling of the target attribute. A correct example is "
            'emails[type eq "work"].value.'
        },
    ),
    Rule.NO_TARGET: Explanation(
        "The path of a PATCH operation selects a value that does not exist and cannot be created from the path.",
        'Select the value with eq in the target attribute, as in emails[type eq "work"].value.',
    ),
    Rule.TOO_LARGE: Explanation("The request or the user is too large.", "Map fewer or shorter values."),
    Rule.STRICT_MODE: Explanation(
        "The customer is in strict mode, which rejects {leniency}.",
        _STRICT_MODE_OFF + ". Or change what the identity provider sends.",
        {
            _ENTRA: _STRICT_MODE_OFF + ". Entra ID needs it off, even with ?aadOptscim062020 in the Tenant URL.",
            _OKTA: _STRICT_MODE_OFF + ". Okta needs it off, because its PATCH requests have no path.",
        },
    ),
    Rule.NO_OP: Explanation(
        "The request succeeded, but {names} was ignored, because no schema has it, it cannot be written, or its value "
        "is empty.",
        "Remove the mapping of {names}, correct its target or value, or add it to the custom attributes of this "
        "customer. Until then, the identity provider may send it again in each cycle.",
        {
            _ENTRA: "Attribute mapping: remove or correct the target {names}. Until then, Entra ID sends it again in "
            "each cycle.",
        },
    ),
    # Lookups and queries
    Rule.UNKNOWN_USER: Explanation(
        "No user has the id in the request: the user was deleted, or belongs to another customer.",
        "Make the identity provider discard the id, so that it looks up the person again.",
        {
            _ENTRA: "Provisioning > Restart provisioning: Entra ID then looks up all users again.",
            _OKTA: "Unassign the person from the application, and assign the person again.",
        },
    ),
    Rule.FILTER_ATTRIBUTE: Explanation(
        "The identity provider looks up users by {attribute}, which no schema has. No user can be found or "
        "provisioned.",
        "Set the matching attribute to userName, externalId or emails.value.",
        {
            _ENTRA: 'Attribute mapping: match by userName, externalId or emails[type eq "work"].value.',
            _OKTA: "Provisioning > Integration: set Unique identifier field for users to userName.",
        },
    ),
    Rule.FILTER: Explanation(
        "A filter is malformed, or compares an attribute in a way that its type does not support.",
        "Correct the matching attribute, or the filter that is set in the identity provider.",
    ),
    Rule.PARAMETER: Explanation(
        "A query parameter, such as count or sortBy, is malformed or has an unsupported value.",
        "Correct this parameter in the program that sends the request.",
    ),
    Rule.RATE_LIMIT: Explanation(
        "The identity provider sent more than the rate limit of the customer allows. These requests changed nothing.",
        "Nothing, if it stops by itself: the identity provider sends the requests again. If it does not, provision "
        "fewer people at a time, and match users by userName, externalId or emails.value. The operator can raise the "
        "limit.",
    ),
    Rule.TOO_MANY: Explanation(
        "A query would have to read too many users.", "Match users by userName, externalId or emails.value."
    ),
    Rule.UNRESOLVED_BULK_ID: Explanation(
        "An operation of a bulk request refers to an operation that failed, or belongs to a reference cycle that is "
        "too large.",
        "Correct the operation that failed. The audit log shows it, too. If no other operation failed, add one of the "
        "references of the cycle with a PATCH operation.",
    ),
    Rule.PRECONDITION: Explanation(
        "The user was changed since the identity provider read it.",
        "Nothing: the identity provider reads the user again and retries.",
    ),
    # The connection
    Rule.TOKEN: Explanation(
        "The token is not valid: it was replaced or revoked.",
        _TOKEN_REMEDIATION,
        _TOKEN_REMEDIATION_BY_PROVIDER,
    ),
    Rule.TOKEN_MALFORMED: _malformed_token(
        "it is mistyped", "Copy the whole token again, without spaces, quotes or the word Bearer."
    ),
    Rule.TOKEN_CUT_SHORT: _malformed_token(
        "it is cut short", "Copy the whole token again, up to its last character, or create a new one."
    ),
    Rule.TOKEN_WITH_BEARER: _malformed_token(
        "the word Bearer is sent twice",
        "In the identity provider, enter the token without the word Bearer, which the identity provider adds itself.",
    ),
    Rule.TOKEN_WITHOUT_BEARER: _malformed_token(
        "the word Bearer is missing before it",
        "Set the identity provider to send a bearer token (Authorization: Bearer TOKEN).",
    ),
    Rule.TOKEN_WITH_OTHER_TEXT: _malformed_token(
        "it is sent with other characters, such as quotes or blanks",
        "In the identity provider, enter only the token, from muster_ to its last character.",
    ),
    Rule.TOKEN_EXPIRED: Explanation(
        "The token has expired.",
        _TOKEN_REMEDIATION,
        _TOKEN_REMEDIATION_BY_PROVIDER,
    ),
    Rule.TOO_MANY_REQUESTS: Explanation(
        "Too many requests with invalid tokens arrived within a few seconds.", _TOKEN_REMEDIATION
    ),
    Rule.GROUPS_ENDPOINT: Explanation(
        "The identity provider sends groups, which are not supported. Users are provisioned without them.",
        "Turn group provisioning off.",
        {
            _ENTRA: "Attribute mapping: set Enabled to No in the mapping of groups.",
            _OKTA: "Push Groups: unlink the groups. Provisioning > Integration: clear Push Groups and Import Groups.",
        },
    ),
    Rule.ME_ENDPOINT: Explanation(
        "The request was for /Me, which is not supported: a token belongs to an identity provider and not to a user.",
        "Use a connector that does not request /Me.",
    ),
    Rule.NOT_IMPLEMENTED: Explanation(
        "The request uses a feature that is not supported.", "Turn this feature off in the identity provider."
    ),
    Rule.SCIM_URL: Explanation(
        "{detail} Until then, no user can be provisioned.",
        "Set the SCIM URL to the one from Connect, which ends in /scim/v2.",
        {
            _ENTRA: f"Provisioning > Admin Credentials: Tenant URL {_CONNECT_URL} Select Test Connection, then restart "
            "provisioning.",
            _OKTA: f"Provisioning > Integration: SCIM connector base URL {_CONNECT_URL} Then retry the failed tasks "
            "under Dashboard > Tasks.",
            _ONELOGIN: f"Configuration: SCIM Base URL {_CONNECT_URL}",
            _JUMPCLOUD: f"Identity Management: Base URL {_CONNECT_URL}",
            _GOOGLE: f"Autoprovisioning: Endpoint URL {_CONNECT_URL}",
        },
    ),
    Rule.UNKNOWN_PATH: Explanation(
        "Nothing exists at the requested path.",
        "Check the SCIM URL in the identity provider: it must end in /scim/v2.",
    ),
    Rule.METHOD: Explanation(
        "The requested path does not support this method.",
        "Check the SCIM URL, and that the connector uses SCIM 2.0.",
    ),
    Rule.PROTOCOL_VERSION: Explanation(
        "The request is for another version of SCIM.",
        "Check that the SCIM URL ends in /scim/v2, and that the connector uses SCIM 2.0.",
    ),
    Rule.FORBIDDEN: Explanation(
        "The request for a discovery document has a filter.", "Use a connector that sends no filter there."
    ),
    Rule.BRAKE: Explanation(
        "The brake held this deactivation or deletion, because many users of this customer lost their access within an "
        "hour. The user is still active.",
        _RELEASE + "Then the identity provider sends the request again. If it is a mistake, correct the assignments or "
        "the scope in the identity provider.",
        {
            _ENTRA: _RELEASE + "Entra ID then sends the request again in one of its next cycles. In quarantine, select "
            "Restart provisioning. If it is a mistake, assign the users again, or correct the scoping filters.",
            _OKTA: _RELEASE
            + "Then select Retry Selected under Dashboard > Tasks. If it is a mistake, assign the users "
            "to the application again.",
        },
    ),
    Rule.MEDIA_TYPE: Explanation(
        "The request body is not JSON, or is compressed.", "Set the content type to application/scim+json."
    ),
    Rule.SYNTAX: Explanation(
        "The request body or a query parameter is malformed.",
        "Correct the template of the body, if the identity provider has one.",
    ),
    Rule.ENCODING: Explanation(
        "The request body is not encoded in UTF-8.",
        "Set the client to send UTF-8. Windows PowerShell 5.1 does not do so by default: send the body as bytes.",
    ),
    Rule.BAD_REQUEST: Explanation(
        "A header or the body of the request is malformed.", "Check that the connector uses SCIM 2.0."
    ),
    Rule.CURSOR: Explanation(
        "The cursor has expired, or belongs to another query.", "Nothing: the identity provider starts the query again."
    ),
    Rule.PAGE_SIZE: Explanation(
        "The page size is not supported.", "Request at most 200 users per page, and the same number on all pages."
    ),
    # The service
    Rule.TOO_MANY_USERS: Explanation(
        "The customer has the maximum number of users that the service supports.", "Delete users first."
    ),
    Rule.UNAVAILABLE: Explanation(
        "The service could not finish the request in time, or its database did not answer.",
        _NO_CHANGE + " It sends the request again.",
    ),
    Rule.FAULT: Explanation(
        "The request failed because of an error in the service.",
        _NO_CHANGE + " Tell the operator the request id, which leads to the cause in the logs.",
    ),
}

_DATA_RULES_WITHOUT_DETAIL = {Rule.UNIQUENESS, Rule.PRIMARY, Rule.READ_ONLY, Rule.IMMUTABLE, Rule.NO_OP}
_OTHER_RULES_WITHOUT_DETAIL = {Rule.UNKNOWN_USER, Rule.GROUPS_ENDPOINT, Rule.ME_ENDPOINT, Rule.SCIM_URL}
RULES_WITHOUT_DETAIL = frozenset(_DATA_RULES_WITHOUT_DETAIL | _OTHER_RULES_WITHOUT_DETAIL)
"""Rules whose explanation already says everything that is in the ``detail`` of the error response."""


def explain(failure: Failure) -> tuple[str, str]:
    """Return what happened and what to change, each in sentences.

    The first text includes the detail of the error, if that adds something. If a stored failure has a rule that this
    version of Muster no longer has, it is explained as a bad request.
    """
    explanation = EXPLANATIONS.get(failure.rule) or EXPLANATIONS[Rule.BAD_REQUEST]
    placeholders = {
        "attribute": failure.attribute or "an attribute",
        "names": ", ".join(failure.ignored),
        "leniency": _describe_leniency(failure.rejected_leniency),
        "detail": failure.detail,
    }
    detail = "" if failure.rule in RULES_WITHOUT_DETAIL else f" The error was: {failure.detail}"
    summary = explanation.summary.format(**placeholders) + detail
    return summary, _choose_remediation(explanation, failure.provider).format(**placeholders)


def explain_rejected_token(rule: str, provider: IdentityProvider | None) -> tuple[str, str]:
    """Return why a token was rejected, and what to change, each in sentences."""
    explanation = EXPLANATIONS[rule]
    return explanation.summary, _choose_remediation(explanation, provider)


def _choose_remediation(explanation: Explanation, provider: IdentityProvider | None) -> str:
    if provider is None:
        return explanation.remediation
    return explanation.remediation_by_provider.get(provider, explanation.remediation)


def _describe_leniency(label: str | None) -> str:
    leniency = next((leniency for leniency in Leniency if leniency.label == label), None)
    return f"{leniency.description} (sent by {leniency.sent_by})" if leniency else "some requests"
