"""What AWS Lambda does: execution environments, the Invoke API, and event source mappings for streams and queues."""
