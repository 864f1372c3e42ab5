"""A queue that receives the events of a stack."""

import json
from dataclasses import dataclass
from typing import Any

from tests.deployment.emulated.customer import wait_for
from tests.deployment.emulated.stack import DeployedStack


@dataclass(frozen=True)
class EventQueue:
    """A queue behind a rule on the event bus of a stack, as a product creates it (docs/build/events)."""

    client: Any
    url: str

    @classmethod
    def create(cls, stack: DeployedStack, name: str) -> "EventQueue":
        """Create the queue, its policy and a rule for all events of the stack."""
        client, events = stack.account.client("sqs"), stack.account.client("events")
        url = client.create_queue(QueueName=name)["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
        client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        bus = stack.outputs["EventBusName"]
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": [{"prefix": ""}]}))
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        return cls(client, url)

    def receive(self, detail_type: str, user_name: str) -> Any:
        """Return the ``detail`` of the first event of a type about a user. Delete the events before it."""

        def find() -> Any:
            messages = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=1).get("Messages", [])
            for message in messages:
                self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                event = json.loads(message["Body"])
                if event["detail-type"] == detail_type and event["detail"]["userName"] == user_name:
                    return event["detail"]
            return None

        return wait_for(find)
