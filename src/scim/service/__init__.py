"""The use cases, and the interfaces (:mod:`scim.service.ports`) of what they need."""
