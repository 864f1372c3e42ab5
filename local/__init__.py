"""The local run: the Lambda handlers on one machine, with local replacements for the AWS services that they use.

``api_gateway`` replaces API Gateway and ``aws_lambda`` replaces Lambda. ``engine`` starts a DynamoDB engine,
``services`` has SQS, EventBridge and Secrets Manager, and ``validation`` rejects the requests that AWS rejects.
``run`` connects them according to ``template.yaml``. This package is not deployed.
"""
