"""Build the key of a tenant's bucket of permits (docs/contribute/data-model.md)."""

from __future__ import annotations

BUCKET_KEY = "Q#bucket"


def bucket_partition(tenant_id: str) -> str:
    """Return the partition of a tenant's bucket of permits."""
    return f"Q#{tenant_id}"
