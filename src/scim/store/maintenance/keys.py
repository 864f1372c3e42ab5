"""Build the keys of task records, which only the command line reads and writes."""

from __future__ import annotations

TASK_PARTITION = "TASKS"
"""The partition of the task records of all tenants."""


def task_key(kind: str, tenant_id: str) -> str:
    """Return the key of the record of one kind of long work on a tenant."""
    return f"{kind}#{tenant_id}"
