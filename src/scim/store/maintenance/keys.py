"""Build the keys of task records and certificates, which only the command line reads and writes."""

from __future__ import annotations

from scim.store.console.keys import invitation_key
from scim.store.keys import BOOKMARK_PREFIX, KeyRange, id_range

TASK_PARTITION = "TASKS"
"""The partition of the task records of all tenants."""


def task_key(kind: str, tenant_id: str) -> str:
    """Return the key of the record of one kind of long work on a tenant."""
    return f"{kind}#{tenant_id}"


BOOKMARK_RANGE = id_range(BOOKMARK_PREFIX)
"""The range of all bookmarks of a tenant."""
INVITATION_RANGE = id_range(invitation_key(""))
"""The range of all invitations, of all tenants. Their digests consist of hex digits."""


def parse_change_version(sort_key: str) -> int:
    """Return the version from the key of a change record, also of a record of links."""
    return int(sort_key.split("#")[2])


CERTIFICATE_PARTITION = "CERTIFICATES"
"""The partition of the certificates of purged tenants."""


def certificate_key(tenant_id: str, finished: str) -> str:
    """Return the key of the certificate of a purge that finished at a time (RFC 3339)."""
    return f"{tenant_id}#{finished}"


def certificate_range(tenant_id: str = "") -> KeyRange:
    """Return the range of the certificates of a tenant, or of all tenants."""
    return KeyRange(f"{tenant_id}#", f"{tenant_id}$") if tenant_id else KeyRange("-", "{")
