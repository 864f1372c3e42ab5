"""Send alerts to all channels, and record which of them have accepted them.

An alert is sent at least once to each channel: a run that ends between the two steps lets the next run send it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scim.service.monitoring.alert_message import build_alert_message
from scim.service.monitoring.health_record import HealthAlert, mark_sent
from scim.service.monitoring.ports import AlertChannel, AlertNotSent, HealthStore

_MAX_ATTEMPTS = 3
"""The number of attempts to record that an alert was sent, if another run writes the same record."""


@dataclass(frozen=True, slots=True)
class AlertSender:
    """Sends the alerts that this run has claimed: one message to each channel.

    ``report_fault`` receives the errors of channels. They do not end the run.
    """

    store: HealthStore
    channels: Sequence[AlertChannel]
    console_url: str
    report_fault: Callable[[Exception], None]

    def send(self, alerts: Sequence[tuple[str, HealthAlert]]) -> tuple[int, int]:
        """Send alerts, each with the id of its tenant. Return the numbers of sent and of failed messages."""
        sent_count, failed_count = 0, 0
        for channel in self.channels:
            pending = [(tenant_id, alert) for tenant_id, alert in alerts if channel.name in alert.channels]
            if not pending:
                continue
            message = build_alert_message(pending, self.console_url)
            try:
                channel.send(message.subject, message.text, message.members)
            except AlertNotSent as fault:
                self.report_fault(fault)
                failed_count += 1
                continue
            sent_count += 1
            for tenant_id, alert in pending:
                self._mark_sent(tenant_id, alert, channel.name)
        return sent_count, failed_count

    def _mark_sent(self, tenant_id: str, alert: HealthAlert, channel_name: str) -> None:
        for _ in range(_MAX_ATTEMPTS):
            record = self.store.read(tenant_id)
            if record is None:  # the tenant was purged
                return
            after = mark_sent(record, alert, channel_name)
            if after == record or self.store.write(tenant_id, record, after):
                return
