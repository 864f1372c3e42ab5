"""Processing of the table's stream and of the links queue: events, link tasks and dead letters."""
