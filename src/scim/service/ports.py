"""The interfaces of what the services need. Adapters in ``scim.store`` and ``scim.auth`` implement them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a Lambda function imports only the parts of the model that it uses
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from scim.protocol.errors import ScimError
    from scim.protocol.leniency import LeniencyTracker
    from scim.service.model.audit.audit_event import AuditEvent
    from scim.service.model.audit.failure import DailyFailures, Failure, FailureCount, FailureKind, RequestSummary
    from scim.service.model.audit.log_record import (
        FailureSearchResult,
        LogPosition,
        LogRecord,
        RecordKind,
        RejectedTokenCount,
    )
    from scim.service.model.change_record import ChangeRecord, StoredChange
    from scim.service.model.identity_provider import IdentityProvider
    from scim.service.model.invitation import Acceptance, Invitation
    from scim.service.model.links import ReferrerEntry, UserLinks
    from scim.service.model.query import Query, QueryResult, VerifiedCursor
    from scim.service.model.stored_resource import StoredResource
    from scim.service.model.tenant import Tenant
    from scim.service.model.token import TokenUsage, TokenVersion


class ResourceStore(Protocol):
    """The resources of one type in one tenant. Reads are strongly consistent."""

    def get(self, resource_id: str) -> StoredResource | None:
        """Return the resource; ``None`` if it does not exist."""

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        """Replace ``before`` by ``after`` and add the change record, in one transaction.

        ``before`` is ``None`` for a creation, ``after`` is ``None`` for a deletion. Raise :class:`VersionConflict` if
        another version than ``before`` is stored, else :class:`NotUnique` if another resource has the unique value.
        """

    def find(self, query: Query) -> QueryResult:
        """Return a page of the resources that match a query.

        Raise :class:`scim.protocol.errors.TooMany` if too many resources would have to be read, and
        :class:`scim.protocol.errors.ExpiredCursor` if the positions of all boundaries of the cursor have changed.
        """


class TenantReader(Protocol):
    """Reads the settings of tenants."""

    def get(self, tenant_id: str) -> Tenant | None:
        """Return the settings of a tenant; ``None`` if it does not exist."""


class TenantStore(TenantReader, Protocol):
    """Reads and writes tenants, for their administration."""

    def write(self, before: Tenant | None, after: Tenant, event: AuditEvent) -> None:
        """Replace ``before`` by ``after`` and add the audit event, in one transaction.

        ``before`` is ``None`` for a new tenant. Raise :class:`VersionConflict` if another version is stored.
        """

    def list_ids(self, after: str = "") -> Iterator[str]:
        """Yield the ids of all tenants that were ever connected, in order, beginning after the id ``after``."""

    def get_last_token_usage(self, tenant_id: str) -> TokenUsage | None:
        """Return the usage of the token that was used last; ``None`` if no token was ever used."""

    def count_users(self, tenant_id: str) -> tuple[int, int]:
        """Return how many users the tenant has, and how many of them are active."""

    def list_users(self, tenant_id: str, after: str = "") -> Iterator[StoredResource]:
        """Yield the users in the order of their ids, beginning after the id ``after``. They are read page by page."""


class CursorSigner(Protocol):
    """Signs the cursors that clients keep. Signed text is URL-safe (RFC 3986 section 2.3)."""

    def sign(self, tenant_id: str, content: bytes) -> str:
        """Return the content with a signature that is valid for the tenant, as text."""

    def verify(self, tenant_id: str, text: str) -> VerifiedCursor | None:
        """Return the content that was signed for the tenant; ``None`` if the signature is not valid."""


class TokenStore(Protocol):
    """The tenants' tokens: one secret for each tenant.

    The caller chooses the id of a new version, so the call can be repeated.
    """

    def create_secret(self, tenant_id: str, version_id: str, expires: float | None) -> None:
        """Add a new token, in a new secret, or in one that exists or is scheduled for deletion.

        Raise :class:`SecretNotFound` if the secret is deleted at the same moment, or is not visible yet.
        """

    def add_pending(self, tenant_id: str, version_id: str, expires: float | None, grace_s: float) -> None:
        """Add a new token as the pending one; do nothing if the version exists. Raise :class:`SecretNotFound`."""

    def read(self, tenant_id: str, version_id: str) -> TokenVersion | None:
        """Return a version by its id; ``None`` if there is none."""

    def read_stages(self, tenant_id: str) -> Mapping[str, str]:
        """Return the id of the version in each :class:`TokenStage`, also of a secret that is scheduled for deletion.

        A staging label that somebody has added by hand is its own key.
        """

    def promote(self, tenant_id: str, version_id: str, current_id: str | None, *, keep_previous: bool) -> bool:
        """Make a version the current one, and return whether it did.

        It does not if ``current_id`` is no longer the current version (``None`` for no current version). Unless
        ``keep_previous``, the replaced version loses its stage, so that its token is not valid.
        """

    def cancel_pending(self, tenant_id: str, version_id: str) -> None:
        """Remove the stage of a pending version, so that another rotation can begin."""

    def delete_secret(self, tenant_id: str) -> None:
        """Schedule the secret for deletion. Until then its tokens are not valid, and it can be restored."""

    def restore_secret(self, tenant_id: str) -> None:
        """Restore the secret if it is scheduled for deletion."""


class AuditLogStore(Protocol):
    """The audit log of one tenant. It lags behind the table by about a second. Times are RFC 3339 in UTC."""

    def list_records(
        self, older_than: LogPosition | None = None, kinds: Collection[RecordKind] = ...
    ) -> Iterator[tuple[LogPosition, LogRecord]]:
        """Yield the records of these kinds and their positions, the newest first; only those older than a position.

        The records are read in batches, as they are consumed.
        """

    def find_failures(self, identifiers: Sequence[str]) -> FailureSearchResult:
        """Return the failures of requests that have one of the identifiers; the first 20 identifiers are searched.

        A failure is stored under the first identifier of its request, or under the empty one if the request names
        nobody. All failures that are stored under one of the identifiers are returned, but at most the newest 500 of
        the empty identifier. Failures that have an identifier besides the first are only searched among the newest, in
        a limited number of calls and a share of the remaining time.
        """

    def find_failures_by_name(self, name_hash: str, text: str) -> FailureSearchResult:
        """Return the newest failures that have the hash of a name, or whose identifier contains ``text``.

        They are searched in a limited number of calls and a share of the remaining time.
        """

    def list_changes(self, resource_id: str) -> Iterator[StoredChange]:
        """Yield the changes of a user, the newest first."""

    def find_previous_owner_ids(self, identifier_hash: str) -> Iterator[str]:
        """Yield the ids of the users who had the identifier with this hash before. This reads all changes.

        Raise :class:`scim.protocol.errors.Unavailable` if that takes more than a share of the remaining time.
        """

    def get_user_names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Return the user names of the users with these ids, by id; without those who do not exist."""

    def list_rejected_tokens(self, since: str) -> list[RejectedTokenCount]:
        """Return the numbers of requests whose token was rejected since a time, minute by minute."""

    def list_malformed_tokens(self, since: str) -> list[RejectedTokenCount]:
        """Return the numbers of requests with a malformed token since a time, minute by minute."""

    def get_daily_failures(self, first_day: str, last_day: str) -> Mapping[str, DailyFailures]:
        """Return the counts of the days (UTC) from the first to the last that had failures, by day, in order."""

    def count_changes(self, first_day: str, last_day: str, limit: int) -> tuple[int, bool]:
        """Count the changes of the days (UTC) from the first to the last, at most ``limit``.

        Return the number, and whether there may be more.
        """


class DailyFailureStore(Protocol):
    """Counts the failures of one tenant by day. Nothing is attempted twice."""

    def add_to_day(self, at: str, counts: Mapping[FailureKind, int], provider: IdentityProvider | None) -> bool:
        """Add to the counts of the day (UTC) of ``at``, and return whether that succeeded."""


class FailureStore(DailyFailureStore, Protocol):
    """Records the failures of one tenant."""

    def record_failure(self, failure: Failure) -> FailureCount | None:
        """Record a failure, or count it if it is recorded already; return ``None`` if that did not succeed."""


class OutcomeRecorder(Protocol):
    """Records the outcome of each operation of a request."""

    def record_failure(self, request: RequestSummary, error: ScimError, leniencies: LeniencyTracker) -> None:
        """Record that an operation was answered with an error."""

    def record_success(self, request: RequestSummary, leniencies: LeniencyTracker) -> None:
        """Record that an operation was answered with success."""


class InvitationStore(Protocol):
    """The invitations to the console, by the digest of their secret. The secret itself is not stored."""

    def add(self, digest: str, invitation: Invitation, event: AuditEvent) -> None:
        """Store an invitation and the audit event, in one transaction."""

    def get(self, digest: str) -> tuple[Invitation, Acceptance | None] | None:
        """Return an invitation, and its acceptance if it was accepted; ``None`` if there is no such invitation."""

    def accept(
        self, digest: str, invitation: Invitation, acceptance: Acceptance, event: AuditEvent
    ) -> Acceptance | None:
        """Accept an invitation and add the audit event, in one transaction, unless it was accepted or has expired.

        Return the acceptance: the earlier one if it was accepted before. Return ``None`` if it has expired.
        """


class SessionStore(Protocol):
    """The sessions of the console."""

    def is_unused(self, session_id: str) -> bool:
        """Return whether no request was made in a session yet, and nobody has signed out of it."""


class SignInAttemptStore(Protocol):
    """Counts the attempts to sign in to the console by its password. ``source`` is where they come from."""

    def count_attempt(self, source: str, window: int, expires: int) -> int:
        """Count one more attempt of a source in a window of time, and return how many there are."""

    def reset_attempts(self, source: str, window: int) -> None:
        """Set the count of a source in a window back: it has signed in."""


class LinkStore(Protocol):
    """The links and the reference index of one tenant. Reads are strongly consistent."""

    def get_all(self, ids: Collection[str]) -> dict[str, StoredResource]:
        """Return the users with these ids that exist, by id."""

    def find_matching_user_ids(self, value: str) -> Iterator[Collection[str]]:
        """Yield the ids of the users with the value as id, then as userName, then as externalId, then as email.

        There are at most two ids for each attribute: a value that several users have leads to none of them. Each
        attribute is looked up when the iterator reaches it, and only by keys.
        """

    def update_reference_index(self, add: Collection[ReferrerEntry], remove: Collection[ReferrerEntry]) -> None:
        """Add entries to the reference index and remove others. Repeating it changes nothing."""

    def list_referrers(self, identifier_hash: str, after: str, limit: int) -> list[str]:
        """Return the ids of the users who refer to somebody by an identifier: the first ``limit`` after ``after``."""

    def write_links(self, user: StoredResource, links: UserLinks, change: ChangeRecord) -> None:
        """Set the links of a user and add the change record, in one transaction.

        Raise :class:`VersionConflict` if the user or its links have changed.
        """
