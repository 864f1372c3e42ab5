"""Adapters for the ports on one DynamoDB table: keys, items, transactions and stores."""
