"""Build the discovery documents (RFC 7643 sections 5 to 7, RFC 7644 section 4, RFC 9865)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import NotFound
from scim.protocol.schema import ResourceType, load_document, strip_non_standard
from scim.service.limits import CURSOR_TIMEOUT_S, MAX_OPERATIONS, MAX_PAYLOAD_BYTES, MAX_RESULTS

SERVICE_PROVIDER_CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"

Document = dict[str, Any]


def build_service_provider_config(base_url: str) -> Document:
    """Return the ServiceProviderConfig document (RFC 7643 section 5). It is the same for all tenants."""
    supported, unsupported = {"supported": True}, {"supported": False}
    return {
        "schemas": [SERVICE_PROVIDER_CONFIG],
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
                "description": "The token from the console page Token, in the Authorization header (RFC 6750)",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": _build_meta(base_url, "ServiceProviderConfig", "/ServiceProviderConfig"),
    }


@dataclass(frozen=True, slots=True)
class DiscoveryDocuments:
    """The resource types and schemas of one tenant."""

    resource_types: tuple[ResourceType, ...]
    base_url: str

    def list_resource_types(self) -> list[Document]:
        """Return all resource types."""
        return list(map(self._describe_resource_type, self.resource_types))

    def get_resource_type(self, name: str) -> Document:
        """Return the resource type with a name, which is case-insensitive. Raise :class:`NotFound`."""
        return _find_by_name(
            name, {document["name"]: document for document in self.list_resource_types()}, "resource type"
        )

    def list_schemas(self) -> list[Document]:
        """Return all schemas: those of the resource types, and those of the discovery documents."""
        resource_schemas = [
            schema.document
            for resource_type in self.resource_types
            for schema in (resource_type.schema, *resource_type.extensions)
        ]
        discovery_schemas = [load_document(name) for name in ("service-provider-config", "resource-type", "schema")]
        return [self._describe_schema(document) for document in (*resource_schemas, *discovery_schemas)]

    def get_schema(self, urn: str) -> Document:
        """Return the schema with a URN, which is case-insensitive. Raise :class:`NotFound`."""
        return _find_by_name(urn, {document["id"]: document for document in self.list_schemas()}, "schema")

    def _describe_resource_type(self, resource_type: ResourceType) -> Document:
        return {
            "schemas": [RESOURCE_TYPE],
            "id": resource_type.name,
            "name": resource_type.name,
            "endpoint": resource_type.endpoint,
            "description": resource_type.description,
            "schema": resource_type.schema.id,
            "schemaExtensions": [{"schema": extension.id, "required": False} for extension in resource_type.extensions],
            "meta": _build_meta(self.base_url, "ResourceType", f"/ResourceTypes/{resource_type.name}"),
        }

    def _describe_schema(self, document: Mapping[str, Any]) -> Document:
        meta = _build_meta(self.base_url, "Schema", f"/Schemas/{document['id']}")
        return {**strip_non_standard(document), "schemas": [SCHEMA], "meta": meta}


def _build_meta(base_url: str, resource_type: str, path: str) -> Document:
    return {"resourceType": resource_type, "location": f"{base_url}{path}"}


def _find_by_name(name: str, documents: Mapping[str, Document], kind: str) -> Document:
    """Return the document with a name or URN, which is case-insensitive. Raise :class:`NotFound`.

    ``kind`` is the kind of document, for the error message.
    """
    for document_name, document in documents.items():
        if document_name.lower() == name.lower():
            return document
    raise NotFound(f"There is no {kind} with this name. Use one of: {', '.join(documents)}.")
