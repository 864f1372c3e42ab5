"""The SCIM endpoint as a Lambda handler: API Gateway's requests and responses, authentication, routes and log lines."""
