"""What operators and IT admins do in the console, and what its pages show."""

import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from handlers.console.rendering import format_time
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.tenant import Tenant
from scim.service.tenants.overview import OVERVIEW_TIMEOUT_S
from scim.service.tenants.tenant_service import TenantService
from scim.store import keys
from scim.wiring.runtime import new_id
from tests.endpoint import CORE, Endpoint
from tests.fake_clock import FakeClock
from tests.handlers.console.visitor import Page, Visitor
from tests.throttling import throttle_tenant
from tests.tokens import new_token


def test_from_sign_in_to_first_user(table: object) -> None:
    operator = Visitor()
    page = operator.sign_in()
    assert page.status == 200, page.text
    page = operator.submit(page, page.form("/admin"), tenant="story-1")
    assert page.url == "/admin/tenants/story-1/connect"
    assert page.value("scim-url") == "https://scim.example.com/scim/v2"
    page = operator.get("/admin/tenants/story-1/token")
    page = operator.submit(page, page.form("/token"))
    endpoint = Endpoint(page.value("token"))
    user = endpoint.create(userName="ada@example.com", displayName="Ada Lovelace")
    for path in (
        "",
        "/connect",
        "/connect/okta",
        "/token",
        "/access",
        "/settings",
        "/log",
        "/users",
        "/users?search=ada@example.com",
        f"/users/{user['id']}",
        "/users?state=active",
    ):
        page = operator.get(f"/admin/tenants/story-1{path}")
        assert page.status == 200, (path, page.text)
    page = operator.get("/admin/tenants/story-1/users.csv")
    assert "ada@example.com" in page.text


def test_timeline_of_unprovisioned_person_has_remediation(
    operator_visitor: Visitor, tenant: tuple[str, Endpoint]
) -> None:
    name, scim = tenant
    body = {"schemas": [CORE], "userName": "grace@example.com", "active": "perhaps"}
    assert scim.request("POST", "/Users", body).status == 400
    for path in ("/log", "/log?status=failures", "/users?search=grace@example.com"):
        page = operator_visitor.get(f"/admin/tenants/{name}{path}")
        assert ">Failed: 400</span>" in page.text
        assert "What to change:" in page.text
        assert "grace@example.com" in page.text
    status = operator_visitor.get(f"/admin/tenants/{name}")
    assert "1 (at most 100% of all writes)" in status.text


@pytest.mark.parametrize("name", ["Alan Turing", "turing", "ALAN"])
def test_unprovisioned_person_is_found_by_name(
    name: str, operator_visitor: Visitor, tenant: tuple[str, Endpoint]
) -> None:
    acme, scim = tenant
    body = {"schemas": [CORE], "userName": "alan@example.com", "displayName": "Alan Turing", "active": "perhaps"}
    assert scim.request("POST", "/Users", body).status == 400

    page = operator_visitor.get(f"/admin/tenants/{acme}/users?search={quote(name)}")

    assert "No such user exists now." in page.text
    assert "A create request failed with 400" in page.text


def test_former_name_leads_to_the_user(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    user = scim.create(userName="ada@example.com")
    scim.patch(user["id"], {"op": "replace", "path": "userName", "value": "augusta@example.com"})

    page = operator_visitor.get(f"/admin/tenants/{name}/users?search=ada@example.com")

    link = f"/admin/tenants/{name}/users/{user['id']}"
    assert link in page.links
    assert f'ada@example.com is now <a href="{link}">augusta@example.com</a>, active.' in page.text
    assert "ada@example.com was renamed to augusta@example.com, active." in page.text
    assert operator_visitor.get(link).status == 200


def test_unidentified_request_is_shown(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    assert scim.request("POST", "/Users", {"schemas": [CORE]}).status == 400

    page = operator_visitor.get(f"/admin/tenants/{name}/users?search=ada@example.com")

    assert "A request that names no user failed at " in page.text
    assert "(no user)" in operator_visitor.get(f"/admin/tenants/{name}/log").text


def test_wrong_scim_url_is_shown_in_the_log(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    assert scim.request("POST", "/Users/Users", {"schemas": [CORE], "userName": "ada"}).status == 404
    page = operator_visitor.get(f"/admin/tenants/{name}/log")
    assert "The SCIM URL in the identity provider is wrong" in page.text
    assert "which ends in /scim/v2" in page.text


def test_wrong_scim_url_is_on_status_and_list(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    test = "/Users/Users?filter=userName+eq+%22ada%22"
    assert scim.request("GET", test, user_agent="Okta SCIM Client 1.0.0").status == 404

    assert "The SCIM URL in Okta is wrong" in operator_visitor.get(f"/admin/tenants/{name}").text
    assert ">wrong SCIM URL</span></td>" in find_row(operator_visitor.get(f"/admin?after={name[:-1]}"), name)

    scim.request("GET", test.removeprefix("/Users"))
    assert "The SCIM URL in Okta is wrong" not in operator_visitor.get(f"/admin/tenants/{name}").text
    assert ">healthy</span></td>" in find_row(operator_visitor.get(f"/admin?after={name[:-1]}"), name)


def test_people_with_the_same_name_are_listed(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    for number in (1, 2):
        scim.create(userName=f"ada-{number}", displayName="Ada Lovelace")
    body = {"schemas": [CORE], "userName": "ada&3", "displayName": "Ada Lovelace", "active": "perhaps"}
    assert scim.request("POST", "/Users", body).status == 400

    page = operator_visitor.get(f"/admin/tenants/{name}/users?search=lovelace")

    assert "Several people match &#34;lovelace&#34;." in page.text
    assert all(f">ada-{number}</a>" in page.text for number in (1, 2))
    (candidate,) = (link for link in page.links if link.startswith("?search="))
    assert "A create request failed with 400" in operator_visitor.get(f"/admin/tenants/{name}/users{candidate}").text


def test_unknown_name_is_reported(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/users?search=Grace+Hopper")
    assert "No person with the name &#34;Grace Hopper&#34; was found" in page.text
    assert "No request with a valid token" in page.text


@pytest.mark.parametrize(
    "position",
    [
        "random",
        "5",
        "null",
        "[" * 3_000,
        "\n\n",
        "a\nb\nc",
        "2026-01-31\nT#x\nC#1",
        "\xff",
        f"2026-01-31T09:30:00.000Z\nT#x\nC#{'9' * 1_100}",
        f"2026-01-31T09:30:00.000Z\nT#{'x' * 1_100}\nC#1",
    ],
)
def test_malformed_log_position_is_400(
    position: str, operator_visitor: Visitor, tenant: tuple[str, Endpoint], read_log: Callable[[], str]
) -> None:
    for text in (position, urlsafe_b64encode(position.encode("latin-1")).decode()):
        name = "before" if len(text) % 2 else "after"
        page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/log?{name}={quote(text)}")
        assert page.status == 400
        assert "The link to other entries is incomplete." in page.text
    assert '"fault"' not in read_log()


def test_forged_log_position_stays_in_the_tenant(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    user = scim.create(userName="ada@example.com")
    position = urlsafe_b64encode(f"2999-01-01T00:00:00.000Z\nT#other\nC#{user['id']}#1".encode()).decode()
    page = operator_visitor.get(f"/admin/tenants/{name}/log?before={position}")
    assert "ada@example.com" in page.text


def test_log_has_audit_events_with_actor(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, _ = tenant
    page = operator_visitor.get(f"/admin/tenants/{name}/settings")
    assert operator_visitor.submit(page, page.form("/mode"), strict="on").status == 200
    page = operator_visitor.get(f"/admin/tenants/{name}/access")
    invited = operator_visitor.submit(page, page.form("/invite"))
    guest = Visitor()
    invitation_page = guest.get(invited.value("link"))
    for _ in range(2):  # a reload makes no second audit event
        guest.post(invitation_page, invitation_page.forms[0])

    operators_log, guests_log = (
        visitor.get(f"/admin/tenants/{name}/log").text for visitor in (operator_visitor, guest)
    )

    for page_text in (operators_log, guests_log):
        assert page_text.count("Accepted an invitation to the console.") == 1
        assert "IT admin</td>" in page_text
        assert "Changed the settings: strict mode on." in page_text
        assert "Connected the customer: strict mode off" in page_text
    assert "console:operator" in operators_log
    assert "console:operator" not in guests_log
    assert guests_log.count("the operator</td>") == 4
    assert "Connected the customer" not in operator_visitor.get(f"/admin/tenants/{name}/log?status=failures").text


def test_status_counts_more_than_1000_entries(
    operator_visitor: Visitor, tenant: tuple[str, Endpoint], table: Any
) -> None:
    """The failure before these entries is counted, too. A partly ignored request is not a failure."""
    name, scim = tenant
    body = {"schemas": [CORE], "userName": "grace@example.com", "active": "perhaps"}
    assert scim.request("POST", "/Users", body).status == 400
    user = scim.create()
    record = table.get_item(Key={"pk": f"T#{name}", "sk": keys.change_record_key(user["id"], 1)})["Item"]
    with table.batch_writer() as batch:
        for _ in range(1_400):
            batch.put_item(Item=record | {"sk": keys.change_record_key(new_id(), 1)})
    assert scim.patch(user["id"], {"op": "replace", "path": "departmentName", "value": "Kitchen"}).status == 200

    page = operator_visitor.get(f"/admin/tenants/{name}")

    assert f"{record['at'][:10]}: 1401 changes, 1 failures" in page.text
    assert re.search(r"Last failure</dt><dd>[^<]*: The value of active has the wrong type", page.text)


@pytest.mark.parametrize(
    ("agent", "body", "provider"),
    [
        ("Okta SCIM Client 1.0.0", {}, "Okta"),
        ("curl/8.5.0", {}, "not detected yet"),
        (
            "",
            {"Operations": [{"op": "Add", "path": 'emails[type eq "work"].value', "value": "a@example.com"}]},
            "Entra",
        ),
    ],
)
def test_status_has_the_detected_identity_provider(
    operator_visitor: Visitor, operator: TenantService, agent: str, body: dict[str, object], provider: str
) -> None:
    issued = operator.connect(name := f"by-traffic-{len(agent)}")
    operator.tokens.mark_revealed(issued)
    scim = Endpoint(issued.token)
    created = scim.request("POST", "/Users", {"schemas": [CORE], "userName": "ada@example.com"}, user_agent=agent)
    if body:
        message = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], **body}
        assert scim.request("PATCH", f"/Users/{created.json()['id']}", message).status == 200
    assert provider in operator_visitor.get(f"/admin/tenants/{name}").text


def read_expiry(page: Page) -> str:
    """Return the expiry of the token on a page."""
    (expiry,) = re.findall(r"<dt>Expires</dt><dd>(.*?)</dd>", page.text)
    return str(expiry)


def format_date_in(days: int) -> str:
    return format_time(time.time() + days * 86_400)[:11]


def test_new_token_keeps_the_lifetime_by_default(operator_visitor: Visitor, operator: TenantService) -> None:
    operator.tokens.mark_revealed(operator.connect("expiring", lifetime_s=6 * 86_400))
    for chosen, days in (({}, 6), ({"ends": "quarter"}, 90), ({}, 90), ({"ends": "year"}, 365)):
        page = operator_visitor.get("/admin/tenants/expiring/token")
        page_after = operator_visitor.submit(page, page.form("/token"), force="yes", **chosen)
        assert read_expiry(page_after).startswith(format_date_in(days))
    page = operator_visitor.get("/admin/tenants/expiring/token")
    assert read_expiry(operator_visitor.submit(page, page.form("/token"), force="yes", ends="never")) == "never"
    page = operator_visitor.get("/admin/tenants/expiring/token")
    assert operator_visitor.post(page, page.form("/token"), force="yes", ends="yesterday").status == 400
    assert operator_visitor.post(page, page.form("/token"), force="yes", grace="unlimited").status == 400


def test_example_of_a_time_stays_as_it_is(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    scim.request("GET", "/Users?filter=meta.created%20gt%20%22today%22")

    for page in ("", "/log"):
        assert "such as &#34;2026-01-31T00:00:00Z&#34;" in operator_visitor.get(f"/admin/tenants/{name}{page}").text


def test_revoked_token_is_not_compared_with_a_new_one(
    operator_visitor: Visitor, operator: TenantService, tenant: tuple[str, Endpoint]
) -> None:
    name, scim = tenant
    scim.request("GET", "/Users")
    operator.tokens.revoke(name)

    page = operator_visitor.get(f"/admin/tenants/{name}").text
    assert "a read, with the previous token.</dd>" in page


def test_first_token_has_the_chosen_lifetime(operator_visitor: Visitor, table: object) -> None:
    page = operator_visitor.get("/admin")
    page = operator_visitor.submit(page, page.form("/admin"), tenant="ends-in-a-year", ends="year")
    page = operator_visitor.get("/admin/tenants/ends-in-a-year/token")
    assert read_expiry(operator_visitor.submit(page, page.form("/token"))).startswith(format_date_in(365))


def test_existing_customer_is_409(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    page = operator_visitor.get("/admin")
    page = operator_visitor.submit(page, page.form("/admin"), tenant=tenant[0])
    assert page.status == 409
    assert f"{tenant[0]} is already connected" in page.text
    assert "muster rotate" not in page.text
    assert page.value("tenant") == tenant[0]


def find_row(page: Page, name: str) -> str:
    """Return a customer's row in the list of customers."""
    (row,) = re.findall(rf"<tr><th scope=.row.><a href=./admin/tenants/{name}.>.*?</tr>", page.text)
    return str(row)


def test_rejected_token_is_on_list_and_pages(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    scim.create()
    list_url, tenant_url = f"/admin?after={name[:-1]}", f"/admin/tenants/{name}"
    assert ">healthy</span></td>" in find_row(operator_visitor.get(list_url), name)
    assert Endpoint(new_token(name)).request("GET", "/Users").status == 401

    row = find_row(operator_visitor.get(list_url), name)
    assert ">token rejected</span></td>" in row
    assert "Enter a valid token in the identity provider" in row
    assert "Enter a valid token" in operator_visitor.get(f"{tenant_url}/connect").text
    assert "If the customer uses Microsoft Entra ID" in operator_visitor.get(tenant_url).text


def test_okta_customer_sees_no_entra_advice(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    okta = {"user_agent": "Okta SCIM Client 1.0.0"}
    assert scim.request("GET", "/Users", **okta).status == 200
    assert Endpoint(new_token(name)).request("GET", "/Users", **okta).status == 401

    page = operator_visitor.get(f"/admin/tenants/{name}").text

    assert "Enter the token in Okta" in page
    assert "Retry Selected" in page
    assert "Entra" not in page + find_row(operator_visitor.get(f"/admin?after={name[:-1]}"), name)


def test_repeating_failure_is_on_list_and_status(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    for _ in range(5):
        scim.request("POST", "/Users", {"schemas": [CORE], "userName": "ada", "active": "x"})

    row = find_row(operator_visitor.get(f"/admin?after={name[:-1]}"), name)

    assert ">repeating failure</span></td>" in row
    assert (
        "has sent the same failing request at least 5 times since yesterday. See the failures in the audit log." in row
    )
    assert "<dt>Health</dt><dd>repeating failure</dd>" in operator_visitor.get(f"/admin/tenants/{name}").text


def test_unreadable_customer_is_listed_as_unknown(
    operator_visitor: Visitor,
    operator: TenantService,
    monkeypatch: pytest.MonkeyPatch,
    read_log: Callable[[], str],
    clock: FakeClock,
) -> None:
    for name in ("row-a", "row-ill", "row-z"):
        operator.connect(name)
    throttled_calls = throttle_tenant("row-ill", monkeypatch)

    page = operator_visitor.get("/admin?after=row-")

    assert (page.status, 0 < clock.total_s < OVERVIEW_TIMEOUT_S) == (200, True)
    assert "<td>unknown</td>" in find_row(page, "row-ill")
    assert "Could not be read in time." in find_row(page, "row-ill")
    assert ["no request yet" in find_row(page, name) for name in ("row-a", "row-z")] == [True, True]
    assert len(throttled_calls) > 1
    assert "ProvisionedThroughputExceededException" in read_log()


def test_log_has_sent_and_changed_attributes(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, scim = tenant
    ada = scim.create(userName="ada", title="Cook")["id"]
    scim.request("DELETE", f"/Users/{ada}")

    page = operator_visitor.get(f"/admin/tenants/{name}/log")
    deleted, created = re.findall(r"<tr data-key.*?</tr>", page.text, re.DOTALL)[:2]

    assert "<dt>Sent</dt><dd>userName, title</dd>" in created
    assert "<dt>Changed</dt><dd>userName, title, active</dd>" in created
    assert "<dt>Operation</dt><dd>delete</dd>" in deleted
    assert "<dt>Sent</dt>" not in deleted


def test_customers_are_paged(operator_visitor: Visitor, operator: TenantService, clock: FakeClock) -> None:
    names = [f"page-{number:03}" for number in range(103)]
    for name in names:
        operator.tenant_store.write(
            None, Tenant(name, is_connected=False), AuditEvent(name, "2026-01-01", AuditAction.CONNECT, "tests", {})
        )
    listed: list[str] = []
    page = operator_visitor.get("/admin?after=page-")
    sizes = []
    while True:
        rows = [link.rpartition("/")[2] for link in page.links if link.startswith("/admin/tenants/")]
        sizes.append(len(rows))
        listed += rows
        more = [link for link in page.links if link.startswith("?after=")]
        if not more:
            break
        page = operator_visitor.get(f"/admin{more[0]}")
    assert set(sizes[:-1]) == {50}
    assert [name for name in listed if name.startswith("page-")] == names
    assert len(listed) == len(set(listed))
    first = operator_visitor.get("/admin").text
    assert operator_visitor.get("/admin?after=..%2f").text == first
    assert "No more customers." in operator_visitor.get("/admin?after=zzz").text


def test_status_has_the_connection_test(operator_visitor: Visitor, operator: TenantService) -> None:
    issued = operator.connect("tested-by-okta")
    operator.tokens.mark_revealed(issued)
    before = operator_visitor.get("/admin/tenants/tested-by-okta").text
    Endpoint(issued.token).request("GET", "/Users?count=1", user_agent="Okta SCIM Client 1.0.0")
    page = operator_visitor.get("/admin/tenants/tested-by-okta").text

    assert "<dt>First request with the current token</dt><dd>none yet</dd>" in before
    assert re.search(r"First request with the current token</dt><dd>[^<]* UTC: Connection tested by Okta</dd>", page)
    assert re.search(r"Last request</dt><dd>[^<]* UTC: a read</dd>", page)
    log = operator_visitor.get("/admin/tenants/tested-by-okta/log").text
    assert "First request with this token: Connection tested by Okta." in log
    operator.tokens.rotate("tested-by-okta")
    page = operator_visitor.get("/admin/tenants/tested-by-okta").text
    assert re.search(r"First request with the previous token</dt><dd>[^<]* UTC: Connection tested by Okta</dd>", page)


def test_status_and_log_show_malformed_tokens(
    operator_visitor: Visitor, tenant: tuple[str, Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They show them after the next request with a valid token for which the function reads the tenant again."""
    name, scim = tenant
    scim.request("GET", "/Users")
    assert "request with a malformed token" not in operator_visitor.get(f"/admin/tenants/{name}").text
    scim.request("GET", "/Users", authorization=f"Bearer {scim.token[:-2]}")
    later = time.time() + 61
    monkeypatch.setattr("time.time", lambda: later)
    scim.request("GET", "/Users")
    page = operator_visitor.get(f"/admin/tenants/{name}").text

    assert "At least 1 request with a malformed token in the last 24 hours" in page
    assert "quarantine" not in page
    log = operator_visitor.get(f"/admin/tenants/{name}/log?status=failures").text
    assert "The token is malformed: it is cut short." in log
    assert ">Failed: " not in log
