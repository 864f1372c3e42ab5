"""The search over all tenants for a person or a request."""
