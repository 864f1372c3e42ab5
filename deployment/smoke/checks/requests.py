"""Check the SCIM endpoint with the requests of an identity provider. Each write is a real transaction."""

from typing import Any
from urllib.parse import quote

from deployment.smoke.check import CheckFailed
from deployment.smoke.run import SmokeRun
from deployment.smoke.scim_client import ScimResponse

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_BULK_USERS = 10
_PAGE_SIZE = 4


def check_tls(run: SmokeRun) -> str:
    """Check that the certificate is valid for the host. Python's default also requires TLS 1.2 or later."""
    if not run.scim_url.startswith("https://"):
        raise CheckFailed(f"The SCIM URL {run.scim_url} is not an https URL.")
    run.client.send("GET", "/ServiceProviderConfig").require_status(200)
    return run.scim_url


def check_authentication(run: SmokeRun) -> str:
    """Check that only the customer's token is accepted.

    The rejected token has a wrong checksum, so it does not count as a rejected token and notifies no alarm.
    """
    for token in (None, run.tokens[-1][:-4] + ("aaaa" if not run.tokens[-1].endswith("aaaa") else "bbbb")):
        rejected = run.client.with_token(token).send("GET", "/Users?count=1").require_status(401)
        if "bearer" not in rejected.headers.get("www-authenticate", "").lower():
            raise CheckFailed("A response of 401 has no header WWW-Authenticate: Bearer.")
    run.responses["rejected"] = rejected
    run.client.send("GET", "/Users?count=1").require_status(200)
    return "401 without a token and with a wrong one"


def check_discovery(run: SmokeRun) -> str:
    """Check the discovery function, which can read settings but no users."""
    configuration = run.client.with_token(None).send("GET", "/ServiceProviderConfig").require_status(200).json()
    schemas = run.client.send("GET", "/Schemas").require_status(200).json()["totalResults"]
    run.client.send("GET", "/ResourceTypes").require_status(200)
    if not configuration["bulk"]["supported"]:
        raise CheckFailed("/ServiceProviderConfig does not list bulk requests.")
    return f"{schemas} schemas"


def check_create(run: SmokeRun) -> str:
    """Check that a create writes the user, its unique key, index entries, counter and change record together."""
    response = create_user(run, "ada", externalId=f"ada-{run.run_id}", active=True)
    run.responses["create"] = response
    location = f"{run.deployment.scim_url}/Users/{run.users['ada']}"
    if response.headers.get("location") != location:
        raise CheckFailed(f"The header Location is {response.headers.get('location')} instead of {location}.")
    duplicate = {"schemas": [CORE], "userName": run.build_user_name("ada")}
    run.client.send("POST", "/Users", duplicate).require_status(409)
    stored = run.client.send("GET", f"/Users/{run.users['ada']}").require_status(200).json()
    if stored != response.json():
        raise CheckFailed("A GET does not return the user as the create returned it.")
    return "201, then 409 for the same userName"


def check_filters(run: SmokeRun) -> str:
    """Check lookups by the unique key, by an index entry, and by the index ``ByTime``."""
    ada = run.users["ada"]
    filters = (
        f'userName eq "{run.build_user_name("ada")}"',
        f'externalId eq "ada-{run.run_id}"',
        'meta.lastModified gt "2020-01-01T00:00:00Z"',
    )
    for text in filters:

        def find(text: str = text) -> bool | None:  # the index ByTime is eventually consistent
            response = run.client.send("GET", f"/Users?filter={quote(text)}").require_status(200)
            return True if ada in [user["id"] for user in response.json()["Resources"]] else None

        run.wait_for(f"A result of the filter {text.partition(' ')[0]}", find)
    return f"{len(filters)} filters"


def check_patch(run: SmokeRun) -> str:
    """Check that PATCH and PUT change the user, and that ``If-Match`` prevents lost updates."""
    path = f"/Users/{run.users['ada']}"
    before = run.client.send("GET", path).require_status(200)
    body = {"schemas": [_PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    patched = run.client.send("PATCH", path, body).require_status(200)
    if patched.json()["active"] is not False:
        raise CheckFailed("A PATCH did not deactivate the user.")
    tag = {"If-Match": before.headers.get("etag", "")}
    run.client.send("PUT", path, before.json() | {"title": "Analyst"}, tag).require_status(412)
    replaced = run.client.send("PUT", path, patched.json() | {"title": "Analyst"}).require_status(200).json()
    if replaced.get("title") != "Analyst":
        raise CheckFailed("A PUT did not change the title of the user.")
    return "PATCH, PUT, and 412 for an outdated ETag"


def check_bulk(run: SmokeRun) -> str:
    """Check a bulk request, two of whose users refer to each other and are created in one transaction."""
    operations: list[dict[str, Any]] = [_build_bulk_create(run, number) for number in range(_BULK_USERS)]
    for number, other in ((0, 1), (1, 0)):
        operations[number]["data"][ENTERPRISE] = {"manager": {"value": f"bulkId:{other}"}}
    operations.append(
        {"method": "PATCH", "path": "/Users/bulkId:2", "data": {"Operations": [{"op": "remove", "path": "title"}]}}
    )
    response = run.client.send("POST", "/Bulk", {"schemas": [_BULK], "Operations": operations}).require_status(200)
    results = response.json()["Operations"]
    for result in results:
        if not str(result["status"]).startswith("2"):
            raise CheckFailed(f"An operation of a bulk request failed: {result}.")
    for result in results[:_BULK_USERS]:
        run.users[f"bulk-{result['bulkId']}"] = result["location"].rpartition("/")[2]
    run.responses["bulk"] = response
    return f"{len(results)} operations"


def check_pages(run: SmokeRun) -> str:
    """Check that pages by cursor and by ``startIndex`` return each user once."""
    by_cursor: list[str] = []
    cursor, pages = "", 0
    while pages == 0 or cursor:
        page = run.client.send("GET", f"/Users?count={_PAGE_SIZE}&cursor={quote(cursor)}").require_status(200).json()
        by_cursor += [user["id"] for user in page.get("Resources", [])]
        cursor, pages = page.get("nextCursor", ""), pages + 1
    by_index: list[str] = []
    for start in range(1, len(run.users) + 1, _PAGE_SIZE):
        path = f"/Users?startIndex={start}&count={_PAGE_SIZE}"
        by_index += [user["id"] for user in run.client.send("GET", path).require_status(200).json()["Resources"]]
    for kind, ids in (("cursor", by_cursor), ("startIndex", by_index)):
        if sorted(ids) != sorted(run.users.values()):
            raise CheckFailed(f"The pages by {kind} contain {len(ids)} users instead of {len(run.users)}.")
    return f"{pages} pages by cursor"


def check_head(run: SmokeRun) -> str:
    """Check that a HEAD is answered like a GET without the body, and report the ``Content-Length``."""
    path = f"/Users/{run.users['ada']}"
    head = run.client.send("HEAD", path).require_status(200)
    if head.body:
        raise CheckFailed("The response to a HEAD has a body.")
    size = len(run.client.send("GET", path).require_status(200).body)
    return f"Content-Length {head.headers.get('content-length', 'absent')}; the GET has {size} bytes"


def check_encoding(run: SmokeRun) -> str:
    """Check that a body that is not UTF-8 is an error, and that API Gateway does not replace its bytes."""
    body = f'{{"schemas": ["{CORE}"], "userName": "ren\xe9.{run.run_id}@example.com"}}'.encode("iso-8859-1")
    for media_type in ("application/scim+json", "application/json"):
        response = run.client.send("POST", "/Users", body, {"Content-Type": media_type})
        if response.status == 201:
            run.users[f"encoding {media_type}"] = response.json()["id"]
        if response.require_status(400).json().get("scimType") != "invalidSyntax":
            raise CheckFailed(f"{response.request}: the scimType is {response.json().get('scimType')}.")
    return "400 invalidSyntax"


def check_delete(run: SmokeRun) -> str:
    """Check that a deleted user cannot be found."""
    path = f"/Users/{run.users['ada']}"
    run.responses["delete"] = run.client.send("DELETE", path).require_status(204)
    run.responses["not found"] = run.client.send("GET", path).require_status(404)
    return "204, then 404"


def check_console(run: SmokeRun) -> str:
    """Check that the console answers below ``/admin``, also with a slash at the end of the path."""
    for path in ("", "/"):
        response = run.client.with_token(None).send_to(run.console_url + path, headers={"Accept": "text/html"})
        if "json" in response.headers.get("content-type", "") or response.status not in (200, 302, 303, 307, 308):
            raise CheckFailed(f"{response.request}: the response is {response.status}, not a page of the console.")
    return "/admin and /admin/"


def create_user(run: SmokeRun, role: str, **attributes: Any) -> ScimResponse:
    """Create a user of this run, and return the response."""
    name = run.build_user_name(role)
    user = {"schemas": [CORE], "userName": name, "emails": [{"value": name, "primary": True}], **attributes}
    response = run.client.send("POST", "/Users", user).require_status(201)
    run.users[role] = response.json()["id"]
    return response


def _build_bulk_create(run: SmokeRun, number: int) -> dict[str, Any]:
    user = {"schemas": [CORE], "userName": run.build_user_name(f"bulk-{number}"), "title": "Engineer"}
    return {"method": "POST", "path": "/Users", "bulkId": str(number), "data": user}
