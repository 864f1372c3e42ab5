"""The use cases of references between users: resolve them to links, and keep the links up to date."""
