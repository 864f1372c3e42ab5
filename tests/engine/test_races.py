"""Simultaneous writes on a real engine: of conflicting writes exactly one succeeds, and no other write is lost."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.endpoint import CORE, Endpoint, Response
from tests.engine.proxy import Proxy
from tests.size import sizes


def send_simultaneously(number: int, send: Callable[[int], Response], pool: ThreadPoolExecutor) -> list[Response]:
    """Send requests at the same moment; return their responses."""
    barrier = Barrier(number)

    def wait_and_send(index: int) -> Response:
        barrier.wait()
        return send(index)

    return list(pool.map(wait_and_send, range(number)))


def mix_case(name: str, number: int) -> str:
    """Return the name with upper case at the positions where ``number`` has a one bit."""
    return "".join(letter.upper() if number >> index & 1 else letter for index, letter in enumerate(name))


@pytest.mark.parametrize("rounds", sizes(25, 500))
def test_one_of_simultaneous_creates_succeeds(scim: Endpoint, rounds: int) -> None:
    outcomes = Counter[tuple[tuple[int, int], ...]]()
    with ThreadPoolExecutor(12) as pool:
        for number in range(rounds):
            name = f"racer{number}@example.com"
            responses = send_simultaneously(
                12,
                lambda index: scim.request("POST", "/Users", _user(mix_case(name, index))),
                pool,
            )
            outcomes[tuple(sorted(Counter(response.status for response in responses).items()))] += 1
    assert outcomes == {((201, 1), (409, 11)): rounds}
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == rounds


def test_simultaneous_patches_all_succeed(scim: Endpoint) -> None:
    emails = [{"type": f"type{index}", "value": f"{index}@example.com"} for index in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            user = scim.create()
            responses = send_simultaneously(
                8,
                lambda index: scim.patch(user["id"], {"op": "add", "path": "emails", "value": [emails[index]]}),
                pool,
            )
            assert [response.status for response in responses] == [200] * 8
            now = scim.request("GET", f"/Users/{user['id']}").json()
            assert sorted(now["emails"], key=lambda email: email["type"]) == emails
            assert now["meta"]["version"] == 'W/"9"'


def test_one_of_simultaneous_conditional_patches_succeeds(scim: Endpoint) -> None:
    user = scim.create()
    with ThreadPoolExecutor(6) as pool:
        responses = send_simultaneously(6, lambda index: _retitle(scim, user, f"T{index}"), pool)
    assert Counter(response.status for response in responses) == {200: 1, 412: 5}


def test_one_of_simultaneous_deletes_succeeds(scim: Endpoint) -> None:
    user = scim.create()
    with ThreadPoolExecutor(6) as pool:
        responses = send_simultaneously(6, lambda _: scim.request("DELETE", f"/Users/{user['id']}"), pool)
    assert Counter(response.status for response in responses) == {204: 1, 404: 5}
    assert scim.request("GET", "/Users").json()["totalResults"] == 0


def test_simultaneous_renames_never_share_a_name(scim: Endpoint) -> None:
    users = [scim.create(userName=f"start{index}") for index in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for number in range(10):
            responses = send_simultaneously(4, lambda index: _rename(scim, users[index], f"prize{number}"), pool)
            assert Counter(response.status for response in responses) == {200: 1, 409: 3}
            page = scim.request("GET", f'/Users?filter=userName%20eq%20"PRIZE{number}"').json()
            assert page["totalResults"] == 1


def test_counters_agree_with_users_after_simultaneous_writes(scim: Endpoint) -> None:
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda index: scim.create(userName=f"{index}"), range(64)))
        list(pool.map(lambda user: scim.request("DELETE", f"/Users/{user['id']}"), created[::2]))
    listed = scim.request("GET", "/Users?count=200").json()
    assert (listed["totalResults"], listed["itemsPerPage"]) == (32, 32)


def _user(name: str) -> dict[str, Any]:
    return {"schemas": [CORE], "userName": name}


def _retitle(scim: Endpoint, user: dict[str, Any], title: str) -> Response:
    return scim.patch(user["id"], {"op": "replace", "path": "title", "value": title}, if_match='W/"1"')


def _rename(scim: Endpoint, user: dict[str, Any], name: str) -> Response:
    return scim.patch(user["id"], {"op": "replace", "path": "userName", "value": name})


def test_reads_are_strongly_consistent(scim: Endpoint, proxy: Proxy) -> None:
    user = scim.create(externalId="1")
    scim.create(externalId="1")
    for query in ("", '?filter=externalId%20eq%20"1"', "?filter=title%20pr", f'?filter=id%20eq%20"{user["id"]}"'):
        assert scim.request("GET", f"/Users{query}").status == 200
    single = [json.loads(body) for name in ("GetItem", "Query") for body in proxy.bodies[name]]
    batches = [table for body in proxy.bodies["BatchGetItem"] for table in json.loads(body)["RequestItems"].values()]
    assert batches
    assert all(read["ConsistentRead"] is True for read in (*single, *batches))
