"""Build the search over all tenants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scim.protocol.schema import load_user_type
from scim.service.audit.person_report import PersonReportBuilder
from scim.service.search.customer_search import SEARCH_TIMEOUT_S, CustomerSearch
from scim.service.search.person_card import PersonCardBuilder
from scim.store.requests.accepted_events import AcceptedEventStore
from scim.store.resources import DynamoDBResourceStore
from scim.store.search.keyed_log import KeyedAuditLogStore
from scim.store.search.match_store import DynamoDBMatchStore
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime

if TYPE_CHECKING:
    from scim.service.model.audit.person_match import Match
    from scim.service.search.person_card import PersonCard
    from scim.store.resources import ResourceStoreConfig
    from scim.store.table import Table


def build_customer_search(
    table: Table, config: ResourceStoreConfig, report_fault: Callable[[str, Exception], None]
) -> CustomerSearch:
    """Return the search over all tenants, with its own time limit.

    ``report_fault`` receives the id of a tenant of which a part could not be read, and the error.
    """
    table = table.with_deadline(table.deadline.with_limit(SEARCH_TIMEOUT_S))
    tenant_store = DynamoDBTenantStore(table, runtime.new_id)
    accepted_events = AcceptedEventStore(table, runtime.current_time, runtime.new_id)
    match_store = DynamoDBMatchStore(table, load_user_type(), config.indexed, accepted_events, runtime.current_time)

    def build_card(match: Match, text: str) -> PersonCard | None:
        tenant = tenant_store.get(match.tenant_id)
        if tenant is None:
            return None
        report_builder = PersonReportBuilder(
            KeyedAuditLogStore(table, tenant.id, runtime.current_time, tenant.provider),
            DynamoDBResourceStore(table, config, tenant.id, tenant.resource_types[0]),
            tenant,
            lambda: tenant_store.get_last_token_usage(tenant.id),
            runtime.current_time,
        )
        return PersonCardBuilder(tenant, report_builder, match_store, runtime.current_time).build(match, text)

    return CustomerSearch(match_store, tenant_store.list_ids, build_card, report_fault)
