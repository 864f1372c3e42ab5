"""Filters and PATCH requests with scim2-models, the independent reference."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from scim2_models import Context, EnterpriseUser, PatchOp, ScimFilter, ScimPolicy, User
from scim2_models.exceptions import SCIMException

from tests.differential.comparison import Rejection

Model = User[EnterpriseUser]
POLICY = ScimPolicy(  # accepts what this server accepts
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


def parse_user(user: dict[str, Any]) -> Model:
    return Model.model_validate(user, scim_policy=POLICY)


def match(text: str, users: Sequence[Model]) -> list[bool] | Rejection:
    """Return for each user whether a filter matches."""
    try:
        predicate = ScimFilter[Model](text)
        return [predicate.match(user, strict=True) for user in users]
    except SCIMException as error:
        return Rejection(error.scim_type)


def patch(user: Model, operations: Sequence[dict[str, Any]], policy: ScimPolicy = POLICY) -> dict[str, Any] | Rejection:
    """Return the user after the operations."""
    body = {"schemas": [str(PatchOp.__schema__)], "Operations": list(operations)}
    context = Context.RESOURCE_PATCH_REQUEST
    try:
        request = PatchOp[Model].model_validate(body, scim_ctx=context, scim_policy=policy)
        request.patch(user, policy)
    except SCIMException as error:
        return Rejection(error.scim_type)
    except ValidationError as error:
        return Rejection(error.errors()[0].get("ctx", {}).get("scim_type"))
    return user.model_dump()
