"""The rate limit of each tenant: permits for writes and for expensive reads."""
