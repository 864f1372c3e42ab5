"""The AWS services that the functions use, apart from DynamoDB: SQS, EventBridge and Secrets Manager.

Also what starts them: server processes that end with this one, and a journal for services that only have memory.
"""
