"""Build adapters and use cases from the settings. No other package does that.

Each module serves one kind of function, so that no function imports what only another one uses.
"""
