"""Process the stream of the table and the links queue: events, link tasks, dead letters."""
