"""The CSV files of the users."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Self
from urllib.parse import urlencode

from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.csv_cells import escape_formula
from handlers.console.pages.users.selection import UserSelection
from handlers.console.pages.users.user_fields import describe_user
from handlers.console.response import BASE, ConsoleResponse, redirect_to_path
from scim.service.model.stored_resource import StoredResource, UserState
from scim.service.model.tenant import Tenant

USERS_PER_FILE = 20_000
"""The number of users that are read for one CSV file: at most about 1.8 MB compressed, in a few seconds of the 29."""
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


def export_users(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return the users of a selection, or the part of them that the query names, as CSV (RFC 4180).

    The file is compressed, because a Lambda response has at most 6 MB. If it is still too large, return a redirect to
    the list of the users, with links to twice as many files.
    """
    parameters = context.request.query_parameters
    selection = UserSelection.parse(parameters).with_position()
    file_range = _FileRange.parse(parameters.get("file", ""), parameters.get("files", ""))
    read = _search_users if selection.search else _read_users
    try:
        content = _compress_csv(filter(selection.matches, read(context, tenant, selection, file_range)))
    except _FileTooLargeError:
        query = urlencode({**selection.parameters, "files": file_range.count * 2})
        return redirect_to_path(f"{BASE}/tenants/{tenant.id}/users?{query}")
    name = f"{selection.state}-users" if selection.state else "users"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}-{tenant.id}{file_range.suffix}.csv"',
        "Content-Encoding": "gzip",
    }
    return ConsoleResponse(content, content_type="text/csv; charset=utf-8; header=present", headers=headers)


def count_files(parameters: Mapping[str, str], user_count: int) -> int:
    """Return the number of CSV files for a number of users: one for each 20,000, or more if the query has more."""
    return max(1, _parse_file_count(parameters.get("files", "")), -(-user_count // USERS_PER_FILE))


def _parse_file_count(text: str) -> int:
    """Return the number of CSV files that a query names: from 1 to 1,024, and 1 if it names none."""
    return max(1, min(_parse_number(text), _MAX_FILES))


def _parse_number(text: str) -> int:
    """Return a number of at most five digits; 0 for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0


def _read_users(
    context: ConsoleRequestContext, tenant: Tenant, _: UserSelection, file_range: _FileRange
) -> Iterator[StoredResource]:
    """Yield the users of a range, in the order of their ids."""
    users = context.administration.tenant_store.list_users(tenant.id, file_range.first_id)
    return takewhile(lambda user: user.id < file_range.end_id, users)


def _search_users(
    context: ConsoleRequestContext, tenant: Tenant, selection: UserSelection, _: _FileRange
) -> Iterable[StoredResource]:
    """Return the users who match a search."""
    return context.administration.build_audit_log(tenant).report_on_person(selection.search).users


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
    cells = describe_user(user) | {"active": str(user.state is UserState.ACTIVE).lower()}
    return [escape_formula(str(cells[name])) for name in _COLUMNS]
