"""Custom attributes: the schemas that extend a tenant's users, which the operator adds, replaces and removes."""

from __future__ import annotations

import json
from http import HTTPStatus

from handlers.console.context import ConsoleRequestContext
from handlers.console.response import Page, redirect
from scim.protocol.errors import InvalidSyntax
from scim.protocol.json_body import parse_json
from scim.service.model.attribute_shapes import list_removed
from scim.service.model.tenant import Tenant
from scim.service.tenants.custom_schemas import describe_type


def show(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    return _page(visit, tenant)


def add(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    """Add a schema document, or replace the one with the same id."""
    given = visit.request.form.get("document", "")
    try:
        visit.tenants.add_schemas(tenant.id, [parse_json(given.encode())])
    except InvalidSyntax as error:
        return _page(visit, tenant, HTTPStatus.BAD_REQUEST, wrong=error.detail, given=given)
    except ValueError as error:
        return _page(visit, tenant, HTTPStatus.BAD_REQUEST, wrong=str(error), given=given)
    return redirect("tenants", tenant.id, "attributes")


def remove(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    visit.tenants.remove_schema(tenant.id, visit.request.form.get("schema", ""))
    return redirect("tenants", tenant.id, "attributes")


def _page(
    visit: ConsoleRequestContext,
    tenant: Tenant,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    wrong: str = "",
    given: str = "",
) -> Page:
    schemas = [
        {
            "id": document["id"],
            "attributes": [(each["name"], describe_type(each)) for each in document["attributes"]],
            "text": json.dumps(document, indent=2, ensure_ascii=False),
        }
        for document in tenant.custom_schemas
    ]
    return visit.page(
        "attributes.html",
        status,
        tenant=tenant.id,
        schemas=schemas,
        removed=list_removed(tenant.attribute_types, tenant.custom_schemas),
        wrong=wrong,
        given=given,
        section="attributes",
    )
