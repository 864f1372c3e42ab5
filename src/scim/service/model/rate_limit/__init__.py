"""The rate limit: the bucket of a tenant, and the price of reads."""
