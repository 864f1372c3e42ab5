"""Rules that all responses of the service must follow."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.json_matching import find_difference, shorten

if TYPE_CHECKING:
    from pydantic import JsonValue

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def find_violation(
    accept: str, status: int, headers: Mapping[str, str], content: bytes, *, has_index: bool = True
) -> str | None:
    """Return a sentence about the first rule that a response violates, or None.

    Args:
        accept: the request's ``Accept`` header, or "".
        status: the status of the response.
        headers: the headers of the response, with lower-case names.
        content: the body of the response.
        has_index: whether a list has ``startIndex``. A page by cursor has none (RFC 9865 section 2).
    """
    if status in (204, 304):
        return f"a {status} has a body" if content else None
    try:
        body = json.loads(content.decode("utf-8"))
    except ValueError as error:
        return f"the body is not JSON: {error}"
    if not isinstance(body, dict):
        return f"the body is not a JSON object: {shorten(body)}"
    return (
        _check_media_type(accept, headers)
        or (_check_error(status, headers, body) if status >= 400 else None)
        or (_check_created(headers, body) if status == 201 else None)
        or (_check_list(body, has_index=has_index) if body.get("schemas") == [LIST_RESPONSE] else None)
        or next((violation for user in _list_users(body) if (violation := _check_user(user))), None)
        or _check_version(headers, body)
    )


def _check_media_type(accept: str, headers: Mapping[str, str]) -> str | None:
    plain = "application/json" in accept and "application/scim+json" not in accept
    expected = "application/json" if plain else "application/scim+json"
    actual = headers.get("content-type", "")
    return None if actual.split(";")[0] == expected else f"the media type is {actual!r}, not {expected!r}"


def _check_error(status: int, headers: Mapping[str, str], body: dict[str, Any]) -> str | None:
    if status == 401 and "www-authenticate" not in headers:
        return "a 401 has no WWW-Authenticate"
    return find_difference({"schemas": [ERROR], "status": str(status), "detail": {"$regex": "."}}, body)


def _check_created(headers: Mapping[str, str], body: dict[str, Any]) -> str | None:
    return find_difference({"id": {"$type": "string"}, "meta": {"location": headers.get("location")}}, body)


def _check_list(body: dict[str, Any], *, has_index: bool) -> str | None:
    integer: JsonValue = {"$type": "integer"}
    shape: dict[str, JsonValue] = {"totalResults": integer, "Resources": {"$type": "array"}}
    if has_index:
        shape["startIndex"] = integer
    return find_difference(shape, body) or find_difference({"itemsPerPage": len(body["Resources"])}, body)


def _list_users(body: dict[str, Any]) -> list[dict[str, Any]]:
    resources = body["Resources"] if body.get("schemas") == [LIST_RESPONSE] else [body]
    return [resource for resource in resources if CORE_USER in resource.get("schemas", [])]


def _check_user(user: dict[str, Any]) -> str | None:
    if "password" in {name.lower() for name in user}:
        return "the response contains a password"
    location: JsonValue = {"$regex": f"/scim/v2/Users/{user.get('id')}$"}
    meta: JsonValue = {"resourceType": "User", "location": location} if "meta" in user else {"$any": True}
    return find_difference({"id": {"$type": "string"}}, user) or find_difference(meta, user.get("meta"), "/meta")


def _check_version(headers: Mapping[str, str], body: dict[str, Any]) -> str | None:
    version = body.get("meta", {}).get("version")
    if version is None or headers.get("etag", version) == version:
        return None
    return f"the ETag {headers['etag']!r} is not meta.version {version!r}"
