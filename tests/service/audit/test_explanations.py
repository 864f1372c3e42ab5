"""The explanations of failures: each rule has one."""

import dataclasses

import pytest

from scim.protocol import errors
from scim.protocol.errors import Rule
from scim.protocol.leniency import Leniency
from scim.service.audit.explanations import EXPLANATIONS, RULES_WITHOUT_DETAIL, explain, explain_rejected_token
from scim.service.model.audit.failure import Failure
from scim.service.model.identity_provider import IdentityProvider

FAILURE = Failure(
    at="2026-01-31T09:30:00.000Z",
    operation="create",
    status=400,
    scim_type="invalidValue",
    rule="type",
    detail="active is a boolean. Send true or false.",
    attribute="active",
    identifier_kind="userName",
    identifier="ada",
    identifier_hashes=frozenset(),
    attributes_sent=["userName", "active"],
    ignored=[],
    rejected_leniency=None,
    provider=None,
    request_id="1",
)


def list_error_classes() -> list[type[errors.ScimError]]:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    return [cls for cls in classes if issubclass(cls, errors.ScimError) and cls is not errors.ScimError]


def test_rules_have_an_explanation() -> None:
    assert set(EXPLANATIONS) == set(Rule)


@pytest.mark.parametrize("error", list_error_classes(), ids=lambda error: error.__name__)
def test_rule_of_error_defaults_to_its_class(error: type[errors.ScimError]) -> None:
    assert error("detail").rule == error.rule
    assert error("detail", rule=Rule.FORMAT).rule is Rule.FORMAT


@pytest.mark.parametrize("rule", EXPLANATIONS)
@pytest.mark.parametrize("provider", [None, *IdentityProvider])
def test_explanation_has_summary_and_remediation(rule: str, provider: IdentityProvider | None) -> None:
    failure = dataclasses.replace(
        FAILURE, rule=rule, provider=provider, ignored=["mail"], rejected_leniency="pathless-patch"
    )

    summary, remediation = explain(failure)

    assert len(summary) >= 20
    assert len(remediation) > 10
    assert not {"{", "}"} & set(summary + remediation)
    assert set(EXPLANATIONS[rule].remediation_by_provider) <= set(IdentityProvider)


def test_summary_ends_with_the_detail() -> None:
    assert explain(FAILURE)[0].endswith("The error was: active is a boolean. Send true or false.")


@pytest.mark.parametrize("rule", sorted(RULES_WITHOUT_DETAIL))
def test_detail_that_adds_nothing_is_omitted(rule: Rule) -> None:
    assert "The error was" not in explain(dataclasses.replace(FAILURE, rule=rule))[0]


def test_wrong_scim_url_is_said_once() -> None:
    detail = "The SCIM URL in the identity provider is wrong: it ends in /Users. Set it to https://api.example/scim/v2."
    summary, _ = explain(dataclasses.replace(FAILURE, rule=Rule.SCIM_URL, detail=detail))
    assert summary == f"{detail} Until then, no user can be provisioned."


def test_unknown_rule_is_explained_by_detail() -> None:
    summary, _ = explain(dataclasses.replace(FAILURE, rule="removed-rule"))
    assert FAILURE.detail in summary


@pytest.mark.parametrize("leniency", Leniency)
def test_strict_mode_names_the_rejected_leniency(leniency: Leniency) -> None:
    summary, remediation = explain(
        dataclasses.replace(FAILURE, rule=Rule.STRICT_MODE, rejected_leniency=leniency.label)
    )
    assert leniency.description in summary
    assert "muster strict TENANT off" in remediation


@pytest.mark.parametrize("provider", [None, IdentityProvider.ENTRA, IdentityProvider.OKTA, IdentityProvider.PING])
@pytest.mark.parametrize("rule", [Rule.TOKEN_EXPIRED, Rule.TOKEN])
def test_rejected_token_has_remediation(rule: str, provider: IdentityProvider | None) -> None:
    summary, remediation = explain_rejected_token(rule, provider)
    assert "token" in summary
    assert "muster rotate" in remediation
