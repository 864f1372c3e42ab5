"""A local replacement for AWS Lambda: execution environments, the Invoke API, and event source mappings."""
