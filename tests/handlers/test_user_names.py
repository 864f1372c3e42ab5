"""User names over HTTP: RFC 7644 section 5, RFC 8265 section 3.3."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import CORE, Endpoint, Response
from tests.handlers.conftest import Log
from tests.handlers.tenants import get_tenant_id, start_environment
from tests.handlers.test_bulk import build_post, build_request
from tests.handlers.test_users import PATCH_OP, Items, build_replace


@pytest.fixture(params=[False, True], ids=["tolerant", "strict"])
def endpoint(connect: Callable[[], Endpoint], operator: TenantService, request: pytest.FixtureRequest) -> Endpoint:
    endpoint = connect()
    operator.configure(get_tenant_id(endpoint), is_strict=request.param)
    return endpoint


def find(endpoint: Endpoint, text: str, **parameters: str) -> list[str]:
    response = endpoint.request("GET", f"/Users?{urlencode({'filter': text} | parameters)}")
    assert response.status == 200, response.body
    return [user["userName"] for user in response.json()["Resources"]]


def send_all_writes(endpoint: Endpoint, user_id: str, user_name: str) -> Iterator[Response]:
    """Yield the response to each kind of write with this name."""
    body = {"schemas": [CORE], "userName": user_name}
    patch = {"schemas": [PATCH_OP], "Operations": [build_replace("userName", user_name)]}
    path = f"/Users/{user_id}"
    yield endpoint.request("POST", "/Users", body)
    yield endpoint.request("PUT", path, body)
    yield endpoint.request("PATCH", path, patch)
    operations = [
        build_post("a", userName=user_name),
        {"method": "PUT", "path": path, "data": body},
        {"method": "PATCH", "path": path, "data": patch},
    ]
    for operation in operations:
        yield endpoint.request("POST", "/Bulk", build_request(operation))


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        pytest.param("bob\u00a0", "begins or ends with white space", id="white space at the end"),
        pytest.param("\u3000bob", "begins or ends with white space", id="white space at the beginning"),
        pytest.param("\u2800bob", "begins or ends with white space", id="Braille blank"),
        pytest.param("  ", "is blank", id="blank"),
        pytest.param("bob\ufffe", "has invisible or control characters", id="noncharacter"),
        pytest.param("b\u200bob", "has invisible or control characters", id="zero width space"),
        pytest.param("b" * 300_000, "can have at most 512 characters", id="300,000 letters"),
    ],
)
def test_unacceptable_name_changes_nothing(endpoint: Endpoint, items: Items, name: str, detail: str) -> None:
    user = endpoint.create(userName="bob")
    before = [item for item in items() if item["pk"].startswith(("T#", "L#"))]

    for response in send_all_writes(endpoint, user["id"], name):
        body: dict[str, Any] = response.json()
        error = body["Operations"][0]["response"] if "Operations" in body else body
        assert (error["status"], error["scimType"]) == ("400", "invalidValue")
        assert error["detail"].startswith(f"userName {detail}")
        assert name.strip() == "" or len(name) > 512 or name not in error["detail"]
    assert [item for item in items() if item["pk"].startswith(("T#", "L#"))] == before


@pytest.mark.parametrize(
    ("name", "equal"),
    [
        ("\uff22\uff4f\uff42", "bob"),
        ("Stra\u00dfe", "STRA\u1e9eE"),
        ("Zoe\u0308", "ZO\u00cb"),
        ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2"),
        ("Ann\u3000Lee", "ann lee"),
    ],
    ids=ascii,
)
def test_equal_names(endpoint: Endpoint, name: str, equal: str) -> None:
    """The name is returned as it was sent. All filters, the order and uniqueness compare it in the same way."""
    user = endpoint.create(userName=name)
    other = endpoint.create(userName="x")

    assert endpoint.request("GET", f"/Users/{user['id']}").json()["userName"] == name
    for operator in ("eq", "sw", "ew", "co", "ge", "le"):
        assert name in find(endpoint, f'userName {operator} "{equal}"')
        assert name in find(endpoint, f'not (userName pr) or userName {operator} "{equal}"')
    for operator in ("ne", "gt", "lt"):
        assert name not in find(endpoint, f'userName {operator} "{equal}"')
    in_order = sorted((name, "x"), key=lambda text: equal.lower() if text == name else text)
    assert find(endpoint, "userName pr", sortBy="userName") == in_order
    assert find(endpoint, 'userName ge ""', sortBy="userName") == in_order
    assert [response.status for response in send_all_writes(endpoint, other["id"], equal)][:3] == [409, 409, 409]


def test_different_names(endpoint: Endpoint) -> None:
    """RFC 8265 section 3.6 has the first pair as an example of two names."""
    names = ["fu\u00dfball", "fussball", "\u03c3", "\u03c2", "a b", "a  b", "i", "\u0131"]
    for name in names:
        endpoint.create(userName=name)

    assert [find(endpoint, f'userName eq "{name}"') for name in names] == [[name] for name in names]


def test_disallowed_character_is_a_leniency(scim: Endpoint, operator: TenantService, log: Log) -> None:
    """In strict mode, a user who already has such a name can still be deactivated."""
    user = scim.create(userName="O\u2019Brien")
    assert log.last["leniencies"] == ["user-name-character"]
    operator.configure(get_tenant_id(scim), is_strict=True)
    strict = start_environment(scim.token)

    for response in send_all_writes(strict, user["id"], "O\u2019Neill"):
        assert b"userName has characters that RFC 8265 does not allow." in response.body
        assert log.last["failures"] == 1
    assert strict.patch(user["id"], build_replace("active", False)).status == 200
    assert find(strict, 'active eq false and userName eq "o\u2019BRIEN"') == ["O\u2019Brien"]
