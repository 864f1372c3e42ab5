"""Muster without HTTP and Lambda: the SCIM protocol, the use cases, the adapters of AWS services, and their wiring.

docs/glossary.md defines the terms. docs/contribute/architecture.md describes the packages. The most important terms:

- A *tenant* is a customer.
- A *user* is a stored SCIM resource. A *person* is the human being that a request is about, who may not be a user yet.
- A *reference* is a value of a user that names another user. A *link* is a resolved reference. The user that has the
  reference is the *referrer*.
- A *leniency* is a kind of request that Muster accepts because an identity provider sends it. Strict mode rejects it.
- A *failure* is a request that was answered with an error. A *fault* is an error of Muster itself or of AWS.
- A *silent no-op* is a request that was answered with success although part of it was ignored.
- A *bookmark* is the stored position of a client that pages by ``startIndex``.
"""
