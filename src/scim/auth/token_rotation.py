"""Rotate a tenant's token when Secrets Manager starts the rotation: four steps, which Secrets Manager may repeat.

Source: AWS Secrets Manager user guide, "Rotation by Lambda function".
"""

from __future__ import annotations

from dataclasses import dataclass

from scim.auth import token_format
from scim.auth.token_store import SecretsManagerTokenStore
from scim.service.tenants.tenant_service import TenantService


class RotationFailed(Exception):
    """A step failed. Secrets Manager repeats it, and logs the message in CloudTrail."""


@dataclass(frozen=True, slots=True)
class TokenRotation:
    """Runs the steps of a rotation. Secrets Manager invokes the function once for each step."""

    tenant_service: TenantService
    token_store: SecretsManagerTokenStore

    def run_step(self, step: str, secret_id: str, version_id: str) -> None:
        """Run one step for a version of a secret. ``secret_id`` is the ARN of the secret.

        Raise :class:`RotationFailed`, ``ValueError`` if the secret does not belong to a tenant, and the errors of
        :class:`scim.service.tenants.token_service.TokenService`.
        """
        tenant_id = self.token_store.resolve_tenant_id(secret_id)
        match step:
            case "createSecret":
                self.tenant_service.tokens.create_pending(tenant_id, version_id)
            case "setSecret":
                pass  # nothing to set automatically: the IT admin pastes the token into the identity provider
            case "testSecret":
                self._test_version(tenant_id, version_id)
            case "finishSecret":
                self.tenant_service.tokens.promote_pending(tenant_id, version_id)
            case _:
                raise RotationFailed(f"Unknown rotation step: {step}.")

    def _test_version(self, tenant_id: str, version_id: str) -> None:
        stored = self.token_store.read(tenant_id, version_id)
        token = token_format.parse_token(stored.token) if stored else None
        if token is None or not self.token_store.is_genuine(token) or token.tenant_id != tenant_id:
            raise RotationFailed(f"The new version of the secret contains no token of {tenant_id}.")
