"""The entry points of the Lambda functions, one module each, and the HTTP code that they share."""
