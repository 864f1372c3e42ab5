"""The settings of alerts, as they are stored in a secret of the stack."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from scim.settings import split_names


class AlertSettings(BaseModel):
    """The JSON document in the secret.

    ``topics`` are the ARNs of SNS topics. ``webhook_secret_arn`` names a secret whose value is the URL of a
    webhook, empty for no webhook. ``scim_url`` is the SCIM URL, from
    which links to the console are built; empty for that of the settings.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    topics: Annotated[tuple[str, ...], BeforeValidator(split_names)] = ()
    webhook_secret_arn: str = ""
    scim_url: str = ""
