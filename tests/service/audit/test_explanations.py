"""Every rule that a request can break has an explanation."""

import dataclasses

import pytest

from scim.protocol import errors
from scim.protocol.errors import Rule
from scim.protocol.leniency import Leniency
from scim.service.audit.explanations import EXPLANATIONS, explain, explain_rejected_token
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


def classes() -> list[type[errors.ScimError]]:
    found = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.ScimError)]
    return [each for each in found if each is not errors.ScimError]


def test_every_rule_has_an_explanation() -> None:
    assert set(EXPLANATIONS) == set(Rule)


@pytest.mark.parametrize("error", classes(), ids=lambda error: error.__name__)
def test_every_error_has_a_rule_of_its_class(error: type[errors.ScimError]) -> None:
    assert error("detail").rule == error.rule
    assert error("detail", rule=Rule.FORMAT).rule is Rule.FORMAT


@pytest.mark.parametrize("rule", EXPLANATIONS)
@pytest.mark.parametrize("provider", [None, *IdentityProvider])
def test_explanation_has_summary_and_remediation(rule: str, provider: IdentityProvider | None) -> None:
    failure = dataclasses.replace(
        FAILURE, rule=rule, provider=provider, ignored=["mail"], rejected_leniency="pathless-patch"
    )

    what, change = explain(failure)

    assert len(what) > 20
    assert len(change) > 10
    assert not {"{", "}"} & set(what + change)
    assert set(EXPLANATIONS[rule].remediation_by_provider) <= set(IdentityProvider)


def test_summary_ends_with_the_detail() -> None:
    assert explain(FAILURE)[0].endswith("The error was: active is a boolean. Send true or false.")


def test_unknown_rule_is_explained_by_its_detail() -> None:
    what, _ = explain(dataclasses.replace(FAILURE, rule="of-old"))
    assert FAILURE.detail in what


@pytest.mark.parametrize("leniency", Leniency)
def test_strict_mode_names_the_rejected_leniency(leniency: Leniency) -> None:
    what, change = explain(dataclasses.replace(FAILURE, rule=Rule.STRICT_MODE, rejected_leniency=leniency.label))
    assert leniency.description in what
    assert "muster strict TENANT off" in change


@pytest.mark.parametrize("provider", [None, IdentityProvider.ENTRA, IdentityProvider.OKTA, IdentityProvider.PING])
@pytest.mark.parametrize("rule", [Rule.TOKEN_EXPIRED, Rule.TOKEN])
def test_rejected_token_has_remediation(rule: str, provider: IdentityProvider | None) -> None:
    what, change = explain_rejected_token(rule, provider)
    assert "token" in what
    assert "muster rotate" in change
