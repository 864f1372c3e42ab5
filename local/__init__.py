"""The local run: the real Lambda handlers on one machine, with stand-ins for the AWS services around them.

``api_gateway`` does what API Gateway does, ``aws_lambda`` what Lambda does. ``engine`` starts a DynamoDB engine,
``services`` has SQS, EventBridge and Secrets Manager, and ``validation`` refuses the requests that AWS refuses.
``run`` connects them as ``template.yaml`` says. None of this is deployed.
"""
