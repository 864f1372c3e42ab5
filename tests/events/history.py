"""What the table's stream brings of a generated history: users come, change, leave, come back and are deleted."""

import random
from collections.abc import Mapping
from typing import Any

from scim.protocol.schema import load_user_type
from scim.service.model.change_record import ChangeRecord
from scim.service.model.query import Query, QueryResult
from scim.service.model.stored_resource import StoredResource
from scim.service.references.links import may_affect_links
from scim.service.resources.crud import ResourceService
from scim.store import items, keys
from tests.endpoint import CORE
from tests.service.fakes import context, new_id

TENANT = "acme"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def stream_record(image: Mapping[str, Any], number: int = 1, name: str = "INSERT") -> dict[str, Any]:
    """A record as Lambda hands it to a function (AWS Lambda developer guide)."""
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
    """The users of a table, and the images of the change records that their writes have left."""

    def __init__(self) -> None:
        self.users: dict[str, StoredResource] = {}
        self.images: list[dict[str, Any]] = []

    def get(self, resource_id: str) -> StoredResource | None:
        return self.users.get(resource_id)

    def find(self, query: Query) -> QueryResult:
        raise NotImplementedError

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        """As the store's: only names that are taken are not looked for."""
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

    @property
    def active(self) -> dict[str, str]:
        """The userName of each user who takes part, by id."""
        resources = {user.id: user.resource for user in self.users.values()}
        return {user_id: user["userName"] for user_id, user in resources.items() if user.get("active") is True}

    def go_on(self, changes: int, choose: random.Random) -> None:
        """Let changes happen, made by the real use cases, until there are so many."""
        users = ResourceService(load_user_type(), self, context())
        while len(self.images) < changes:
            ids = list(self.users)
            if len(ids) < 50 or choose.random() < 0.2:
                body = {"schemas": [CORE], "userName": f"user {len(self.images)}", "active": choose.random() < 0.9}
                users.create(body | ({"externalId": f"e{len(self.images)}"} if choose.random() < 0.5 else {}))
            elif choose.random() < 0.1:
                users.delete(choose.choice(ids))
            else:
                users.patch(choose.choice(ids), self._patch(choose))

    def _patch(self, choose: random.Random) -> dict[str, Any]:
        path, value = choose.choice(
            [("active", True), ("active", False), ("title", str(choose.random())), ("userName", str(choose.random()))]
        )
        return {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": value}]}


def generated(changes: int, seed: int = 1) -> History:
    """The same history in every run."""
    history = History()
    history.go_on(changes, random.Random(seed))  # noqa: S311  # chance that can be repeated
    return history
