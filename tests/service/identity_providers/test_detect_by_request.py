"""The identity provider that is detected from a request."""

import json
from pathlib import Path
from typing import Any

import pytest

from scim.service.identity_providers.detect_by_request import detect_request_provider

RECORDED = sorted((Path(__file__).parents[2] / "idp").glob("*/*.json"))


@pytest.mark.parametrize(
    ("agent", "query", "leniencies", "body", "expected"),
    [
        ("Okta SCIM Client 1.0.0", "", [], None, "okta"),
        ("Google-Auto-Provisioning", "", [], None, "google"),
        ("okta-scim/1.0", "", [], None, "okta"),
        ("Java/17 OKTA/2.1", "", [], None, "okta"),
        ("authentik@2025.6.1", "", [], None, "authentik"),
        ("authentik/2025.6.1 (build 7)", "", [], None, "authentik"),
        ("PingFederate/12.3", "", [], None, "ping"),
        ("PingOne-Provisioning/1", "", [], None, "ping"),
        ("shopping-sync/2.0", "", [], None, None),
        ("Mapping/1.0", "", [], None, None),
        ("ping-monitor/1.0", "", [], None, None),
        ("Mockta/1.0", "", [], None, None),
        ("mykeycloak/1.0", "", [], None, None),
        ("curl/8.7 (run by okta (keycloak) and PingOne)", "", [], None, None),
        ("curl/8.7 (never closed okta", "", [], None, None),
        ("curl/okta", "", [], None, None),
        ("", "aadOptscim062020", [], None, "entra"),
        ("", "", ["string-boolean", "path-as-key"], None, "entra"),
        ("", "", [], {"Operations": [{"op": "Replace"}]}, "entra"),
        ("", "", [], {"Operations": [{"op": "replace"}, 3]}, None),
        ("", "", ["string-boolean"], {"Operations": 3}, None),
        ("curl/8", "filter=x", [], None, None),
    ],
)
def test_provider_is_detected(agent: str, query: str, leniencies: list[str], body: Any, expected: str | None) -> None:
    assert detect_request_provider(agent, query, leniencies, body) == expected


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recording_is_not_detected_as_another_provider(path: Path) -> None:
    """The user agent and the operations are enough. JumpCloud's requests look like those of Entra ID."""
    alike = {"entra", "jumpcloud"}
    recording = json.loads(path.read_text())
    for pair in recording["exchanges"]:
        headers = {name.lower(): value for name, value in recording.get("headers", {}).items()}
        request = pair["request"]
        provider = detect_request_provider(
            headers.get("user-agent", ""), request.get("path", ""), [], request.get("body")
        )
        assert provider in (None, path.parent.name) or {provider, path.parent.name} <= alike
