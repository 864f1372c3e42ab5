"""A stack from the previous release to its successor: upgrade, rollback, deletion, and a new stack with its data.

Each test is a step, and continues where the step before it ended.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deployment.emulated.account import DeploymentError, EmulatedAccount
from tests.deployment.emulated.console_browser import ConsoleBrowser
from tests.deployment.emulated.customer import Customer, use_customer, wait_for
from tests.deployment.emulated.event_queue import EventQueue
from tests.deployment.emulated.release import build_next_release, build_release
from tests.deployment.emulated.stack import DeployedStack

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USERS = 25
PAGE = 10
DATA = ("TableName", "StreamArn", "MasterKeySecret", "SecretPrefix")
"""The outputs that a stack with the data of another one takes as parameters."""


@dataclass
class Story:
    """What the steps share: the release, the customer and what its users and their clients keep."""

    release: Path
    stack: DeployedStack
    token: str
    user_names: list[str] = field(default_factory=list)
    linked: str = ""
    cursor: str = ""
    queue: EventQueue | None = None
    outputs: dict[str, str] = field(default_factory=dict)

    def create_users(self, customer: Customer, names: list[str], **attributes: Any) -> None:
        """Create users, and expect their events."""
        for name in names:
            customer.create_user(name, **attributes)
            self.user_names.append(name)
        if self.queue:
            self.queue.receive("UserProvisioned", names[-1])


@pytest.fixture(scope="module")
def story(account: EmulatedAccount) -> Story:
    """The previous release as a stack, with a customer."""
    release = build_release()
    stack = account.deploy_with_sam("muster", build=release / ".aws-sam/build")
    token = DeployedStack(account, stack.name, stack.outputs, release).muster("connect", "acme")["token"]
    return Story(release, stack, token)


@pytest.fixture
def customer(story: Story) -> Iterator[Customer]:
    """The customer of all steps, with the token from the first one."""
    with use_customer(story.stack, "acme", story.token) as customer:
        yield customer


@pytest.fixture(scope="module")
def http_client(account: EmulatedAccount) -> Iterator[httpx.Client]:
    """The HTTP client of a browser, which keeps its cookies."""
    with account.open_http_client() as client:
        yield client


def list_user_names(customer: Customer) -> list[str]:
    """Return the names of all users, by cursor pages."""
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        response = customer.send("GET", "/Users", cursor=cursor, count="10")
        assert response.status_code == 200, response.text
        page = response.json()
        names += [user["userName"] for user in page["Resources"]]
        cursor = page.get("nextCursor")
    return sorted(names)


def find_link(customer: Customer, user_id: str) -> Any:
    """Return the link of a user's manager, or None."""
    return customer.send("GET", f"/Users/{user_id}").json()[ENTERPRISE]["manager"].get("$ref")


def test_failed_deployment(account: EmulatedAccount) -> None:
    """Fail to deploy to a taken name, and leave nothing behind."""
    account.client("events").create_event_bus(Name="muster")  # the name that the stack wants
    try:
        with pytest.raises(DeploymentError, match=r"EventBus already\s+exists"):
            account.deploy("muster")
    finally:
        account.client("events").delete_event_bus(Name="muster")
    assert account.list_stacks() == []
    assert account.client("dynamodb").list_tables()["TableNames"] == []
    assert account.client("secretsmanager").list_secrets()["SecretList"] == []


def test_previous_release(story: Story, customer: Customer, http_client: httpx.Client) -> None:
    """Build and deploy the previous release, and use it."""
    story.queue = EventQueue.create(story.stack, "events")
    story.create_users(customer, [f"user{number:02}@example.com" for number in range(USERS)])
    boss = customer.create_user("boss@example.com")
    user = customer.create_user("linked@example.com", **{ENTERPRISE: {"manager": {"value": boss["id"]}}})
    story.user_names += ["boss@example.com", "linked@example.com"]
    story.linked = user["id"]
    wait_for(lambda: find_link(customer, story.linked))
    page = customer.send("GET", "/Users", cursor="", count=str(PAGE), sortBy="userName").json()
    assert len(page["Resources"]) == PAGE
    story.cursor = page["nextCursor"]
    secrets = story.stack.account.client("secretsmanager")
    password = secrets.get_secret_value(SecretId=story.stack.outputs["AdminPasswordSecret"])["SecretString"]
    browser = ConsoleBrowser(story.stack, http_client)
    page = browser.get("/admin")
    assert browser.submit(page, page.forms[0], password=password).status == 200


def test_upgrade(account: EmulatedAccount, story: Story, customer: Customer, http_client: httpx.Client) -> None:
    """Deploy this version over it: token, users, cursor, link, events and the session in the console go on."""
    before = story.stack.outputs
    story.stack = account.deploy("muster")
    assert {name: story.stack.outputs[name] for name in ("ScimUrl", *DATA)} == {
        name: before[name] for name in ("ScimUrl", *DATA)
    }
    assert list_user_names(customer) == sorted(story.user_names)
    page = customer.send("GET", "/Users", cursor=story.cursor, count=str(PAGE), sortBy="userName")
    assert page.status_code == 200, page.text
    names = [user["userName"] for user in page.json()["Resources"]]
    assert names == sorted(story.user_names)[PAGE : 2 * PAGE]
    assert find_link(customer, story.linked)
    story.create_users(customer, ["upgraded@example.com"])
    assert "acme" in ConsoleBrowser(story.stack, http_client).get("/admin").text


def test_rollback(account: EmulatedAccount, story: Story, customer: Customer) -> None:
    """Deploy the next release, return to the earlier functions with ``make rollback``, and use them."""
    story.stack = account.deploy("muster", build=build_next_release())
    report = account.run_deployment("versions", "rollback")
    functions = {function["FunctionName"] for function in account.client("lambda").list_functions()["Functions"]}
    assert set(re.findall(r"^(\S+): live version \d+, before \d+$", report, re.MULTILINE)) == functions
    assert list_user_names(customer) == sorted(story.user_names)
    story.create_users(customer, ["rolled-back@example.com"])


def test_return_to_previous_release(account: EmulatedAccount, story: Story, customer: Customer) -> None:
    """Deploy the previous release over this version, and this version again."""
    account.deploy_with_sam("muster", build=story.release / ".aws-sam/build")
    assert list_user_names(customer) == sorted(story.user_names)
    story.create_users(customer, ["returned@example.com"])
    story.stack = account.deploy("muster")
    assert list_user_names(customer) == sorted(story.user_names)


def test_deletion(account: EmulatedAccount, story: Story) -> None:
    """Delete the stack. Its table, secrets and log groups stay."""
    story.outputs = dict(story.stack.outputs)
    table = account.client("dynamodb").describe_table(TableName=story.outputs["TableName"])["Table"]
    assert table["DeletionProtectionEnabled"] is True
    account.delete("muster")
    assert account.list_stacks() == []
    assert account.client("dynamodb").list_tables()["TableNames"] == [story.outputs["TableName"]]
    names = [secret["Name"] for secret in account.client("secretsmanager").list_secrets()["SecretList"]]
    assert f"{story.outputs['SecretPrefix']}acme" in names
    prefix = story.outputs["FunctionLogGroup"]
    assert account.client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"] != []


def test_other_stack_with_the_data(account: EmulatedAccount, story: Story) -> None:
    """Deploy another stack with the table and the secrets: the token reads the users."""
    story.stack = account.deploy("other", *(f"{name}={story.outputs[name]}" for name in DATA))
    assert {name: story.stack.outputs[name] for name in DATA} == {name: story.outputs[name] for name in DATA}
    with use_customer(story.stack, "acme", story.token) as customer:
        assert list_user_names(customer) == sorted(story.user_names)
        story.queue = EventQueue.create(story.stack, "other")
        story.create_users(customer, ["other@example.com"])


def test_restored_table(account: EmulatedAccount, story: Story) -> None:
    """Deploy it with a copy of the table, as after a restore, without the table."""
    dynamodb = account.client("dynamodb")
    copy_table(dynamodb, story.outputs["TableName"], "restored")
    report = account.run_deployment("table_protection", "restored")
    parameters = re.findall(r"(?:TableName|StreamArn|RestoredAt)=\S+", report)
    secrets = [f"{name}={story.outputs[name]}" for name in ("MasterKeySecret", "SecretPrefix")]
    story.stack = account.deploy("other", *parameters, *secrets)
    assert story.stack.outputs["TableName"] == "restored"
    dynamodb.update_table(TableName=story.outputs["TableName"], DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=story.outputs["TableName"])
    with use_customer(story.stack, "acme", story.token) as customer:
        assert list_user_names(customer) == sorted(story.user_names)
        story.create_users(customer, ["restored@example.com"])


def copy_table(client: Any, source: str, target: str) -> None:
    """Copy the items of a table to a new one, which has keys and indexes and no other setting, as after a restore."""
    table = client.describe_table(TableName=source)["Table"]
    index = {key: table["GlobalSecondaryIndexes"][0][key] for key in ("IndexName", "KeySchema", "Projection")}
    client.create_table(
        TableName=target,
        KeySchema=table["KeySchema"],
        AttributeDefinitions=table["AttributeDefinitions"],
        GlobalSecondaryIndexes=[index],
        BillingMode="PAY_PER_REQUEST",
    )
    for page in client.get_paginator("scan").paginate(TableName=source):
        for item in page["Items"]:
            client.put_item(TableName=target, Item=item)
