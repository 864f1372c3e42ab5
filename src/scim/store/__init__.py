"""The adapters that implement the ports with one DynamoDB table: keys, items, transactions and stores."""
