"""A client of DynamoDB and Secrets Manager without botocore (docs/decisions/storage/wire-client.md).

It signs a request, sends it over a kept connection and parses the response. For everything else that the SDK of AWS can
do, such as proxies, botocore is used (:func:`scim.aws.wire.factory.can_serve`).
"""
