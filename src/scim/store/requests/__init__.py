"""Records of requests, by the id of the request."""
