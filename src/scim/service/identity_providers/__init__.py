"""Detection of the identity provider of a request, and of a tenant by its audit log."""
