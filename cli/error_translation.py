"""Translate the errors of use cases and of AWS to the errors of commands."""

from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from cli.deployment import StackNotFound
from cli.errors import LIST_TENANTS, CommandError, ConflictError, InvalidInputError, NotFoundError
from local.errors import LocalRunError
from scim.auth.errors import MalformedSecret
from scim.auth.master_key.rotation import MasterKeyConflict
from scim.aws.errors import AwsError
from scim.protocol.errors import ScimError
from scim.service.maintenance.tasks import TaskConflict
from scim.service.model.stored_resource import UnreadableResource
from scim.service.tenants.errors import (
    PreviousTokenValid,
    TenantConnected,
    TenantError,
    TenantExists,
    TenantPurging,
    TenantReserved,
    UnknownSchema,
    UnknownTenant,
)

_NOT_FOUND = (UnknownSchema, StackNotFound)
_CONFLICTS = (
    TenantExists,
    TenantConnected,
    TenantPurging,
    TenantReserved,
    PreviousTokenValid,
    MasterKeyConflict,
    TaskConflict,
)


def translate_error(error: Exception) -> CommandError | None:
    """Return the error of the command for an expected error, ``None`` for a bug, which needs its traceback."""
    if isinstance(error, UnknownTenant):
        return NotFoundError(f"{error} {LIST_TENANTS}")
    if isinstance(error, _NOT_FOUND):
        return NotFoundError(str(error))
    if isinstance(error, _CONFLICTS):
        return ConflictError(str(error))
    if isinstance(error, NoRegionError):
        return CommandError("No AWS region is set. Add --region REGION.")
    if isinstance(error, LocalRunError):
        message = str(error)
        return CommandError(f"{message[0].upper()}{message[1:]}.")
    if isinstance(error, (TenantError, MalformedSecret, UnreadableResource, AwsError, ClientError, BotoCoreError)):
        return CommandError(str(error))
    if isinstance(error, ScimError):
        return CommandError(f"{error} ({error.__cause__})" if error.__cause__ else str(error))
    return InvalidInputError(str(error)) if isinstance(error, ValueError) else None
