"""The buckets of the rate limit in DynamoDB."""
