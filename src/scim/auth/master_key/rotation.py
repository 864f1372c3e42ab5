"""Change the master key: add a generation, or remove the earlier ones.

The new value is written as a pending version of the secret. It becomes the current version only if the secret has not
changed since it was read. So an interrupted change takes effect completely or not at all, and one of two concurrent
changes fails.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scim.auth.master_key.key_ring import KeyRing, create_generation, format_key_ring, parse_key_ring
from scim.auth.master_key.master_key import START_DELAY_S
from scim.aws.errors import ErrorResponse
from scim.aws.staging_labels import AWSCURRENT, AWSPENDING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class MasterKeyConflict(Exception):
    """The master key cannot be changed now, or was changed concurrently. The message says what to do."""


@dataclass(frozen=True, slots=True)
class MasterKeyRotation:
    """Reads and changes the generations of the master key.

    ``secret_id`` is the name or ARN of the secret. ``now`` returns the seconds since 1970. All methods raise
    :class:`scim.aws.errors.AwsError`, and :class:`scim.auth.errors.MalformedSecret` if the secret was edited and cannot
    be parsed.
    """

    client: SecretsManagerClient
    secret_id: str
    now: Callable[[], float]

    def read_key_ring(self) -> KeyRing:
        """Return the generations in the secret."""
        return self._read()[0]

    def rotate(self) -> KeyRing:
        """Add a generation that starts in :data:`START_DELAY_S`, and return the generations.

        Change nothing if the newest generation has not started yet.
        """
        ring, version_id = self._read()
        newest = ring.generations[0]
        if newest.starts > self.now():
            return ring
        added = create_generation(newest.number + 1, self.now() + START_DELAY_S)
        return self._replace(version_id, KeyRing((added, *ring.generations)))

    def remove_earlier_generations(self) -> KeyRing:
        """Remove all generations except the newest. Everything that was signed with the others becomes invalid.

        Raise :class:`MasterKeyConflict` if the newest generation does not sign yet: none could sign until then.
        """
        ring, version_id = self._read()
        newest = ring.generations[0]
        if newest.starts > self.now():
            raise MasterKeyConflict(
                f"Generation {newest.number} does not sign yet. Repeat the command when it does; "
                "`muster master-key status` shows the time."
            )
        return ring if len(ring.generations) == 1 else self._replace(version_id, KeyRing((newest,)))

    def _read(self) -> tuple[KeyRing, str]:
        """Return the generations, and the id of the secret's current version."""
        response = self.client.get_secret_value(SecretId=self.secret_id, VersionStage=AWSCURRENT)
        return parse_key_ring(response.get("SecretString", ""), self.secret_id), response["VersionId"]

    def _replace(self, current_id: str, ring: KeyRing) -> KeyRing:
        """Write the generations as a new version of the secret, and make it the current version after ``current_id``.

        Raise :class:`MasterKeyConflict` if ``current_id`` is no longer the current version.
        """
        version_id = str(uuid.uuid4())
        self.client.put_secret_value(
            SecretId=self.secret_id,
            SecretString=format_key_ring(ring),
            ClientRequestToken=version_id,
            VersionStages=[AWSPENDING],
        )
        try:
            self.client.update_secret_version_stage(
                SecretId=self.secret_id,
                VersionStage=AWSCURRENT,
                MoveToVersionId=version_id,
                RemoveFromVersionId=current_id,
            )
        except ErrorResponse as error:
            if error.code != "InvalidParameterException":
                raise
            if self._read()[1] == version_id:  # the first attempt succeeded, and its response was lost
                return ring
            raise MasterKeyConflict(
                "The master key was changed at the same time, so this change was not made. Check "
                "`muster master-key status`, and repeat the command if it is still necessary."
            ) from None
        return ring
