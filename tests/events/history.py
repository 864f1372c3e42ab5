"""A generated history of users, and its records in the table's stream.

Users are created, changed, deactivated, activated and deleted.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from scim.protocol.schema import load_user_type
from scim.service.model.change_record import ChangeRecord
from scim.service.model.query import Query, QueryResult
from scim.service.model.stored_resource import StoredResource
from scim.service.references.links import may_affect_links
from scim.service.resources.crud import ResourceService
from scim.store import items, keys
from tests.endpoint import CORE
from tests.service.fakes import build_context, new_id

TENANT = "acme"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def build_stream_record(image: Mapping[str, Any], number: int = 1, name: str = "INSERT") -> dict[str, Any]:
    """Return a record as Lambda sends it to a function (AWS Lambda Developer Guide)."""
    return {
        "eventID": f"{number:032x}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_000_000.0,
            "Keys": {key: image[key] for key in ("pk", "sk") if key in image},
            "NewImage": dict(image),
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": 100,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:000000000000:table/muster/stream/2026-01-01T00:00:00.000",
    }


class History:
    """A resource store in memory. ``images`` has the change records of all writes."""

    def __init__(self) -> None:
        self.users: dict[str, StoredResource] = {}
        self.images: list[dict[str, Any]] = []

    def get(self, resource_id: str) -> StoredResource | None:
        return self.users.get(resource_id)

    def find(self, query: Query) -> QueryResult:
        raise NotImplementedError

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        """Write like the real store, but do not check that names are unique."""
        if after is not None:
            self.users[after.id] = after
            sort = keys.change_record_key(after.id, after.version)
        else:
            assert before is not None
            del self.users[before.id]
            sort = keys.change_record_key(before.id, before.version + 1)
        affects = may_affect_links(before, after, load_user_type())
        self.images.append(
            items.encode_change(keys.resource_partition(TENANT), sort, new_id(), None, change, may_affect_links=affects)
        )

    def create_all(self, creations: Sequence[tuple[StoredResource, ChangeRecord]]) -> None:
        for created, change in creations:
            self.write(None, created, change)

    @property
    def active(self) -> dict[str, str]:
        """Return the userName of each active user, by id."""
        resources = {user.id: user.resource for user in self.users.values()}
        return {user_id: user["userName"] for user_id, user in resources.items() if user.get("active") is True}

    def generate_changes(self, changes: int, rng: random.Random) -> None:
        """Change users by the real use cases until the history has this number of changes."""
        users = ResourceService(load_user_type(), self, build_context())
        while len(self.images) < changes:
            ids = list(self.users)
            if len(ids) < 50 or rng.random() < 0.2:
                body = {"schemas": [CORE], "userName": f"user {len(self.images)}", "active": rng.random() < 0.9}
                users.create(body | ({"externalId": f"e{len(self.images)}"} if rng.random() < 0.5 else {}))
            elif rng.random() < 0.1:
                users.delete(rng.choice(ids))
            else:
                users.patch(rng.choice(ids), self._patch(rng))

    def _patch(self, rng: random.Random) -> dict[str, Any]:
        path, value = rng.choice(
            [("active", True), ("active", False), ("title", str(rng.random())), ("userName", str(rng.random()))]
        )
        return {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": value}]}


def generate_history(changes: int, seed: int = 1) -> History:
    """Return a history that is the same in every run."""
    history = History()
    history.generate_changes(changes, random.Random(seed))  # noqa: S311  # must be repeatable
    return history
