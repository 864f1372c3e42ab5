"""What AWS Lambda does: each function in processes of its own, one event at a time in each."""
