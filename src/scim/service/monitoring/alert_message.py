"""Build the message about the customers that have turned bad. It names no person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scim.service.monitoring.health_record import HealthAlert

_MAX_CUSTOMERS = 50
"""The maximum number of customers in a message. The page of all problems lists the others."""
_MAX_SUBJECT_LENGTH = 99  # Amazon SNS API reference, Publish: fewer than 100 characters


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """A message: a subject and a text for people, and the same content for programs."""

    subject: str
    text: str
    members: Mapping[str, object]


def build_alert_message(alerts: Sequence[tuple[str, HealthAlert]], console_url: str) -> AlertMessage:
    """Return the message about alerts, each with the id of its tenant."""
    listed = alerts[:_MAX_CUSTOMERS]
    lines = [
        f"{tenant_id}: {alert.state}, since {alert.at}. {alert.cause}\n{_build_url(console_url, tenant_id)}"
        for tenant_id, alert in listed
    ]
    if len(alerts) > len(listed):
        lines.append(f"And {len(alerts) - len(listed)} more customers: {console_url}/problems")
    names = ", ".join(tenant_id for tenant_id, _ in alerts)
    number = "1 customer needs" if len(alerts) == 1 else f"{len(alerts)} customers need"
    subject = f"User provisioning: {number} attention: {names}"
    if len(subject) > _MAX_SUBJECT_LENGTH:
        subject = f"{subject[: _MAX_SUBJECT_LENGTH - 3]}..."
    members = {
        "customers": [
            {
                "tenant": tenant_id,
                "state": str(alert.state),
                "cause": alert.cause,
                "since": alert.at,
                "url": _build_url(console_url, tenant_id),
            }
            for tenant_id, alert in listed
        ],
        "number_of_customers": len(alerts),
    }
    return AlertMessage(subject, "\n\n".join([f"{subject}", *lines]), members)


def _build_url(console_url: str, tenant_id: str) -> str:
    return f"{console_url}/tenants/{tenant_id}/problems"
