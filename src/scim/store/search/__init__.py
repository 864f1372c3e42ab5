"""The search over all tenants, only by keys."""
