"""Build the processors of the table's stream and of the links queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scim.aws import clients
from scim.aws.config import EVENTS_CONFIG
from scim.wiring import runtime

if TYPE_CHECKING:
    from scim.events.link_processor import LinkProcessor
    from scim.events.stream_processor import StreamProcessor
    from scim.service.deadline import Deadline
    from scim.service.references.link_task import LinkResult, LinkTask
    from scim.settings import Settings


def build_stream_processor_factory(settings: Settings) -> Callable[[Deadline], StreamProcessor]:
    """Return a function that builds the processor of the table's stream for one batch.

    Raise ``ValueError`` if the settings lack the event bus or a queue.
    """
    from scim.events import stream_processor
    from scim.events.dead_letter import DeadLetterQueue
    from scim.events.eventbridge import EventBus
    from scim.events.message_queue import MessageQueue
    from scim.store.requests.accepted_events import AcceptedEventStore
    from scim.wiring.dynamodb import create_client, open_table

    if not (settings.event_bus_name and settings.links_queue_url and settings.dead_letter_queue_url):
        raise ValueError("Publishing changes needs EVENT_BUS_NAME, LINKS_QUEUE_URL and DEAD_LETTER_QUEUE_URL.")
    events = clients.create_client("events", EVENTS_CONFIG)
    sqs = clients.create_client("sqs", EVENTS_CONFIG)
    dynamodb = create_client()

    def build_processor(deadline: Deadline) -> StreamProcessor:
        table = open_table(dynamodb, settings, deadline)
        return stream_processor.StreamProcessor(
            EventBus(events, settings.event_bus_name, stream_processor.create_publish_deadline(deadline)),
            MessageQueue(sqs, settings.links_queue_url, stream_processor.create_link_task_deadline(deadline)),
            DeadLetterQueue(MessageQueue(sqs, settings.dead_letter_queue_url, deadline)),
            AcceptedEventStore(table, runtime.current_time, runtime.new_id),
            runtime.current_time,
        )

    return build_processor


def build_link_processor_factory(settings: Settings) -> Callable[[Deadline], LinkProcessor]:
    """Return a function that builds the processor of the links queue for one batch.

    Raise ``ValueError`` if the settings lack a queue, or name attributes that cannot be indexed.
    """
    from scim.events.dead_letter import DeadLetterQueue
    from scim.events.link_processor import LinkProcessor
    from scim.events.message_queue import MessageQueue

    if not (settings.links_queue_url and settings.links_dead_letter_queue_url):
        raise ValueError("Linking users needs LINKS_QUEUE_URL and LINKS_DEAD_LETTER_QUEUE_URL.")
    run_task = _build_task_runner(settings)
    sqs = clients.create_client("sqs", EVENTS_CONFIG)

    def build_processor(deadline: Deadline) -> LinkProcessor:
        return LinkProcessor(
            run_task,
            MessageQueue(sqs, settings.links_queue_url, deadline),
            DeadLetterQueue(MessageQueue(sqs, settings.links_dead_letter_queue_url, deadline)),
            deadline,
        )

    return build_processor


def _build_task_runner(settings: Settings) -> Callable[[LinkTask, Deadline], LinkResult]:
    """Return a function that runs one task of the links queue."""
    from scim.service.references.link_task import LinkResult
    from scim.service.references.reference_resolver import ReferenceResolver
    from scim.store.links import DynamoDBLinkStore
    from scim.store.tenants import DynamoDBTenantStore
    from scim.wiring.dynamodb import build_resource_store_config, create_client, open_table

    client, resource_store_config = create_client(), build_resource_store_config(settings)

    def run_task(task: LinkTask, deadline: Deadline) -> LinkResult:
        table = open_table(client, settings, deadline)
        tenant = DynamoDBTenantStore(table, runtime.new_id).get(task.tenant_id)
        if tenant is None:  # it was purged
            return LinkResult(links_written=0, remaining_task=None)
        resource_type = tenant.resource_types[0]
        store = DynamoDBLinkStore(table, resource_store_config, task.tenant_id, resource_type)
        return ReferenceResolver(store, resource_type, runtime.current_time).run(task)

    return run_task
