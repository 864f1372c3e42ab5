"""What clients may learn about the service: RFC 7643 sections 5 to 7, RFC 7644 section 4, RFC 9865."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import NotFound
from scim.protocol.schema import ResourceType, load_document, strip_non_standard
from scim.service.limits import CURSOR_TIMEOUT_S, MAX_OPERATIONS, MAX_PAYLOAD_BYTES, MAX_RESULTS
from scim.service.model.tenant import Tenant

SERVICE_PROVIDER_CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DiscoveryDocuments:
    """The discovery documents as one tenant sees them."""

    tenant: Tenant
    resource_types: tuple[ResourceType, ...]
    base_url: str

    def service_provider_config(self) -> Document:
        supported, unsupported = {"supported": True}, {"supported": False}
        conformant = {"interopProfileConformant": True} if self.tenant.is_strict else {}
        return {
            "schemas": [SERVICE_PROVIDER_CONFIG],
            **conformant,
            "patch": supported,
            "bulk": {**supported, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": MAX_PAYLOAD_BYTES},
            "filter": {**supported, "maxResults": MAX_RESULTS},
            "changePassword": unsupported,
            "sort": supported,
            "etag": supported,
            "pagination": {
                "cursor": True,
                "index": True,
                "defaultPaginationMethod": "index",
                "defaultPageSize": MAX_RESULTS,
                "maxPageSize": MAX_RESULTS,
                "cursorTimeout": CURSOR_TIMEOUT_S,
            },
            "authenticationSchemes": [
                {
                    "type": "oauthbearertoken",
                    "name": "Bearer token",
                    "description": "The token that Connect shows, in the header Authorization (RFC 6750)",
                    "specUri": "https://www.rfc-editor.org/info/rfc6750",
                    "primary": True,
                }
            ],
            "meta": self._meta("ServiceProviderConfig", "/ServiceProviderConfig"),
        }

    def all_resource_types(self) -> list[Document]:
        return [self._resource_type(each) for each in self.resource_types]

    def resource_type(self, name: str) -> Document:
        """Raises :class:`NotFound`."""
        return _named(name, {each.name: self._resource_type(each) for each in self.resource_types}, "resource type")

    def all_schemas(self) -> list[Document]:
        served = [schema.document for each in self.resource_types for schema in (each.schema, *each.extensions)]
        own = [load_document(name) for name in ("service-provider-config", "resource-type", "schema")]
        return [self._schema(document) for document in (*served, *own)]

    def schema(self, urn: str) -> Document:
        """Raises :class:`NotFound`."""
        return _named(urn, {document["id"]: document for document in self.all_schemas()}, "schema")

    def _resource_type(self, each: ResourceType) -> Document:
        return {
            "schemas": [RESOURCE_TYPE],
            "id": each.name,
            "name": each.name,
            "endpoint": each.endpoint,
            "description": each.description,
            "schema": each.schema.id,
            "schemaExtensions": [{"schema": extension.id, "required": False} for extension in each.extensions],
            "meta": self._meta("ResourceType", f"/ResourceTypes/{each.name}"),
        }

    def _schema(self, document: Mapping[str, Any]) -> Document:
        meta = self._meta("Schema", f"/Schemas/{document['id']}")
        return {**strip_non_standard(document), "schemas": [SCHEMA], "meta": meta}

    def _meta(self, resource_type: str, path: str) -> Document:
        return {"resourceType": resource_type, "location": f"{self.base_url}{path}"}


def _named(name: str, documents: Mapping[str, Document], kind: str) -> Document:
    """Names and URNs have no case here either."""
    for each, document in documents.items():
        if each.lower() == name.lower():
            return document
    raise NotFound(f"There is no {kind} with this name; there are {', '.join(documents)}.")
