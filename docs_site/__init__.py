"""Build the documentation site: prepare the pages of the repository, and let Zensical render them."""
