"""Users over HTTP: RFC 7644, sections 3.3 to 3.6, 3.9 and 3.14."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from scim.store.resources import MAX_DOCUMENT_BYTES
from tests.endpoint import BASE_URL, CORE, ENTERPRISE, SURVEY, Endpoint, without_rate_limit
from tests.handlers.conftest import Log

Items = Callable[[], list[dict[str, Any]]]

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
MINIMAL = {"prefer": "return=minimal"}
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def build_replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


class TestCreate:
    def test_create_returns_201_location_and_etag(self, scim: Endpoint) -> None:
        response = scim.request("POST", "/Users", {"schemas": [CORE], "userName": "alice"})
        user = response.json()

        assert response.status == 201
        assert without_rate_limit(response.headers) == {
            "content-type": "application/scim+json",
            "location": f"{BASE_URL}/Users/{user['id']}",
            "etag": 'W/"1"',
        }
        assert user == {
            "schemas": [CORE],
            "id": user["id"],
            "userName": "alice",
            "active": True,
            "meta": {
                "resourceType": "User",
                "created": user["meta"]["created"],
                "lastModified": user["meta"]["created"],
                "location": f"{BASE_URL}/Users/{user['id']}",
                "version": 'W/"1"',
            },
        }
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", user["id"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", user["meta"]["created"])

    def test_get_returns_the_created_user(self, scim: Endpoint) -> None:
        user = scim.create(
            userName="Zoë@Example.com",
            name={"givenName": "Zoë", "familyName": "Ünal"},
            emails=[{"value": "zoe@example.com", "type": "work", "primary": True}],
            **{ENTERPRISE: {"department": "Küche"}, SURVEY: {"Business Unit": "Sales EMEA", "Contract Level": 3}},
        )

        response = scim.request("GET", f"/Users/{user['id']}")

        assert (response.status, response.headers["etag"], response.json()) == (200, 'W/"1"', user)
        assert user["userName"] == "Zoë@Example.com"
        assert user[SURVEY] == {"Business Unit": "Sales EMEA", "Contract Level": 3}
        assert user["schemas"] == [CORE, ENTERPRISE, SURVEY]

    def test_omitted_active_is_true_for_filters_too(self, scim: Endpoint) -> None:
        user = scim.create()

        assert scim.request("GET", "/Users?filter=active+eq+true").json()["Resources"] == [user]
        assert scim.request("GET", "/Users?filter=active+eq+false").json()["Resources"] == []

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
    def test_password_is_neither_stored_nor_returned(self, scim: Endpoint, items: Items, method: str) -> None:
        before = scim.create(userName="alice")
        body = {"schemas": [CORE], "userName": "alice", "password": "correct horse", "title": "Chef"}
        response = {
            "POST": lambda: scim.request("POST", "/Users", body | {"userName": "bob"}),
            "PUT": lambda: scim.request("PUT", f"/Users/{before['id']}", body),
            "PATCH": lambda: scim.patch(
                before["id"], build_replace("password", "correct horse"), build_replace("title", "Chef")
            ),
        }[method]()

        assert response.status in (200, 201)
        assert "password" not in response.json()
        assert response.json()["title"] == "Chef"
        assert "correct horse" not in str(items())

    def test_password_must_be_a_string(self, scim: Endpoint) -> None:
        response = scim.request("POST", "/Users", {"schemas": [CORE], "userName": "alice", "password": 7})

        assert (response.status, response.json()["scimType"]) == (400, "invalidValue")

    def test_duplicate_user_name_is_409_in_any_case(self, scim: Endpoint) -> None:
        scim.create(userName="alice@example.com", active=False)

        response = scim.request("POST", "/Users", {"schemas": [CORE], "userName": "ALICE@example.com"})

        assert (response.status, response.json()["scimType"]) == (409, "uniqueness")
        assert "alice" not in response.json()["detail"].lower()

    def test_document_is_stored_without_meta(self, scim: Endpoint, items: Items) -> None:
        user = scim.create(userName="alice")
        (item,) = [item for item in items() if item["sk"] == f"U#{user['id']}"]

        assert json.loads(item["doc"]) == {name: value for name, value in user.items() if name != "meta"}


class TestPut:
    @pytest.mark.parametrize("active", [True, False])
    def test_put_without_active_keeps_it(self, scim: Endpoint, active: bool) -> None:
        user = scim.create(userName="alice", active=active, nickName="Al")

        response = scim.request(
            "PUT", f"/Users/{user['id']}", {"schemas": [CORE], "userName": "alice", "title": "Chef"}
        )

        assert response.status == 200
        assert response.json()["active"] is active
        assert response.json()["title"] == "Chef"
        assert "nickName" not in response.json()

    def test_put_of_unchanged_user_writes_nothing(self, scim: Endpoint, items: Items) -> None:
        user = scim.create(userName="alice", emails=[{"value": "a@example.com", "primary": True}])
        before = items()

        response = scim.request("PUT", f"/Users/{user['id']}", user | {"groups": [{"value": "7"}]})

        assert (response.status, response.json(), items()) == (200, user, before)

    @pytest.mark.parametrize("character", ["x", "/", '"', "\u00e9", "\u4e00", "\U0001f600"])
    def test_put_accepts_the_largest_user_that_get_shows(self, scim: Endpoint, items: Items, character: str) -> None:
        """``json.dumps`` escapes all characters outside of ASCII, so it can send three times as many bytes."""
        encoded_bytes = len(json.dumps(character, ensure_ascii=False).encode()) - 2
        length = (MAX_DOCUMENT_BYTES // 200 - 40) // encoded_bytes
        user = scim.create(roles=[{"value": str(number), "display": character * length} for number in range(200)])
        before = items()
        assert max(len(str(item.get("doc")).encode()) for item in before) > MAX_DOCUMENT_BYTES * 0.97
        shown = scim.request("GET", f"/Users/{user['id']}").json()

        response = scim.request("PUT", f"/Users/{user['id']}", shown)

        assert (response.status, items()) == (200, before)

    def test_put_ignores_read_only_attributes(self, scim: Endpoint) -> None:
        user = scim.create(userName="alice")
        body = {
            "schemas": [CORE],
            "id": UNKNOWN_ID,
            "userName": "alice",
            "displayName": "Alice",
            "meta": {"location": "Users/7", "created": "1999-12-31T23:59:59Z", "version": 'W/"99"'},
            "groups": [{"value": "7"}],
        }

        replaced = scim.request("PUT", f"/Users/{user['id']}", body).json()

        assert replaced["id"] == user["id"]
        assert replaced["meta"] == user["meta"] | {"lastModified": replaced["meta"]["lastModified"], "version": 'W/"2"'}
        assert "groups" not in replaced


class TestPatch:
    def test_patch_returns_the_user(self, scim: Endpoint) -> None:
        user = scim.create(userName="alice")

        response = scim.patch(
            user["id"], build_replace("displayName", "Alice"), build_replace(f"{SURVEY}:Business Unit", "Sales")
        )

        assert (response.status, response.headers["etag"]) == (200, 'W/"2"')
        assert response.json() == scim.request("GET", f"/Users/{user['id']}").json()
        assert (response.json()["displayName"], response.json()[SURVEY]) == ("Alice", {"Business Unit": "Sales"})

    @pytest.mark.parametrize(
        "prefer",
        [
            "return=minimal",
            "Return=Minimal",
            'return="minimal"',
            "return = minimal",
            "respond-async, return=minimal; foo=bar",
        ],
    )
    def test_patch_with_return_minimal_is_204(self, scim: Endpoint, prefer: str) -> None:
        user = scim.create()

        response = scim.patch(user["id"], build_replace("displayName", "Alice"), prefer=prefer)

        assert (response.status, response.body) == (204, b"")
        assert without_rate_limit(response.headers) == {"etag": 'W/"2"', "preference-applied": "return=minimal"}
        assert scim.request("GET", f"/Users/{user['id']}").json()["displayName"] == "Alice"

    @pytest.mark.parametrize(
        "prefer",
        ["return=representation", "respond-async", "return=minimal-x", 'return="minimal', "x-return=minimal", ""],
    )
    def test_patch_with_other_preference_returns_the_user(self, scim: Endpoint, prefer: str) -> None:
        assert scim.patch(scim.create()["id"], build_replace("title", "Chef"), prefer=prefer).status == 200

    @pytest.mark.parametrize("query", ["attributes=title", "Attributes=title", "excludedAttributes=displayName,meta"])
    def test_patch_that_selects_attributes_returns_the_user(self, scim: Endpoint, query: str) -> None:
        """A client that selects attributes gets them, whatever it prefers (RFC 7644 section 3.5.2)."""
        user = scim.create(title="Cook", displayName="Alice")
        body = {"schemas": [PATCH_OP], "Operations": [build_replace("title", "Chef")]}

        response = scim.request("PATCH", f"/Users/{user['id']}?{query}", body, **MINIMAL)

        assert (response.status, response.json()["title"], response.headers["etag"]) == (200, "Chef", 'W/"2"')
        assert "displayName" not in response.json()
        assert "preference-applied" not in response.headers

    def test_blank_attributes_select_nothing(self, scim: Endpoint) -> None:
        body = {"schemas": [PATCH_OP], "Operations": [build_replace("title", "Chef")]}

        assert scim.request("PATCH", f"/Users/{scim.create()['id']}?attributes=", body, **MINIMAL).status == 204

    @pytest.mark.parametrize("query", ["", "?attributes=userName"])
    def test_post_and_put_return_the_user_whatever_the_client_prefers(self, scim: Endpoint, query: str) -> None:
        body = {"schemas": [CORE], "userName": "alice"}
        created = scim.request("POST", f"/Users{query}", body, **MINIMAL)
        replaced = scim.request("PUT", f"/Users/{created.json()['id']}{query}", body, **MINIMAL)

        assert (created.status, replaced.status) == (201, 200)
        assert (created.json()["userName"], replaced.json()["userName"]) == ("alice", "alice")

    def test_patch_without_change_keeps_the_version(self, scim: Endpoint, items: Items) -> None:
        user = scim.create(displayName="Alice")
        before = items()

        response = scim.patch(user["id"], build_replace("displayName", "Alice"))

        assert (response.status, response.json(), items()) == (200, user, before)

    def test_user_is_deactivated_and_activated_again(self, scim: Endpoint) -> None:
        user = scim.create()

        states = [scim.patch(user["id"], build_replace("active", value)).json()["active"] for value in (False, True)]

        assert states == [False, True]


class TestDelete:
    def test_delete_frees_the_user_name(self, scim: Endpoint) -> None:
        user = scim.create(userName="alice")
        path = f"/Users/{user['id']}"

        deleted = scim.request("DELETE", path)

        assert (deleted.status, deleted.body) == (204, b"")
        assert [scim.request(method, path).status for method in ("GET", "DELETE")] == [404, 404]
        assert scim.create(userName="alice")["id"] != user["id"]


class TestUnknownUser:
    @pytest.mark.parametrize(
        "user_id", [UNKNOWN_ID, "7", "a@example.com", "U#7", "..", "%2e%2e", "%00", "x" * 2_000, "ä"]
    )
    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_unknown_id_is_404(self, scim: Endpoint, method: str, user_id: str) -> None:
        body = {
            "PUT": {"schemas": [CORE], "userName": "alice"},
            "PATCH": {
                "schemas": [PATCH_OP],
                "Operations": [build_replace("title", "Chef")],
            },
        }

        response = scim.request(method, f"/Users/{user_id}", body.get(method))

        assert (response.status, response.json()["status"]) == (404, "404")


def project(user: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: user[name] for name in user if name in ("schemas", "id", *names)}


class TestProjection:
    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("attributes=userName", ["userName"]),
            ("attributes=USERNAME,displayname", ["userName", "displayName"]),
            ("attributes=meta", ["meta"]),
            (f"attributes={CORE}:userName", ["userName"]),
            (f"attributes={ENTERPRISE}", [ENTERPRISE]),
            ("attributes=nothingKnown", []),
            ("excludedAttributes=userName,displayName,emails,meta", ["active", ENTERPRISE]),
            ("excludedAttributes=id,schemas,meta,emails", ["userName", "displayName", "active", ENTERPRISE]),
            (f"excludedAttributes={ENTERPRISE},meta,emails", ["userName", "displayName", "active"]),
        ],
    )
    def test_projection_of_get_post_put_and_patch(self, scim: Endpoint, query: str, names: list[str]) -> None:
        attributes = {
            "schemas": [CORE, ENTERPRISE],
            "userName": "alice",
            "displayName": "Alice",
            "emails": [{"value": "a@example.com", "type": "work"}],
            ENTERPRISE: {"department": "Kitchen"},
        }

        created = scim.request("POST", f"/Users?{query}", attributes).json()
        path = f"/Users/{created['id']}"
        user = scim.request("GET", path).json()

        assert created == project(user, *names)
        assert scim.request("GET", f"{path}?{query}").json() == created
        assert scim.request("PUT", f"{path}?{query}", attributes).json() == created
        body = {
            "schemas": [PATCH_OP],
            "Operations": [build_replace("active", True)],
        }
        assert scim.request("PATCH", f"{path}?{query}", body).json() == created

    def test_projection_of_a_sub_attribute(self, scim: Endpoint) -> None:
        user = scim.create(emails=[{"value": "a@example.com", "type": "work", "primary": True}])
        path = f"/Users/{user['id']}"

        assert scim.request("GET", f"{path}?attributes=emails.value").json()["emails"] == [{"value": "a@example.com"}]
        assert scim.request("GET", f"{path}?excludedAttributes=emails.value").json()["emails"] == [
            {"type": "work", "primary": True}
        ]


class TestVersions:
    def test_user_response_has_its_version(self, scim: Endpoint) -> None:
        user = scim.create(userName="alice")
        path = f"/Users/{user['id']}"
        responses = [
            scim.request("PUT", path, {"schemas": [CORE], "userName": "alice", "title": "Chef"}),
            scim.patch(user["id"], build_replace("title", "Cook")),
            scim.request("GET", path),
        ]

        assert [(response.headers["etag"], response.json()["meta"]["version"]) for response in responses] == [
            ('W/"2"', 'W/"2"'),
            ('W/"3"', 'W/"3"'),
            ('W/"3"', 'W/"3"'),
        ]

    @pytest.mark.parametrize("tags", ['W/"1"', '"1"', "*", '"7", W/"1"'])
    def test_get_of_known_version_is_304(self, scim: Endpoint, tags: str) -> None:
        user = scim.create()

        response = scim.request("GET", f"/Users/{user['id']}", if_none_match=tags)

        assert (response.status, response.body) == (304, b"")
        assert without_rate_limit(response.headers) == {"etag": 'W/"1"'}

    @pytest.mark.parametrize("tags", ['W/"2"', '"7", W/"8"'])
    def test_get_of_other_version_is_200(self, scim: Endpoint, tags: str) -> None:
        user = scim.create()

        response = scim.request("GET", f"/Users/{user['id']}", if_none_match=tags)

        assert (response.status, response.json()) == (200, user)

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"if_match": 'W/"2"'}, 200),
            ({"if_match": '"2"'}, 200),
            ({"if_match": "*"}, 200),
            ({"if_match": '"7", W/"2"'}, 200),
            ({"if_match": 'W/"1"'}, 412),
            ({"if_match": '"1", W/"3"'}, 412),
            ({"if_none_match": "*"}, 412),
            ({"if_none_match": 'W/"2"'}, 412),
            ({"if_none_match": 'W/"1"'}, 200),
            ({"if_match": "2"}, 400),
            ({"if_none_match": "2"}, 400),
        ],
    )
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_write_needs_matching_precondition(
        self, scim: Endpoint, items: Items, method: str, headers: dict[str, str], status: int
    ) -> None:
        user = scim.create(userName="alice")
        scim.patch(user["id"], build_replace("title", "Cook"))
        before = items()

        path = f"/Users/{user['id']}"
        response = {
            "PUT": lambda: scim.request(
                "PUT", path, {"schemas": [CORE], "userName": "alice", "title": "Chef"}, **headers
            ),
            "PATCH": lambda: scim.patch(user["id"], build_replace("title", "Chef"), **headers),
            "DELETE": lambda: scim.request("DELETE", path, **headers),
        }[method]()

        assert response.status == (204 if (method, status) == ("DELETE", 200) else status)
        assert (items() == before) is (status != 200)

    def test_get_accepts_if_match(self, scim: Endpoint) -> None:
        path = f"/Users/{scim.create()['id']}"

        assert [scim.request("GET", path, if_match=tags).status for tags in ('W/"1"', 'W/"2"')] == [200, 412]

    def test_create_checks_preconditions(self, scim: Endpoint, items: Items) -> None:
        body = {"schemas": [CORE], "userName": "alice"}

        before = items()

        assert scim.request("POST", "/Users", body, if_match="*").status == 412
        assert items() == before
        assert scim.request("POST", "/Users", body, if_none_match="*").status == 201


class TestCost:
    def test_requests_make_few_dynamodb_calls(self, scim: Endpoint, log: Log) -> None:
        calls = {}

        def count(name: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
            response = scim.request(method, path, body, **headers)
            calls[name] = log.last["dynamodb_calls"]
            return response

        user = {"schemas": [CORE], "userName": "alice"}
        patched = {
            "schemas": [PATCH_OP],
            "Operations": [build_replace("title", "Cook")],
        }
        path = f"/Users/{count('create', 'POST', '/Users', user).json()['id']}"
        count("get", "GET", path)
        count("replace", "PUT", path, user | {"title": "Chef"})
        count("patch", "PATCH", path, patched)
        count("patch without change", "PATCH", path, patched)
        count(
            "patch with If-Match",
            "PATCH",
            path,
            patched | {"Operations": [build_replace("title", "Chef")]},
            if_match='"3"',
        )
        count("delete", "DELETE", path)
        count("get a deleted user", "GET", path)
        count("get an invalid id", "GET", "/Users/7")

        assert calls == {
            "create": 1,
            "get": 1,
            "replace": 2,
            "patch": 2,
            "patch without change": 1,
            "patch with If-Match": 2,
            "delete": 2,
            "get a deleted user": 1,
            "get an invalid id": 0,
        }

    def test_duplicate_costs_one_call(self, scim: Endpoint, items: Items, log: Log) -> None:
        scim.create(userName="alice")
        before = items()

        scim.request("POST", "/Users", {"schemas": [CORE], "userName": "Alice"})

        assert (log.last["dynamodb_calls"], items()) == (1, before)
