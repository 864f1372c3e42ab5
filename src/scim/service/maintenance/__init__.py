"""Long work of an operator on one tenant: bounded in speed, and resumable."""
