"""Test the creation of clients for commands."""

from threading import Thread

import pytest

from cli.aws_session import AwsSession, LazyClient


class Client:
    """A client that counts how many there are."""

    created = 0

    def __init__(self) -> None:
        Client.created += 1

    def get_item(self) -> str:
        return "item"


def test_lazy_client_is_created_once_and_when_it_is_used() -> None:
    Client.created = 0
    client = LazyClient(Client)
    assert Client.created == 0
    threads = [Thread(target=lambda: client.get_item()) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (client.get_item(), Client.created) == ("item", 1)


def test_region_of_the_option_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    sessions = [AwsSession(region_name="eu-central-1"), AwsSession()]
    assert [session.client("sqs").meta.region_name for session in sessions] == ["eu-central-1", "eu-west-1"]
    monkeypatch.delenv("AWS_REGION")
    assert AwsSession().client("sqs").meta.region_name == "us-east-1"


def test_time_limit_of_a_session_is_for_one_attempt() -> None:
    config = AwsSession(region_name="eu-west-1", timeout_s=3).client("sqs").meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (3, 3, 1)
