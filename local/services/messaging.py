"""EventBridge and SQS of the local run: one server, which keeps its data in a directory."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path

from local.constants import HOST
from local.services.eventbridge import EventBridgeService
from local.services.journaled_service import ServiceRequest, ServiceResponse, build_http_handler
from local.services.queue_config import QueueConfig
from local.services.queues import Queues
from local.services.sqs import SqsService, queue_url


@dataclass(frozen=True)
class Messaging:
    """Where the server is, and what it has. The files are for a developer to watch: ``events`` has what was published,
    ``dead_letters`` what arrived in queues that no function consumes."""

    url: str
    queues: Queues
    events: Path
    dead_letters: Path

    def queue_url(self, name: str) -> str:
        return queue_url(self.url, name)

    def references(self) -> dict[str, str]:
        """Return the values of ``!Ref`` and ``!GetAtt`` for each queue: its URL, name and ARN."""
        values: dict[str, str] = {}
        for queue in self.queues.configs.values():
            values |= {
                queue.name: self.queue_url(queue.name),
                f"{queue.name}.QueueName": queue.name,
                f"{queue.name}.Arn": queue.arn,
            }
        return values


@contextmanager
def serve_messaging(
    data: Path, queues: Iterable[QueueConfig], consumed: Iterable[str] = (), bus_name: str = "local"
) -> Iterator[Messaging]:
    """Serve an event bus and the queues until the end of the block.

    ``consumed`` are the queues that a function consumes.
    """
    bus = EventBridgeService(data / "events.jsonl", bus_name)
    store = Queues(data / "queues.db", queues, data / "dead-letters.jsonl", consumed)
    with ThreadingHTTPServer((HOST, 0), build_http_handler(lambda call: dispatch(call))) as server:
        url = f"http://{HOST}:{server.server_port}"
        sqs = SqsService(store, url)

        def dispatch(call: ServiceRequest) -> ServiceResponse:
            return sqs(call) if call.target.startswith("AmazonSQS.") else bus(call)

        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Messaging(url, store, bus.events, store.log)
        finally:
            server.shutdown()
            store.close()
