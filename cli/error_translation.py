"""Translate the errors of use cases and of AWS to the errors of commands."""

from botocore.exceptions import BotoCoreError

from cli.aws_errors import describe_aws_error, describe_session_error
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
    if (aws_error := _find_aws_error(error)) is not None:
        return CommandError(describe_aws_error(aws_error))
    if isinstance(error, BotoCoreError):
        return CommandError(describe_session_error(error))
    if isinstance(error, LocalRunError):
        message = str(error)
        return CommandError(f"{message[0].upper()}{message[1:]}.")
    if isinstance(error, (TenantError, MalformedSecret, UnreadableResource)):
        return CommandError(str(error))
    if isinstance(error, ScimError):
        return CommandError(f"{error} ({error.__cause__})" if error.__cause__ else str(error))
    return InvalidInputError(str(error)) if isinstance(error, ValueError) else None


def _find_aws_error(error: BaseException) -> AwsError | None:
    """Return the error of AWS that caused an error. A store hides it behind an error of the protocol."""
    if isinstance(error, AwsError):
        return error
    return _find_aws_error(error.__cause__) if isinstance(error, ScimError) and error.__cause__ else None
