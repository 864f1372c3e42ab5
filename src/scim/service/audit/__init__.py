"""The audit log of a tenant: it records failed requests, and describes what happened to people and why."""
