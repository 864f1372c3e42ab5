"""Other SCIM servers to compare with. Each runs in a child process with its own dependencies."""
