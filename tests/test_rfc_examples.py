"""Replay the examples of RFC 7643, section 8, and RFC 7644, sections 3 and 4, in ``tests/rfc``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.replay import Deviation, load, replay

if TYPE_CHECKING:
    from scim.service.tenants.tenant_service import TenantService
    from tests.endpoint import Endpoint

RFC = Path(__file__).parent / "rfc"
JSON = {"Content-Type": "application/scim+json"}
REJECTED_IN_STRICT_MODE = {"7644-3.5.2.1-patch-add", "7644-3.5.2.3-patch-replace"}
"""Strict mode rejects PATCH operations without a path, although the RFC allows them."""
EXAMPLES: dict[str, Any] = json.loads((RFC / "filters.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(RFC.glob("*-*.json")), ids=lambda path: path.stem)
def test_example_gets_response_of_rfc(path: Path, scim: "Endpoint") -> None:
    replay(load(path), scim.send)


@pytest.mark.parametrize("path", sorted(RFC.glob("*-*.json")), ids=lambda path: path.stem)
def test_example_in_strict_mode(path: Path, scim: "Endpoint", operator: "TenantService") -> None:
    operator.configure(scim.token.split("_")[1], is_strict=True)
    if path.stem not in REJECTED_IN_STRICT_MODE:
        replay(load(path), scim.send)
        return
    with pytest.raises(Deviation, match="needs a path, because strict mode is on"):
        replay(load(path), scim.send)


def test_filter_examples_match_their_users(scim: "Endpoint") -> None:
    names = {create_user(scim, user): name for name, user in EXAMPLES["users"].items()}

    matches = {
        example["filter"]: sorted(names[id_] for id_ in query_ids(scim, example["filter"])) for example in FILTERS
    }

    assert matches == {example["filter"]: sorted(example["finds"]) for example in FILTERS}


FILTERS: list[dict[str, Any]] = EXAMPLES["filters"]


def create_user(scim: "Endpoint", user: dict[str, Any]) -> str:
    status, _, body = scim.send("POST", "/Users", JSON, json.dumps(user).encode())
    assert status == 201, body
    id_: str = json.loads(body)["id"]
    return id_


def query_ids(scim: "Endpoint", text: str) -> list[str]:
    status, _, body = scim.send("GET", f"/Users?filter={quote(text)}", {}, None)
    assert status == 200, (text, body)
    return [user["id"] for user in json.loads(body)["Resources"]]
