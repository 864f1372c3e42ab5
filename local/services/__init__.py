"""Local replacements for SQS, EventBridge and Secrets Manager, and the code that starts them.

Server processes end with this process. A journal makes services durable that store their data only in memory.
"""
