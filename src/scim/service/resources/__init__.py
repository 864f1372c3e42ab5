"""The use cases of SCIM resources: create, read, write, search, bulk and discovery."""
