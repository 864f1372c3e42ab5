"""The entry points of the Lambda functions: one module for each function, and what several of them share."""
