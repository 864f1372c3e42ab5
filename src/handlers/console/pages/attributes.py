"""The page of custom attributes, where the operator adds, replaces and removes custom schemas of a tenant."""

from __future__ import annotations

import json
from http import HTTPStatus

from handlers.console.context import ConsoleRequestContext
from handlers.console.outcomes import Outcome
from handlers.console.response import ConsoleResponse, redirect_to_page
from scim.protocol.errors import InvalidSyntax
from scim.protocol.json_body import parse_json
from scim.service.model.attribute_types import list_removed_attributes
from scim.service.model.tenant import Tenant
from scim.service.tenants.custom_schemas import describe_attribute


def show_attributes(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Show the custom schemas of a tenant."""
    return _render_attributes(context, tenant)


def add_schema(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Add a custom schema, or replace the one with the same id."""
    document = context.request.form.get("document", "")
    try:
        context.administration.tenants.add_schemas(tenant.id, [parse_json(document.encode())])
    except InvalidSyntax as error:
        error_text = error.detail.replace("request body", "document", 1)
        return _render_attributes(context, tenant, HTTPStatus.BAD_REQUEST, error_text=error_text, document=document)
    except ValueError as error:
        return _render_attributes(context, tenant, HTTPStatus.BAD_REQUEST, error_text=str(error), document=document)
    return redirect_to_page("tenants", tenant.id, "attributes", outcome=Outcome.SCHEMA_SAVED)


def remove_schema(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Remove a custom schema."""
    context.administration.tenants.remove_schema(tenant.id, context.request.form.get("schema", ""))
    return redirect_to_page("tenants", tenant.id, "attributes", outcome=Outcome.SCHEMA_REMOVED)


def _render_attributes(
    context: ConsoleRequestContext,
    tenant: Tenant,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    error_text: str = "",
    document: str = "",
) -> ConsoleResponse:
    schemas = [
        {
            "id": schema["id"],
            "attributes": [(attribute["name"], describe_attribute(attribute)) for attribute in schema["attributes"]],
            "text": json.dumps(schema, indent=2, ensure_ascii=False),
        }
        for schema in tenant.custom_schemas
    ]
    return context.render_page(
        "attributes.html",
        status,
        tenant=tenant.id,
        schemas=schemas,
        removed=list_removed_attributes(tenant.attribute_types, tenant.custom_schemas),
        error_text=error_text,
        document=document,
        section="attributes",
    )
