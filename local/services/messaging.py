"""EventBridge and SQS of the local run, in one HTTP server."""

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
from local.services.sqs import SqsService, build_queue_url


@dataclass(frozen=True)
class Messaging:
    """The running server.

    The file ``events`` has the published events. The file ``dead_letters`` has the messages in queues that no function
    consumes.
    """

    url: str
    queues: Queues
    events: Path
    dead_letters: Path

    def build_queue_url(self, name: str) -> str:
        """Return the URL of a queue."""
        return build_queue_url(self.url, name)

    def build_references(self) -> dict[str, str]:
        """Return the values of ``!Ref`` and ``!GetAtt`` for each queue: its URL, name and ARN."""
        values: dict[str, str] = {}
        for queue in self.queues.configs.values():
            values |= {
                queue.name: self.build_queue_url(queue.name),
                f"{queue.name}.QueueName": queue.name,
                f"{queue.name}.Arn": queue.arn,
            }
        return values


@contextmanager
def serve_messaging(
    data: Path, configs: Iterable[QueueConfig], consumed: Iterable[str] = (), bus_name: str = "local"
) -> Iterator[Messaging]:
    """Serve an event bus and queues until the end of the block, with their data in a directory.

    ``consumed`` are the names of the queues that a function consumes.
    """
    eventbridge = EventBridgeService(data / "events.jsonl", bus_name)
    queues = Queues(data / "queues.db", configs, data / "dead-letters.jsonl", consumed)
    with ThreadingHTTPServer((HOST, 0), build_http_handler(lambda request: dispatch(request))) as server:
        url = f"http://{HOST}:{server.server_port}"
        sqs = SqsService(queues, url)

        def dispatch(request: ServiceRequest) -> ServiceResponse:
            return sqs(request) if request.target.startswith("AmazonSQS.") else eventbridge(request)

        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Messaging(url, queues, eventbridge.events, queues.log)
        finally:
            server.shutdown()
            queues.close()
