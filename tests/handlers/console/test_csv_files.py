"""The download of users as CSV files."""

import csv
import io
import random
import uuid
from collections.abc import Callable, Iterator

import pytest

from handlers.console.pages.csv_cells import escape_formula
from handlers.console.pages.users import csv_files
from scim.service.model.stored_resource import StoredResource
from tests.endpoint import Endpoint
from tests.handlers.console.visitor import Visitor

FORMULA = "HYPERLINK(1)"
Tenant = tuple[str, Endpoint]
Download = Callable[[str], list[dict[str, str]]]


@pytest.fixture
def download(operator_visitor: Visitor, tenant: Tenant) -> Download:
    """Return a function that downloads a CSV file, given by its query, and returns its rows."""

    def download(query: str = "") -> list[dict[str, str]]:
        exported = operator_visitor.get(f"/admin/tenants/{tenant[0]}/users.csv{query}")
        assert exported.status == 200
        assert exported.text.startswith("\ufeff")
        return list(csv.DictReader(io.StringIO(exported.text.removeprefix("\ufeff"), newline="")))

    return download


def list_files(operator_visitor: Visitor, name: str, query: str = "") -> list[str]:
    """Return the queries of the CSV files to which the page links."""
    page = operator_visitor.get(f"/admin/tenants/{name}/users{query}")
    return [link.partition(".csv")[2] for link in page.links if ".csv" in link]


@pytest.mark.parametrize(
    "start",
    [
        *("=", "+", "-", "@", "\t=", "\r=", "\n", " =", "\u00a0@", "\u3000=", "\u200b=", "\ufeff+", "\x00="),
        *("\uff1d", "\uff0b", "\uff0d", "\uff20", " \uff1d", "\ufe66", "\ufe62", "\ufe63", "\ufe6b"),
    ],
)
def test_formula_is_escaped(start: str) -> None:
    cell = f'{start}{FORMULA}, "quoted"'

    assert escape_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", " ", "Ada", " Ada", "a=b", "1+1", "\u5f20\u4e09", "O\u2019Brien", "(=", "\u2014"])
def test_other_cell_is_unchanged(cell: str) -> None:
    assert escape_formula(cell) == cell


def test_names_in_the_file_are_escaped(tenant: Tenant, download: Download) -> None:
    tenant[1].create(displayName=f'\uff1d{FORMULA}, "quoted"')

    assert [row["name"] for row in download("")] == [f'\'\uff1d{FORMULA}, "quoted"']


def test_few_users_are_one_file(operator_visitor: Visitor, tenant: Tenant) -> None:
    tenant[1].create()

    assert list_files(operator_visitor, tenant[0]) == [""]
    exported = operator_visitor.get(f"/admin/tenants/{tenant[0]}/users.csv")
    assert exported.headers["content-disposition"] == f'attachment; filename="users-{tenant[0]}.csv"'


def test_many_users_are_several_files(
    operator_visitor: Visitor,
    tenant: Tenant,
    download: Download,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_files, "USERS_PER_FILE", 10)
    name, scim = tenant
    ids = {scim.create()["id"] for _ in range(31)}
    scim.create(active=False)

    queries = list_files(operator_visitor, name, "?state=active")
    rows = [[row["id"] for row in download(query)] for query in queries]

    assert queries == [f"?state=active&file={number}&files=4" for number in range(1, 5)]
    assert sorted(user_id for part in rows for user_id in part) == sorted(ids)
    assert [user_id for part in rows for user_id in part] == sorted(ids)
    assert [row["id"] for row in download("?state=active")] == sorted(ids)
    assert [row["active"] for row in download("?state=inactive")] == ["false"]
    assert len(download("")) == 32
    exported = operator_visitor.get(f"/admin/tenants/{name}/users.csv?state=active&file=2&files=4")
    assert f'filename="active-users-{name}-2-of-4.csv"' in exported.headers["content-disposition"]


def test_file_that_is_too_large_leads_to_more_files(
    operator_visitor: Visitor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, scim = tenant
    number = int(scim.create()["id"][:8], 16) * 3 // 2**32 + 1
    monkeypatch.setattr(csv_files, "MAX_FILE_BYTES", 100)
    here = f"/admin/tenants/{name}/users"

    responses = [operator_visitor.send("GET", f"{here}.csv{query}") for query in ("", f"?file={number}&files=3")]

    assert [(response.status, response.headers.get("location")) for response in responses] == [
        (303, f"{here}?files=2"),
        (303, f"{here}?files=6"),
    ]
    assert len(list_files(operator_visitor, name, "?files=6")) == 6


@pytest.mark.parametrize("query", ["file=0&files=3", "file=4&files=3", "file=x&files=3", "file=1", "file=-1&files=9"])
def test_unknown_part_is_the_whole_file(tenant: Tenant, download: Download, query: str) -> None:
    created = tenant[1].create()

    assert [row["id"] for row in download(f"?{query}")] == [created["id"]]


def build_users(count: int) -> Iterator[StoredResource]:
    """Yield users with random names, ids and times, which compress badly."""
    rng = random.Random(1)  # noqa: S311  # the same users in every run
    for _ in range(count):
        user_id, external_id = (str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(2))
        given, family = ("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(4, 10))) for _ in range(2))
        day, minute, ms = rng.randint(10, 28), rng.randint(10, 59), rng.randint(100, 999)
        at = f"2026-{rng.randint(10, 12)}-{day}T10:{minute}:00.{ms}Z"
        resource = {
            "id": user_id,
            "userName": f"{given}.{family}@example.com",
            "externalId": external_id,
            "name": {"givenName": given.title(), "familyName": family.title()},
            "emails": [{"value": f"{given}.{family}@example.com", "primary": True}],
            "active": True,
        }
        yield StoredResource.from_resource(resource, 1, at, at, at)


@pytest.mark.slow
def test_file_of_the_usual_size_is_not_too_large() -> None:
    content = csv_files._compress_csv(build_users(csv_files.USERS_PER_FILE))  # noqa: SLF001

    assert 1_000_000 < len(content) < csv_files.MAX_FILE_BYTES / 2
