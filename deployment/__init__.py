"""Build the deployment packages of the functions, and check what a deployment needs."""
