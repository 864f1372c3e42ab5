"""The query engine: plan a query, scan the resources, and read a page of them."""
