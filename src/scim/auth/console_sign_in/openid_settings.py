"""The settings of the operators' OpenID provider, as they are stored in the console's secret."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from scim.settings import split_names


class OpenIdSettings(BaseModel):
    """The JSON document in the secret. Without ``issuer``, operators sign in with the admin password.

    ``client_secret_arn`` names another secret, whose value is ``client_secret``. It is not in the document.

    Users who are in one of ``groups`` and have an email address in one of ``domains`` may sign in. An empty list means
    that the condition does not apply. ``groups_claim`` is the name of the claim that lists the user's groups.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    issuer: str = ""
    client_id: str = ""
    client_secret_arn: str = ""
    client_secret: str = Field(default="", repr=False)
    groups: Annotated[tuple[str, ...], BeforeValidator(split_names)] = ()
    groups_claim: str = "groups"
    domains: Annotated[tuple[str, ...], BeforeValidator(split_names)] = ()

    @model_validator(mode="after")
    def _check_completeness(self) -> Self:
        if self.issuer and not (self.client_id and self.client_secret_arn):
            raise ValueError("An OpenID provider needs a client id and the ARN of a client secret.")
        if self.issuer and not (self.groups or self.domains):
            raise ValueError(
                "An OpenID provider needs allowed groups or domains. Otherwise all its users would be operators."
            )
        return self
