"""Channels to which alerts about customers are sent: SNS topics and a webhook."""
