"""The service without HTTP and Lambda: protocol, use cases, adapters, and what connects them.

Words that the names in here use:

- A *user* is a stored resource. A *person* is somebody whom a request names, who need not be a user.
- A *reference* is a value of a user that names another user. A *link* is a resolved reference: the id of that user. The
  user who refers is the *referrer*.
- A *leniency* is a deviation from the RFC that is accepted, because identity providers send it.
- A *failure* is a request that was answered with an error. A *fault* is an error of this service, or of AWS.
- A *no-op* is a request that was answered with success although a part of it was ignored.
- A *bookmark* is the position of a client in the pages of a query.
"""
