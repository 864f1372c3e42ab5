"""The page of the active users, and their download as CSV files."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Self

from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.csv_cells import escape_formula
from handlers.console.pages.people import describe_user
from handlers.console.response import BASE, ConsoleResponse, redirect_to_path
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.store.keys import is_user_id

_PAGE_SIZE = 100
USERS_PER_FILE = 20_000
"""The number of users in one CSV file: about 1.8 MB compressed, and a few seconds of the 29 that a request may take."""
_MAX_FILES = 1_024
MAX_FILE_BYTES = 4_300_000
"""The maximum size of a compressed CSV file: in base64 it has to fit into the 6 MB of a Lambda response."""
_PAST_LAST_ID = "~"
"""A text that sorts after all ids."""
_COLUMNS = ("id", "userName", "externalId", "name", "email", "active", "activeSince", "created", "lastModified")


@dataclass(frozen=True, slots=True)
class _FileRange:
    """The users of one file: those in the ``number``-th of ``count`` equal ranges of ids, from 1 on.

    Ids are random (:func:`scim.wiring.runtime.new_id`), so all ranges have about the same number of users. Every id is
    in one range, also if users are created or deleted between two downloads.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, number: str, count: str) -> Self:
        """Return the range with these numbers, or else the range of all users."""
        parsed_number, parsed_count = _parse_number(number), _parse_file_count(count)
        return cls(parsed_number, parsed_count) if 1 <= parsed_number <= parsed_count else cls()

    @property
    def first_id(self) -> str:
        """The start of the range: the first hex digits of an id."""
        return f"{((self.number - 1) << 32) // self.count:08x}"

    @property
    def end_id(self) -> str:
        """The end of the range, which is not part of it."""
        return _PAST_LAST_ID if self.number == self.count else _FileRange(self.number + 1, self.count).first_id

    @property
    def suffix(self) -> str:
        """The end of the file name."""
        return f"-{self.number}-of-{self.count}" if self.count > 1 else ""


class _FileTooLargeError(Exception):
    """A CSV file does not fit into the response of a Lambda function."""


def list_active_users(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return a page of the active users, in the order of their ids, that begins after the id ``after`` of the query.

    The page links to the CSV files: to one for each 20,000 users, or to more if the query has more ``files``.
    """
    parameters = context.request.query_parameters
    after = parameters.get("after", "")
    active_users = list(islice(_read_active_users(context, tenant, after if is_user_id(after) else ""), _PAGE_SIZE + 1))
    next_after = active_users[_PAGE_SIZE - 1].id if len(active_users) > _PAGE_SIZE else ""
    user_count, _ = context.administration.tenant_store.count_users(tenant.id)
    return context.render_page(
        "active-users.html",
        tenant=tenant.id,
        users=[describe_user(user) for user in active_users[:_PAGE_SIZE]],
        next_after=next_after,
        file_count=max(_parse_file_count(parameters.get("files", "")), -(-user_count // USERS_PER_FILE)),
        section="active-users",
    )


def export_active_users(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return the active users, or the part of them that the query names, as CSV (RFC 4180).

    The file is compressed, because a Lambda response has at most 6 MB. If it is still too large, return a redirect to
    the page of the active users, with links to twice as many files.
    """
    parameters = context.request.query_parameters
    file_range = _FileRange.parse(parameters.get("file", ""), parameters.get("files", ""))
    try:
        content = _compress_csv(_read_active_users(context, tenant, file_range.first_id, file_range.end_id))
    except _FileTooLargeError:
        return redirect_to_path(f"{BASE}/tenants/{tenant.id}/active-users?files={file_range.count * 2}")
    headers = {
        "Content-Disposition": f'attachment; filename="active-users-{tenant.id}{file_range.suffix}.csv"',
        "Content-Encoding": "gzip",
    }
    return ConsoleResponse(content, content_type="text/csv; charset=utf-8; header=present", headers=headers)


def _parse_file_count(text: str) -> int:
    """Return the number of CSV files that a query names: from 1 to 1,024, and 1 if it names none."""
    return max(1, min(_parse_number(text), _MAX_FILES))


def _parse_number(text: str) -> int:
    """Return a number of at most five digits; 0 for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0


def _read_active_users(
    context: ConsoleRequestContext, tenant: Tenant, after: str, end: str = _PAST_LAST_ID
) -> Iterator[StoredResource]:
    """Yield the active users with ids greater than ``after`` and less than ``end``. Both may be the start of an id."""
    users = context.administration.tenant_store.list_users(tenant.id, after)
    return (user for user in takewhile(lambda user: user.id < end, users) if user.resource.get("active") is True)


def _compress_csv(users: Iterable[StoredResource]) -> bytes:
    """Return a compressed CSV file with a row for each user. Raise :class:`_FileTooLargeError`.

    It begins with the byte order mark, without which Excel does not read the file as UTF-8.
    """
    content = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=content, mode="wb", compresslevel=6, mtime=0) as file,
        io.TextIOWrapper(file, "utf-8-sig", newline="") as text,
    ):
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow(_COLUMNS)
        for user in users:
            writer.writerow(_build_row(user))
            if content.tell() > MAX_FILE_BYTES:
                raise _FileTooLargeError
    if content.tell() > MAX_FILE_BYTES:
        raise _FileTooLargeError
    return content.getvalue()


def _build_row(user: StoredResource) -> Sequence[str]:
    cells = describe_user(user) | {"active": "true"}
    return [escape_formula(str(cells[name])) for name in _COLUMNS]
