"""The use cases, and the interfaces of the stores and signers that they need (:mod:`scim.service.ports`)."""
