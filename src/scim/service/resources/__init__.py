"""The use cases of the SCIM endpoint: create, get, change, delete and search resources, bulk, and discovery."""
