"""The audit log of a tenant: record failed requests, and explain what happened to a person and why."""
