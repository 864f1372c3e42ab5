"""Custom attributes: the schemas that extend a tenant's users, which the operator adds, replaces and removes."""

from __future__ import annotations

import json
from http import HTTPStatus

from handlers.console.visit import Visit
from handlers.console.web import Page, redirect
from scim.protocol.body import read_json
from scim.protocol.errors import InvalidSyntax
from scim.service.extensions import kind
from scim.service.ports import Tenant
from scim.service.shapes import list_removed


def show(visit: Visit, tenant: Tenant) -> Page:
    return _page(visit, tenant)


def add(visit: Visit, tenant: Tenant) -> Page:
    """Add a schema document, or replace the one with the same id."""
    given = visit.request.form.get("document", "")
    try:
        visit.tenants.add_schemas(tenant.id, [read_json(given.encode())])
    except InvalidSyntax as error:
        return _page(visit, tenant, HTTPStatus.BAD_REQUEST, wrong=error.detail, given=given)
    except ValueError as error:
        return _page(visit, tenant, HTTPStatus.BAD_REQUEST, wrong=str(error), given=given)
    return redirect("tenants", tenant.id, "attributes")


def remove(visit: Visit, tenant: Tenant) -> Page:
    visit.tenants.remove_schema(tenant.id, visit.request.form.get("schema", ""))
    return redirect("tenants", tenant.id, "attributes")


def _page(
    visit: Visit, tenant: Tenant, status: HTTPStatus = HTTPStatus.OK, *, wrong: str = "", given: str = ""
) -> Page:
    schemas = [
        {
            "id": document["id"],
            "attributes": [(each["name"], kind(each)) for each in document["attributes"]],
            "text": json.dumps(document, indent=2, ensure_ascii=False),
        }
        for document in tenant.extensions
    ]
    return visit.page(
        "attributes.html",
        status,
        tenant=tenant.id,
        schemas=schemas,
        removed=list_removed(tenant.shapes, tenant.extensions),
        wrong=wrong,
        given=given,
        section="attributes",
    )
