"""Describe errors of AWS for operators: what is wrong, and the next step."""

import re

from botocore.exceptions import BotoCoreError, ConfigParseError, InvalidRegionError, NoRegionError, ProfileNotFound

from scim.aws.errors import THROTTLING_CODES, AwsError, ErrorResponse, NoResponse

_CHOOSE_CREDENTIALS = (
    "Select a profile with --profile NAME, set AWS_PROFILE, or sign in (aws sso login, or aws configure)."
)
_SIGN_IN = (
    "Your AWS session has ended. Sign in again (for example: aws sso login --profile NAME) and repeat the command."
)
_PERMISSIONS = (
    'Ask for this permission (docs/operate/commands.md, "Permissions"), or use another identity: --profile NAME.'
)
_EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_INVALID_CODES = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_SESSION_ENDED = frozenset(
    {"TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError", "LoginRefreshRequired"}
)
"""The exceptions of botocore for a session of AWS IAM Identity Center or ``aws login`` that must be renewed."""


def describe_aws_error(error: AwsError) -> str:
    """Return in sentences why a call to AWS failed, and what to do."""
    if isinstance(error, ErrorResponse):
        return _describe_response(error)
    if isinstance(error, NoResponse):
        return _describe_missing_response(error)
    if error.code in ("NoCredentialsError", "PartialCredentialsError"):
        return f"There are no AWS credentials. {_CHOOSE_CREDENTIALS}"
    if error.code in _SESSION_ENDED:
        return _SIGN_IN
    if error.code == "NoRegionError":
        return describe_session_error(NoRegionError())
    return f"{error}. Check your AWS configuration: aws sts get-caller-identity"


def _describe_response(error: ErrorResponse) -> str:
    if error.code in _EXPIRED_CODES:
        return _SIGN_IN
    if error.code in _INVALID_CODES:
        return f"AWS does not accept your credentials ({error.code}). {_CHOOSE_CREDENTIALS}"
    if error.code in DENIED_CODES:
        return f"Your AWS identity lacks the permission {find_denied_action(error)}. {_PERMISSIONS}"
    if error.code in THROTTLING_CODES:
        return f"AWS throttles {error.operation} ({error.code}). Repeat the command in a minute."
    if error.status >= 500:
        return f"AWS could not answer {error.operation} ({error.code}). Repeat the command in a minute."
    if error.code == "ResourceNotFoundException":
        return (
            f"{error.operation} did not find what the stack's outputs name: {error.message} "
            "Is it deleted, or is the region wrong (--region)?"
        )
    return str(error)


def find_denied_action(error: AwsError) -> str:
    """Return the IAM action that is missing, and its resource if AWS names them; else the operation."""
    match = re.search(r"not authorized to perform: ([\w-]+:\w+)(?: on (?:the )?resource: (\S+))?", error.message)
    if match is None:
        return error.operation
    return f"{match[1]} on {match[2]}" if match[2] else match[1]


def _describe_missing_response(error: NoResponse) -> str:
    if "127.0.0.1" in error.message:
        return (
            f"The local run does not answer ({error.code}). Look at its terminal for errors, and restart it: make run"
        )
    match = re.search(r"https://[\w.-]+", error.message)
    host = match[0].removeprefix("https://") if match else "AWS"
    return (
        f"{host} did not answer {error.operation} ({error.code}). Check the network, the proxy and --region, "
        "and repeat the command."
    )


def describe_session_error(error: BotoCoreError) -> str:
    """Return in sentences why no client could be created, and what to do."""
    if isinstance(error, NoRegionError):
        return "No AWS region is set. Add --region REGION, or set AWS_REGION."
    if isinstance(error, ProfileNotFound):
        return f"{error}. To list the profiles: aws configure list-profiles"
    if isinstance(error, InvalidRegionError):
        return f"{error} Check --region and AWS_REGION."
    if isinstance(error, ConfigParseError):
        return f"{error} Correct the file, or set AWS_CONFIG_FILE."
    return f"{error} Check your AWS configuration: aws sts get-caller-identity"
