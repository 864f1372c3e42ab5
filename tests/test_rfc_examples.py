"""The examples of RFC 7643, section 8, and RFC 7644, sections 3 and 4, that concern users (the files under ``rfc``)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.replay import load, replay

if TYPE_CHECKING:
    from tests.endpoint import Endpoint

RFC = Path(__file__).parent / "rfc"
JSON = {"Content-Type": "application/scim+json"}
EXAMPLES: dict[str, Any] = json.loads((RFC / "filters.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(RFC.glob("*-*.json")), ids=lambda path: path.stem)
def test_example_gets_the_response_of_the_rfc(path: Path, scim: "Endpoint") -> None:
    replay(load(path), scim.send)


def test_filter_examples_match_their_users(scim: "Endpoint") -> None:
    names = {created(scim, user): name for name, user in EXAMPLES["users"].items()}

    found = {example["filter"]: sorted(names[id_] for id_ in query(scim, example["filter"])) for example in FILTERS}

    assert found == {example["filter"]: sorted(example["finds"]) for example in FILTERS}


FILTERS: list[dict[str, Any]] = EXAMPLES["filters"]


def created(scim: "Endpoint", user: dict[str, Any]) -> str:
    status, _, body = scim.send("POST", "/Users", JSON, json.dumps(user).encode())
    assert status == 201, body
    id_: str = json.loads(body)["id"]
    return id_


def query(scim: "Endpoint", text: str) -> list[str]:
    status, _, body = scim.send("GET", f"/Users?filter={quote(text)}", {}, None)
    assert status == 200, (text, body)
    return [user["id"] for user in json.loads(body)["Resources"]]
