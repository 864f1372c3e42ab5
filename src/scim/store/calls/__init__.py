"""Build calls to DynamoDB, and make them in another thread."""
