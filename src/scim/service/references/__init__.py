"""References between users: resolve them to links, and keep the links up to date."""
