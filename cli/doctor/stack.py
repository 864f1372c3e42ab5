"""Check the resources of a stack: its status, functions, event source mappings, queues and alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cli.doctor.findings import Finding, Level
from cli.doctor.target import Target
from scim.aws.errors import ErrorResponse

_ALIAS = "live"
_QUEUES = {"DeadLetterQueueUrl": "dead-letter queue", "LinksDeadLetterQueueUrl": "dead-letter queue of links"}
_DEPLOY_AGAIN = "Deploy the stack again: make deploy"
_REDRIVE = "muster redrive lists them with their reasons."


def check_status(stack: Mapping[str, Any]) -> Finding:
    """Check the status of a stack, from its description by CloudFormation."""
    name, status = stack["StackName"], stack["StackStatus"]
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return Finding("stack", Level.OK, f"{name}, {status}")
    if status == "UPDATE_ROLLBACK_COMPLETE":
        detail = f"{name} is {status}: the last deployment failed, and the earlier version runs."
        return Finding("stack", Level.WARNING, detail, "docs/operate/failed-deployments.md lists causes.")
    if status.endswith("_IN_PROGRESS"):
        return Finding("stack", Level.WARNING, f"{name} is {status}.", "Wait, and repeat the command.")
    return Finding("stack", Level.FAULT, f"{name} is {status}.", "docs/operate/failed-deployments.md lists causes.")


def check_functions(target: Target) -> Iterator[Finding]:
    """Check that the live version of each function can be invoked."""
    client, faults = target.create_client("lambda"), 0
    functions = target.resources.get("AWS::Lambda::Function", {})
    for logical_id, name in functions.items():
        try:
            configuration = client.get_function_configuration(FunctionName=name, Qualifier=_ALIAS)
            state = configuration.get("State", "Active")
        except ErrorResponse as error:
            if error.code != "ResourceNotFoundException":
                raise
            state = f"without a version {_ALIAS}"
        if state != "Active":
            faults += 1
            yield Finding("functions", Level.FAULT, f"{logical_id} is {state}.", _DEPLOY_AGAIN)
    if not faults:
        yield Finding("functions", Level.OK, f"{len(functions)} are active")


def check_event_sources(target: Target) -> Iterator[Finding]:
    """Check that the functions receive the stream of the table and the messages of the links queue."""
    client, faults = target.create_client("lambda"), 0
    mappings = target.resources.get("AWS::Lambda::EventSourceMapping", {})
    for logical_id, uuid in mappings.items():
        state = client.get_event_source_mapping(UUID=uuid)["State"]
        if state != "Enabled":
            faults += 1
            detail = f"{logical_id} is {state}: changes wait, and are lost after 24 hours."
            next_step = f"aws lambda update-event-source-mapping --uuid {uuid} --enabled"
            yield Finding("event source mappings", Level.FAULT, detail, next_step)
    if not faults:
        yield Finding("event source mappings", Level.OK, f"{len(mappings)} are enabled")


def check_queues(target: Target) -> Iterator[Finding]:
    """Check that the dead-letter queues are empty."""
    client = target.create_client("sqs")
    for output, name in _QUEUES.items():
        attributes = client.get_queue_attributes(
            QueueUrl=target.outputs[output], AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        number = int(attributes["ApproximateNumberOfMessages"])
        if number:
            yield Finding(name, Level.WARNING, f"{number:,} {'message' if number == 1 else 'messages'}", _REDRIVE)
        else:
            yield Finding(name, Level.OK, "empty")


def check_alarms(target: Target) -> Iterator[Finding]:
    """Check that no alarm is in the state ALARM, and that alarms notify someone."""
    names = sorted(target.resources.get("AWS::CloudWatch::Alarm", {}).values())
    response = target.create_client("cloudwatch").describe_alarms(
        AlarmNames=names, AlarmTypes=["MetricAlarm"], MaxRecords=100
    )
    alarms = response["MetricAlarms"]
    raised = [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]
    for name in raised:
        yield Finding(
            "alarms", Level.FAULT, f"{name} is in the state ALARM.", "docs/operate/alarms.md says what to do."
        )
    if missing := sorted(set(names) - {alarm["AlarmName"] for alarm in alarms}):
        yield Finding("alarms", Level.FAULT, f"Deleted: {', '.join(missing)}.", _DEPLOY_AGAIN)
    if alarms and not any(alarm.get("ActionsEnabled") and alarm.get("AlarmActions") for alarm in alarms):
        detail = f"{len(alarms)} alarms notify no one."
        yield Finding(
            "alarms", Level.WARNING, detail, "Set the parameter AlarmEmail or AlarmTopic, and run make deploy."
        )
    elif not raised and not missing:
        yield Finding("alarms", Level.OK, f"{len(alarms)}, none in the state ALARM")
    yield from _check_subscriptions(target)


def _check_subscriptions(target: Target) -> Iterator[Finding]:
    """Yield a warning for each address that has not confirmed the mails of the alarms."""
    for arn in target.resources.get("AWS::SNS::Topic", {}).values():
        subscriptions = target.create_client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        for subscription in subscriptions:
            if subscription["SubscriptionArn"] == "PendingConfirmation":
                detail = f"{subscription['Endpoint']} has not confirmed the subscription, and receives no mail."
                yield Finding("alarms", Level.WARNING, detail, "Open the link in the mail of AWS Notifications.")
