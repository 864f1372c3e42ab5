"""Replay the recorded requests of identity providers in ``tests/idp``."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.replay import load, replay

if TYPE_CHECKING:
    from tests.endpoint import Endpoint

IDP = Path(__file__).parent / "idp"
FILES = sorted(IDP.glob("*/*.json"))


def test_recordings_have_twelve_providers_and_120_exchanges() -> None:
    scenarios = [load(path) for path in FILES]

    assert len({scenario.provider for scenario in scenarios}) >= 12
    assert sum(len(scenario.exchanges) for scenario in scenarios) >= 120


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_scenario_names_its_provider_and_source(path: Path) -> None:
    scenario = load(path)

    assert scenario.provider == path.parent.name
    assert scenario.name
    assert scenario.source


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_provider_gets_expected_responses(path: Path, scim: "Endpoint") -> None:
    replay(load(path), scim.send)
