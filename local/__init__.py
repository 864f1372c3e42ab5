"""The endpoint on a laptop: real handlers behind a stand-in for API Gateway, Lambda, DynamoDB and Secrets Manager.

``gateway`` is what API Gateway does, ``functions`` what Lambda does, ``engine`` and ``services`` are the rest of AWS.
``run`` puts them together as ``template.yaml`` says. Nothing of this is deployed.
"""
