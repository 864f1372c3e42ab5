"""Peers to measure against, each in an environment of its own; they take their turns as child processes."""
