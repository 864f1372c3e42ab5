"""Start functions in new processes, as Lambda does."""
