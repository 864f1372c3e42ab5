"""Download the audit log as files: CSV (RFC 4180) and JSON lines."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.audit_log.log_page import FAILURES_INCOMPLETE, describe_actor
from handlers.console.pages.audit_log.log_query import build_query, parse_filter, parse_position
from handlers.console.pages.csv_cells import escape_formula
from handlers.console.response import ConsoleResponse
from scim.service.audit.log_entries import LogEntry
from scim.service.audit.log_pages import MAX_RECORDS
from scim.service.model.tenant import Tenant

PAGES_PER_FILE = 5
"""Each page reads at most 1,000 records. 5,000 take about two seconds, and less than a partition serves in them."""
MAX_FILE_BYTES = 2_500_000
"""The size of a compressed file to which no further page is added. With one more, it fits into Lambda's 6 MB."""
_COLUMNS = [field.name for field in fields(LogEntry)]


@dataclass(frozen=True, slots=True)
class _FileFormat:
    """A format of the files. ``format_record`` returns a record as a line."""

    extension: str
    content_type: str
    header: str
    format_record: Callable[[Mapping[str, Any]], str]


def export_csv(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return the entries of the log that match the filter in the query, newest first, as CSV.

    The file begins with the byte order mark, without which Excel does not read it as UTF-8.
    """
    header = "\N{BYTE ORDER MARK}" + _format_row(_COLUMNS)
    return _export(context, tenant, _FileFormat("csv", "text/csv; header=present", header, _format_csv_record))


def export_json_lines(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return the entries of the log that match the filter in the query, newest first, one JSON object a line.

    The objects have the members that ``muster log --json`` prints.
    """
    return _export(context, tenant, _FileFormat("jsonl", "application/jsonl", "", _format_json_record))


def _export(context: ConsoleRequestContext, tenant: Tenant, file_format: _FileFormat) -> ConsoleResponse:
    """Return a compressed file with the entries after the position ``before`` of the query.

    If more entries may follow, the last record of the file has the URL of the next file, and so has a header.
    """
    parameters = context.request.query_parameters
    log_filter, position = parse_filter(parameters), parse_position(parameters.get("before"))
    log = context.administration.build_audit_log(tenant)
    content, is_complete = io.BytesIO(), True
    headers = {
        "Content-Disposition": f'attachment; filename="audit-log-{tenant.id}.{file_format.extension}"',
        "Content-Encoding": "gzip",
    }
    with gzip.GzipFile(fileobj=content, mode="wb", compresslevel=6, mtime=0) as file:

        def write(line: str) -> None:
            file.write(line.encode(errors="replace"))

        write(file_format.header)
        for _ in range(PAGES_PER_FILE):
            page = log.read_page(log_filter, count=MAX_RECORDS, older_than=position)
            for entry in page.entries:
                write(file_format.format_record(asdict(describe_actor(context, tenant, entry))))
            position, is_complete = page.older, is_complete and page.is_complete
            if position is None or content.tell() > MAX_FILE_BYTES:
                break
        if not is_complete:
            write(file_format.format_record({"kind": "incomplete", "summary": FAILURES_INCOMPLETE}))
        if position is not None:
            query = build_query(log_filter, before=position)
            url = f"{context.console_url}/tenants/{tenant.id}/log.{file_format.extension}?{query}"
            summary = f"This file ends here. The older entries are in another file: {url}"
            write(file_format.format_record({"at": position.at, "kind": "continued", "summary": summary}))
            headers["Link"] = f'<{url}>; rel="next"'
    return ConsoleResponse(
        content.getvalue(), content_type=f"{file_format.content_type}; charset=utf-8", headers=headers
    )


def _format_json_record(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _format_csv_record(record: Mapping[str, Any]) -> str:
    return _format_row(escape_formula(_format_cell(record.get(column))) for column in _COLUMNS)


def _format_cell(value: Any) -> str:
    """Return a value as text: names in a list are separated by commas, and an absent value is empty."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value) if isinstance(value, int) else ", ".join(value)


def _format_row(cells: Iterable[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(cells)
    return text.getvalue()
