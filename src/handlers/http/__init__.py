"""The SCIM endpoint as a Lambda handler: requests and responses of API Gateway, authentication, routes, log lines."""
