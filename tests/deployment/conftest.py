"""An AWS account on the emulator, and a stack in it, for the tests of a file."""

from collections.abc import Iterator

import pytest

from tests.deployment.emulated.account import EmulatedAccount, start_account
from tests.deployment.emulated.stack import DeployedStack


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAccount]:
    """An empty account."""
    with start_account(tmp_path_factory.mktemp("account")) as account:
        yield account


@pytest.fixture(scope="module")
def stack(account: EmulatedAccount) -> DeployedStack:
    """The stack ``muster`` with the built functions."""
    return account.deploy("muster")
