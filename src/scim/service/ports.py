"""The interfaces of the stores and signers that the use cases need.

Adapters in ``scim.store`` and ``scim.auth`` implement them.
"""

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
    from scim.service.model.deactivations.brake import MassDeactivation
    from scim.service.model.deactivations.counts import CountSnapshot, DeactivationCounts
    from scim.service.model.identity_provider import IdentityProvider
    from scim.service.model.invitation import Acceptance, Invitation
    from scim.service.model.links import ReferrerEntry, UserLinks
    from scim.service.model.query import Query, QueryResult, VerifiedCursor
    from scim.service.model.rate_limit.bucket import Lease, LeaseRequest, RateLimit
    from scim.service.model.stored_resource import StoredResource
    from scim.service.model.tenant import Tenant
    from scim.service.model.token import TokenUsage, TokenVersion


class ResourceStore(Protocol):
    """The resources of one type in one tenant. Reads are strongly consistent."""

    def get(self, resource_id: str) -> StoredResource | None:
        """Return a resource, ``None`` if it does not exist."""

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        """Replace ``before`` by ``after`` and add the change record, in one transaction.

        ``before`` is ``None`` for a creation. ``after`` is ``None`` for a deletion. Raise :class:`VersionConflict` if
        another version than ``before`` is stored, and else :class:`NotUnique` if another resource has the same value of
        the unique attribute.
        """

    def create_all(self, creations: Sequence[tuple[StoredResource, ChangeRecord]]) -> None:
        """Create several resources and add their change records, all in one transaction.

        Raise :class:`CreationsFailed` with the errors of single resources, :class:`TooManyItems` if one transaction
        cannot write all of them, or :class:`scim.protocol.errors.Unavailable`. Then nothing was created, unless
        the error says that this is unknown.
        """

    def find(self, query: Query) -> QueryResult:
        """Return a page of the resources that match a query.

        Raise :class:`scim.protocol.errors.TooMany` if the query would read too many resources. Raise
        :class:`scim.protocol.errors.ExpiredCursor` if the positions of all boundaries in the cursor have changed.
        """


class DeactivationStore(Protocol):
    """Counts the deactivations of one tenant. Reads are strongly consistent."""

    def read(self) -> DeactivationCounts:
        """Return the counts, the snapshots and the last alert, in one read."""

    def write_snapshots(self, snapshots: Sequence[CountSnapshot]) -> None:
        """Replace the snapshots."""

    def record_alert(self, before: MassDeactivation | None, alert: MassDeactivation) -> bool:
        """Record an alert, and return whether that succeeded.

        It fails if ``before`` is no longer the last alert (``None`` for no alert).
        """


class TenantReader(Protocol):
    """Reads the settings of tenants."""

    def get(self, tenant_id: str) -> Tenant | None:
        """Return a tenant, ``None`` if it does not exist."""


class TenantStore(TenantReader, Protocol):
    """Reads and writes tenants, for operators and IT admins."""

    def write(self, before: Tenant | None, after: Tenant, event: AuditEvent) -> None:
        """Replace ``before`` by ``after`` and add the audit event, in one transaction.

        ``before`` is ``None`` for a new tenant. Raise :class:`VersionConflict` if another version is stored.
        """

    def list_ids(self, after: str = "") -> Iterator[str]:
        """Yield the ids of all tenants that were ever connected, in order, starting after the id ``after``."""

    def get_last_token_usage(self, tenant_id: str) -> TokenUsage | None:
        """Return the usage of the token that was used last, ``None`` if no token was ever used."""

    def count_users(self, tenant_id: str) -> tuple[int, int]:
        """Return the number of users of a tenant, and the number of active users."""

    def list_users(self, tenant_id: str, after: str = "") -> Iterator[StoredResource]:
        """Yield the users in the order of their ids, starting after the id ``after``. They are read page by page."""


class CursorSigner(Protocol):
    """Signs cursors, and verifies those that clients send back. Cursors are URL-safe (RFC 3986 section 2.3)."""

    def sign(self, tenant_id: str, content: bytes) -> str:
        """Return a cursor with the content and a signature that is valid for the tenant."""

    def verify(self, tenant_id: str, text: str) -> VerifiedCursor | None:
        """Return the content of a cursor, ``None`` if its signature is not valid for the tenant."""


class PermitStore(Protocol):
    """The permits of all tenants: one bucket for each tenant. Times are in seconds since 1970."""

    def lease(self, tenant_id: str, request: LeaseRequest, limit: RateLimit, now: float) -> Lease:
        """Take permits out of the tenant's bucket.

        Raise :class:`scim.service.model.rate_limit.BucketUnavailable` if DynamoDB does not answer.
        """


class TokenStore(Protocol):
    """The tenants' tokens: one secret for each tenant. Times are in seconds since 1970.

    The caller chooses the id of a new version, so that the call can be repeated.
    """

    def create_secret(self, tenant_id: str, version_id: str, expires: float | None) -> None:
        """Add a new token to the tenant's secret. Create the secret, or restore it, if necessary.

        Raise :class:`SecretNotFound` if the secret is deleted at the same moment, or is not visible yet.
        """

    def add_pending(self, tenant_id: str, version_id: str, expires: float | None, grace_s: float) -> None:
        """Add a new token as the pending version. Do nothing if the version exists. Raise :class:`SecretNotFound`."""

    def read(self, tenant_id: str, version_id: str) -> TokenVersion | None:
        """Return a version of the secret by its id, ``None`` if there is none."""

    def read_stages(self, tenant_id: str) -> Mapping[str, str]:
        """Return the id of the version in each :class:`TokenStage`; empty if there is no secret.

        A secret that is scheduled for deletion has stages too. Staging labels that an operator has added by hand are
        included under their own names.
        """

    def promote(self, tenant_id: str, version_id: str, current_id: str | None, *, keep_previous: bool) -> bool:
        """Make a version the current one, and return whether that succeeded.

        It fails if ``current_id`` is no longer the current version (``None`` for no current version). Unless
        ``keep_previous``, the replaced version loses its stage, so that its token becomes invalid.
        """

    def cancel_pending(self, tenant_id: str, version_id: str) -> None:
        """Remove the stage of a pending version, so that another rotation can start."""

    def remove_versions(self, tenant_id: str, version_ids: Collection[str], empty_version_id: str) -> None:
        """Take the stages from versions, so that no settings can make their tokens valid again.

        If the current version is one of them, a version without a token replaces it. ``empty_version_id`` is the id of
        this version. Do nothing if there is no secret, or it is scheduled for deletion.
        """

    def delete_secret(self, tenant_id: str) -> None:
        """Schedule the secret for deletion. Its tokens become invalid immediately. The secret can still be restored."""

    def restore_secret(self, tenant_id: str) -> None:
        """Restore the secret if it is scheduled for deletion."""

    def destroy_secret(self, tenant_id: str) -> None:
        """Delete the secret immediately, also if it is scheduled for deletion. It cannot be restored."""


class AuditLogStore(Protocol):
    """The audit log of one tenant. It lags behind writes by about a second. Times are RFC 3339 in UTC."""

    def list_records(
        self,
        start: LogPosition | None = None,
        kinds: Collection[RecordKind] = ...,
        *,
        oldest_first: bool = False,
        user_ids: Collection[str] = (),
    ) -> Iterator[tuple[LogPosition, LogRecord]]:
        """Yield the records of some kinds with their positions, newest first, starting after ``start``.

        With ``oldest_first`` they are in the other order, so they are newer than ``start``. ``user_ids`` restricts the
        changes to those of these users. The records are read in batches as the caller consumes them.
        """

    def find_failures(self, identifiers: Sequence[str]) -> FailureSearchResult:
        """Return the failures of requests that have one of the first 200 identifiers.

        A failure is stored under the first identifier of its request, or under the empty one if the request identifies
        no person. All failures under one of the identifiers are returned, but at most the newest 500 under the empty
        one. The other identifiers are searched among the newest failures, with a limited number of calls and time.
        """

    def find_failures_by_name(self, name_hash: str, text: str) -> FailureSearchResult:
        """Return the newest failures that have the hash of a name, or whose identifier contains ``text``.

        The search makes a limited number of calls, and takes a share of the remaining time.
        """

    def list_failed_request_keys(self, request_id: str) -> Sequence[str]:
        """Return the sort keys of the first failures of a request, or of the count that includes its rejected token."""

    def list_changes(self, resource_id: str) -> Iterator[StoredChange]:
        """Yield the changes of a user, newest first."""

    def find_previous_owner_ids(self, identifier_hash: str) -> Iterator[str]:
        """Yield the ids of the users who had the identifier with this hash before. All change records are read.

        Raise :class:`scim.protocol.errors.Unavailable` if this takes more than a share of the remaining time.
        """

    def get_user_names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Return the user names of users, by id. Ids of users that do not exist are omitted."""

    def list_rejected_tokens(self, since: str) -> list[RejectedTokenCount]:
        """Return the numbers of requests whose token was rejected since a time, by minute."""

    def list_malformed_tokens(self, since: str) -> list[RejectedTokenCount]:
        """Return the numbers of requests with a malformed token since a time, by minute."""

    def get_daily_failures(self, first_day: str, last_day: str) -> Mapping[str, DailyFailures]:
        """Return the numbers of failures of the days (UTC) that have any, by day and in order. Both are included."""

    def count_changes(self, first_day: str, last_day: str, limit: int) -> tuple[int, bool]:
        """Count at most ``limit`` changes from the first to the last day (UTC). Return also if there may be more."""

    def get_last_mass_deactivation(self) -> MassDeactivation | None:
        """Return the last alert about a mass deactivation, ``None`` if there was none."""


class DailyFailureStore(Protocol):
    """Counts the failures of one tenant by day. A call that fails is not repeated."""

    def add_to_day(self, at: str, counts: Mapping[FailureKind, int], provider: IdentityProvider | None) -> bool:
        """Add numbers of failures to the day (UTC) of ``at`` (RFC 3339), and return whether that succeeded."""


class FailureStore(DailyFailureStore, Protocol):
    """Records the failures of one tenant."""

    def record_failure(self, failure: Failure, number: int = 1) -> FailureCount | None:
        """Record ``number`` failures, or add to the count of an equal one. Return ``None`` if that did not succeed."""

    def record_failed_request(self, request_id: str, failures: Sequence[Failure]) -> bool:
        """Let failures be found by the id of their request, and return whether that succeeded."""


class OutcomeRecorder(Protocol):
    """Records the results of requests, or of the operations of a bulk request."""

    def record_failure(self, request: RequestSummary, error: ScimError, leniencies: LeniencyTracker) -> None:
        """Record that an operation was answered with an error."""

    def record_success(self, request: RequestSummary, leniencies: LeniencyTracker) -> None:
        """Record that an operation was answered with success."""


class InvitationStore(Protocol):
    """The invitations to the console, by the hash of their secret (``digest``). The secret itself is not stored."""

    def add(self, digest: str, invitation: Invitation, event: AuditEvent, *, ends_request: bool) -> None:
        """Store an invitation and an audit event, in one transaction. If ``ends_request``, end the request for it."""

    def add_link_request(self, tenant_id: str, expires: float, event: AuditEvent) -> None:
        """Store the request for a new invitation and an audit event, in one transaction.

        The request is deleted after ``expires`` (seconds since 1970).
        """

    def get_link_requests(self, now: float) -> dict[str, str]:
        """Return when a new invitation was requested (RFC 3339 in UTC), by tenant."""

    def get_link_request(self, tenant_id: str, now: float) -> str:
        """Return when a new invitation was requested for a tenant (RFC 3339 in UTC), empty for never."""

    def get(self, digest: str) -> tuple[Invitation, Acceptance | None] | None:
        """Return an invitation, and its acceptance if any. Return ``None`` if there is no such invitation."""

    def accept(
        self, digest: str, invitation: Invitation, acceptance: Acceptance, event: AuditEvent
    ) -> Acceptance | None:
        """Accept an invitation and add an audit event, in one transaction.

        Return the acceptance. If the invitation was accepted before, write nothing and return the earlier acceptance.
        If it has expired, write nothing and return ``None``.
        """


class SessionStore(Protocol):
    """The sessions of the console."""

    def is_unused(self, session_id: str) -> bool:
        """Return whether a session has received no request yet, and was not ended by a sign-out."""


class SignInAttemptStore(Protocol):
    """Counts the attempts to sign in with the admin password. ``source`` identifies the client's network."""

    def count_attempt(self, source: str, window: int, expires: int) -> int:
        """Count an attempt of a source in a window of time, and return the number of its attempts in the window.

        ``window`` is the number of the window. The count is deleted after ``expires`` (seconds since 1970).
        """

    def reset_attempts(self, source: str, window: int) -> None:
        """Reset the count of a source in a window, after a successful sign-in."""


class LinkStore(Protocol):
    """The links and the reference index of one tenant. Reads are strongly consistent."""

    def get_all(self, ids: Collection[str]) -> dict[str, StoredResource]:
        """Return the users with these ids, by id. Ids of users that do not exist are omitted."""

    def find_matching_user_ids(self, value: str) -> Iterator[Collection[str]]:
        """Yield the ids of the users that have a value as id, then as userName, then as externalId, then as email.

        Each element of the iterator has at most two ids. Two ids mean that the value is ambiguous, and no link is made.
        Each attribute is looked up when the iterator reaches it, by an index.
        """

    def update_reference_index(self, add: Collection[ReferrerEntry], remove: Collection[ReferrerEntry]) -> None:
        """Add entries to the reference index, and remove others. The call is idempotent."""

    def list_referrers(self, identifier_hash: str, after: str, limit: int) -> list[str]:
        """Return the ids of at most ``limit`` users that refer to an identifier, in order, starting after ``after``."""

    def write_links(self, user: StoredResource, links: UserLinks, change: ChangeRecord) -> None:
        """Set the links of a user and add the change record, in one transaction.

        Raise :class:`VersionConflict` if the user or its links have changed.
        """
