"""Build the JSON document of a tenant, and format its values for people."""

from typing import Any

from cli import output
from scim.service.tenants.access_problems import describe_first_use, describe_last_use
from scim.service.tenants.health import HealthState
from scim.service.tenants.overview import TenantOverview, UnreadableTenant

_MEMBERS = (
    "tenant",
    "state",
    "health",
    "provider",
    "chosen_provider",
    "strict",
    "brake",
    "extensions",
    "token_created",
    "token_created_by",
    "expires",
    "previous_until",
    "first_contact",
    "connection",
    "last_use",
    "last_request",
    "last_used_token",
    "warning",
)
"""The members of a tenant's JSON document. The document of a tenant that could not be read has them too."""

_COLORS = {
    HealthState.HEALTHY: "green",
    HealthState.DISCONNECTED: "",
    HealthState.NO_REQUEST_YET: "yellow",
    HealthState.UNKNOWN: "yellow",
}


def build_tenant_document(overview: TenantOverview | UnreadableTenant) -> dict[str, Any]:
    """Return the JSON document of a tenant. Times are RFC 3339."""
    if isinstance(overview, UnreadableTenant):
        members = {"tenant": overview.id, "health": overview.health_state, "warning": overview.action_needed}
        return dict.fromkeys(_MEMBERS) | members
    token = overview.tenant.token
    return {
        "tenant": overview.id,
        "state": overview.connection_state,
        "health": overview.health.state,
        "provider": overview.health.provider,
        "chosen_provider": overview.tenant.provider,
        "strict": overview.tenant.is_strict,
        "brake": overview.tenant.brake.is_on,
        "extensions": [document["id"] for document in overview.tenant.custom_schemas],
        "token_created": output.format_rfc3339(token.current_since) if token.version_id else None,
        "token_created_by": token.created_by or None,
        "expires": output.format_rfc3339(token.expires),
        "previous_until": output.format_rfc3339(token.grace_ends) if overview.is_in_grace_period else None,
        "first_contact": output.format_rfc3339(overview.token_usage.first_used) if overview.token_usage else None,
        "connection": describe_first_use(overview.token_usage) if overview.token_usage else None,
        "last_use": output.format_rfc3339(overview.token_usage.last_used) if overview.token_usage else None,
        "last_request": describe_last_use(overview.token_usage) if overview.token_usage else None,
        "last_used_token": overview.last_used_token or None,
        "warning": overview.action_needed or None,
    }


def color_health(state: str) -> output.ColoredText:
    """Return a state of health in its color: green for healthy, red for states in which requests fail."""
    return output.ColoredText(state, _COLORS.get(HealthState(state), "red"))


def format_expiry(document: dict[str, Any]) -> str:
    """Return when the token of a tenant's document expires, for people."""
    return output.format_optional_time(document["expires"], "never" if document["state"] == "connected" else "-")


def format_value(value: Any) -> str:
    """Return a value of a tenant's document for people."""
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, bool):
        return "on" if value else "off"
    return "-" if value is None else str(value)
