"""Explain each rule of :class:`scim.protocol.errors.Rule`: what happened, and what to change.

The texts have placeholders: ``{attribute}`` is the attribute that violates the rule, ``{names}`` are the attributes
that were ignored, ``{leniency}`` describes the leniency that strict mode rejected.
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
_MAPPING = "The mapping of {attribute}: "
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


_TOKEN_REMEDIATION_BY_PROVIDER = {
    _ENTRA: "Provisioning > Admin Credentials: paste a new token (console: Connect; or `muster rotate`) into Secret "
    "Token, Test Connection, then restart provisioning.",
    _OKTA: "Provisioning > Integration: paste a new token (console: Connect; or `muster rotate`) into Authorization, "
    "test, then retry the failed tasks under Dashboard > Tasks.",
}
_TOKEN_REMEDIATION = (
    "Where its SCIM token stands: paste a new one (console: Connect; or `muster rotate`), and test the connection."  # noqa: S105  # words
)
_STRICT_MODE_OFF = "Turn strict mode off for this tenant (console: Connect; or `muster strict TENANT off`)"

EXPLANATIONS: Mapping[str, Explanation] = {
    # Values of a user
    Rule.UNIQUENESS: Explanation(
        "Another user has this userName, so nobody was created or renamed.",
        "Match users by userName, so that the provider finds the one who is here and updates it; or give this person "
        "another userName.",
        {
            _ENTRA: "Attribute mapping: make userName the matching attribute (Match objects using this attribute), "
            "then provision the person on demand. If two people in Entra have this name, correct one of them.",
            _OKTA: "Provisioning > Integration: Unique identifier field for users is userName. Then retry the task "
            "under Dashboard > Tasks.",
        },
    ),
    Rule.REQUIRED: _mapping_error(
        "{attribute} is required, and the request had no value for it or would have removed it.",
        "map it to a value that nobody lacks, and fill it in for this person.",
    ),
    Rule.TYPE: _mapping_error(
        "The value of {attribute} is of the wrong type.", "send what /Schemas says the attribute is."
    ),
    Rule.FORMAT: _mapping_error(
        "The value of {attribute} has the wrong form or is too long.", "send a value of the form that the detail names."
    ),
    Rule.ELEMENT_COUNT: _mapping_error("{attribute} has too many values.", "map fewer."),
    Rule.PRIMARY: _mapping_error("Several values of {attribute} are marked as primary.", "mark one of them."),
    Rule.VALUE: Explanation(
        "A value does not go with its attribute or with the operation.", "The mapping that the detail names."
    ),
    Rule.UNKNOWN_ATTRIBUTE: _mapping_error(
        "No schema has the attribute {attribute}.",
        "remove it, correct its name, or add it to the tenant's extension.",
    ),
    Rule.READ_ONLY: _mapping_error("{attribute} is the service's own and can't be written.", "remove it."),
    Rule.IMMUTABLE: _mapping_error("{attribute} can't be changed once it has a value.", "stop sending changes of it."),
    Rule.MUTABILITY: Explanation(
        "An attribute can't be changed in this way.", "Remove the mapping of the attribute that the detail names."
    ),
    Rule.PATH: Explanation(
        "The path of a PATCH operation is malformed.",
        "The spelling of the target attribute.",
        {_ENTRA: 'Attribute mapping: the spelling of the target attribute, such as emails[type eq "work"].value.'},
    ),
    Rule.NO_TARGET: Explanation(
        "A PATCH names an element of a list that is not there and can't be made from its path.",
        'The target attribute: select by eq, as in emails[type eq "work"].value.',
    ),
    Rule.TOO_LARGE: Explanation("The request or the user is too large.", "Map fewer or shorter values."),
    Rule.STRICT_MODE: Explanation(
        "The tenant is in strict mode, which refuses {leniency}.",
        _STRICT_MODE_OFF + ", or make the provider follow the RFC.",
        {
            _ENTRA: _STRICT_MODE_OFF
            + ": Entra ID needs it off. Adding ?aadOptscim062020 to the Tenant URL is not enough.",
            _OKTA: _STRICT_MODE_OFF + ": Okta's PATCH has no path.",
        },
    ),
    Rule.NO_OP: Explanation(
        "The request was answered with success, but nothing came of {names}: no schema has it, or it can't be written.",
        "Remove the mapping of {names}, correct its target, or add it to the tenant's extension. Until then the "
        "provider may send it again in each cycle.",
        {
            _ENTRA: "Attribute mapping: remove the target {names}, or correct it. Until then Entra ID sends it again "
            "in each cycle.",
        },
    ),
    # Lookups and queries
    Rule.UNKNOWN_USER: Explanation(
        "The provider knows an id that is not here: the user was deleted, or belongs to another tenant.",
        "Make the provider forget the id, so that it looks the person up again.",
        {
            _ENTRA: "Provisioning > Restart provisioning: Entra ID then looks everybody up again.",
            _OKTA: "Unassign the person and assign again.",
        },
    ),
    Rule.FILTER_ATTRIBUTE: Explanation(
        "People are looked up by {attribute}, which no schema has: nobody is found, and nobody gets in.",
        "The matching attribute: userName, externalId or emails.value.",
        {
            _ENTRA: 'Attribute mapping: match by userName, externalId or emails[type eq "work"].value.',
            _OKTA: "Provisioning > Integration: Unique identifier field for users is userName.",
        },
    ),
    Rule.FILTER: Explanation(
        "A filter can't be read, or compares an attribute in a way that does not apply to it.",
        "The matching attribute or the query that the provider is set up with.",
    ),
    Rule.TOO_MANY: Explanation(
        "A query would have to read too many users.", "Match by userName, externalId or emails.value."
    ),
    Rule.UNRESOLVED_BULK_ID: Explanation(
        "An operation of a bulk request refers to one that failed.", "What made that one fail: it is in the log, too."
    ),
    Rule.PRECONDITION: Explanation(
        "The user had changed since the provider read it.", "Nothing: the provider reads it again, or retries."
    ),
    # The connection
    Rule.TOKEN: Explanation(
        "The token is no longer valid: it was replaced or revoked. Nothing of the request was looked at.",
        _TOKEN_REMEDIATION,
        _TOKEN_REMEDIATION_BY_PROVIDER,
    ),
    Rule.TOKEN_MALFORMED: Explanation(
        "Unverified requests with a malformed token: it is mistyped, cut off, in quotes or entered twice. Anybody can "
        "send such a request.",
        "Copy the whole token again, without spaces, quotes or the word Bearer.",
    ),
    Rule.TOKEN_EXPIRED: Explanation(
        "The token has expired. Nothing of the request was looked at.",
        _TOKEN_REMEDIATION,
        _TOKEN_REMEDIATION_BY_PROVIDER,
    ),
    Rule.TOO_MANY_REQUESTS: Explanation(
        "Too many requests with tokens that are not valid came in a few seconds.", _TOKEN_REMEDIATION
    ),
    Rule.GROUPS_ENDPOINT: Explanation(
        "The provider sends groups, which are not supported; users get in without them.",
        "Turn group provisioning off.",
        {
            _ENTRA: "Attribute mapping: set the mapping of groups to Enabled = No.",
            _OKTA: "Push Groups: unlink the groups; Provisioning > Integration: untick Push Groups and Import Groups.",
        },
    ),
    Rule.ME_ENDPOINT: Explanation(
        "/Me was asked for, and a token stands for no user.", "A connector that does not use /Me."
    ),
    Rule.NOT_IMPLEMENTED: Explanation("The request asks for something that is not supported.", "Turn it off."),
    Rule.SCIM_URL: Explanation(
        "The SCIM URL in the identity provider is wrong: it has an endpoint such as /Users at its end, so no request "
        "reaches a user.",
        "Set the SCIM URL to the one that Connect shows: it ends in /scim/v2.",
        {
            _ENTRA: "Provisioning > Admin Credentials: Tenant URL is the SCIM URL that Connect shows and ends in "
            "/scim/v2. Test Connection, then restart provisioning.",
            _OKTA: "Provisioning > Integration: SCIM connector base URL is the SCIM URL that Connect shows and ends "
            "in /scim/v2. Then retry the failed tasks under Dashboard > Tasks.",
            _ONELOGIN: "Configuration: SCIM Base URL is the SCIM URL that Connect shows and ends in /scim/v2.",
            _JUMPCLOUD: "Identity Management: Base URL is the SCIM URL that Connect shows and ends in /scim/v2.",
            _GOOGLE: "Autoprovisioning: Endpoint URL is the SCIM URL that Connect shows and ends in /scim/v2.",
        },
    ),
    Rule.UNKNOWN_PATH: Explanation("Nothing is served at the path.", "The SCIM URL: it ends in /scim/v2."),
    Rule.METHOD: Explanation(
        "The path does not take this method.", "The SCIM URL, and the connector's type: SCIM 2.0."
    ),
    Rule.PROTOCOL_VERSION: Explanation(
        "Another version of SCIM was asked for.",
        "The SCIM URL: it ends in /scim/v2. If it does, the connector's type: SCIM 2.0.",
    ),
    Rule.FORBIDDEN: Explanation("A discovery document was asked for with a filter.", "A query without a filter."),
    Rule.MEDIA_TYPE: Explanation("The body is not JSON, or is compressed.", "The content type: application/scim+json."),
    Rule.SYNTAX: Explanation(
        "The body is not what the operation takes.", "The template of the body, where there is one."
    ),
    Rule.BAD_REQUEST: Explanation("A header or the body can't be read.", "The connector's type: SCIM 2.0."),
    Rule.CURSOR: Explanation("A cursor is too old or belongs to another query.", "Nothing: a new query starts again."),
    Rule.PAGE_SIZE: Explanation(
        "A page of the wrong size was asked for.", "At most 200 a page, the same on all pages."
    ),
    # The service
    Rule.TOO_MANY_USERS: Explanation("There are as many users as the service can count.", "Delete users first."),
    Rule.UNAVAILABLE: Explanation(
        "The service could not finish in time or its store did not answer.", _NO_CHANGE + " It sends the request again."
    ),
    Rule.FAULT: Explanation(
        "The service failed.", _NO_CHANGE + " Look for the request id in the functions' log (docs/operate/logs.md)."
    ),
}


def explain(failure: Failure) -> tuple[str, str]:
    """Return what happened and what to change, each in sentences.

    The first text includes the detail of the error. A silent no-op has none, since its response was a success. If a
    stored failure has a rule that this version of Muster no longer has, it is explained as a bad request.
    """
    explanation = EXPLANATIONS.get(failure.rule) or EXPLANATIONS[Rule.BAD_REQUEST]
    placeholders = {
        "attribute": failure.attribute or "an attribute",
        "names": ", ".join(failure.ignored),
        "leniency": _describe_leniency(failure.rejected_leniency),
    }
    detail = "" if failure.rule == Rule.NO_OP else f" The answer said: {failure.detail}"
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
    return f"{leniency.description} (sent by {leniency.sent_by})" if leniency else "what goes beyond the RFC"
