"""Secrets Manager's own rotation of a tenant's token: four steps, each of which may come again.

Source: AWS Secrets Manager user guide, "Rotation by Lambda function".
"""

from __future__ import annotations

from dataclasses import dataclass

from scim.auth import tokens
from scim.auth.token_secrets import TokenSecrets
from scim.service.tenants.tenants import Tenants


class RotationFailed(Exception):
    """A step can't be done. Secrets Manager tries again, and shows the message in CloudTrail."""


@dataclass(frozen=True, slots=True)
class TokenRotation:
    tenants: Tenants
    secrets: TokenSecrets

    def step(self, step: str, secret_id: str, version: str) -> None:
        """Do a step for a version of the secret with this ARN. Raises what keeps it from being done."""
        tenant_id = self.secrets.tenant_of(secret_id)
        match step:
            case "createSecret":
                self.tenants.tokens.create_pending(tenant_id, version)
            case "setSecret":
                pass  # nothing has the token but this secret and the identity provider, where a person enters it
            case "testSecret":
                self._test(tenant_id, version)
            case "finishSecret":
                self.tenants.tokens.promote_rotation(tenant_id, version)
            case _:
                raise RotationFailed(f"There is no step {step} in a rotation.")

    def _test(self, tenant_id: str, version: str) -> None:
        found = self.secrets.read(tenant_id, version)
        token = tokens.parse(found.token) if found else None
        if token is None or not self.secrets.is_own(token) or token.tenant != tenant_id:
            raise RotationFailed(f"The new version holds no token of {tenant_id}.")
