"""Names are terms of the SCIM RFCs, AWS and Python, and functions are verbs; modules and packages stay small."""

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("src", "cli", "local")
MAX_LINES = 350  # of a module
MAX_MODULES = 12  # of a package, without __init__.py

REFERENCE = re.compile(r":(?:class|func|meth|attr|data|mod|exc):`~?([\w.]+)`")  # in a docstring

# Words that no identifier contains, with their replacements.
RETIRED_WORDS = {
    "aside": "dead_letter_queue",
    "inquiry": "PersonReportBuilder",
    "laptop": "local run",
    "ledger": "counters, bookmarks",
    "lightened": "keys_only",
    "misused": "UsageError",
    "poison": "dead_letter_queue",
    "rooms": "packages",
    "seeker": "referrer",
    "seekers": "referrers",
    "seeking": "reference index",
    "strangers": "unknown_tenant_budget",
    "tether": "die_with_parent",
    "tethered": "die_with_parent",
}

# Identifiers of any kind, without leading underscores, with their replacements.
RETIRED_NAMES = {
    "absorb": "merge",
    "act": "audit_event",
    "acts": "audit_events",
    "adopt": "promote_rotation",
    "again": "retry_count, replay_issue",
    "answer": "response, result",
    "apart": "nontransactional",
    "asked": "request_summary, query_parameters",
    "behind": "after",
    "beside": "next to",
    "called": "name_hash",
    "carry": "carry_over_links",
    "case": "person_report",
    "circle": "cycle",
    "claimed": "extract_client_refs, lock",
    "concerned": "affected",
    "depend": "build_graph",
    "dialect": "leniencies",
    "dropped": "former_identifiers, removed_references",
    "dynamo": "table",
    "each": "a name for what it is",
    "ended": "revoked_versions",
    "enter": "add_referrers",
    "everything": "all_routes",
    "exchange": "request_context",
    "fired": "used",
    "follow": "resolve",
    "followed": "reference_change",
    "formerly": "previous_owner_ids",
    "found": "a name for what it holds",
    "handle": "identifier_hash",
    "handles": "identifier_hashes",
    "judge": "assess",
    "kept": "console_store",
    "known_by": "identifiers_of",
    "laid_aside": "sent_to_dlq",
    "late_recording": "LazyFailureRecorder",
    "lay_aside": "send_to_dlq",
    "leave_out": "record_ignored",
    "left_out": "ignored",
    "light": "keys_only",
    "linked": "insert_refs",
    "lost": "former_identifiers, removed_references",
    "made": "resolve_links",
    "meant": "identify_subject",
    "obstacles": "access_problems",
    "opened": "authentication, verified_cursor",
    "outside": "failed_candidates",
    "partly": "search_by_name",
    "place": "page_start, log_position, constants",
    "relay": "stream_processor",
    "rings": "notifies",
    "seal": "cursor_signing",
    "settle": "update_links",
    "shown": "revealed",
    "standing": "tenant_overview",
    "tell": "publish",
    "token_of": "rejected_tenant",
    "told": "published, notified",
    "visit": "console_request_context",
    "withdraw": "revoke_invitations",
    "within": "with_deadline",
    "write_apart": "put_and_delete_once",
}

# Modules of src/scim.
RETIRED_MODULES = {
    "body": "json_body",
    "choices": "form_options",
    "comparison": "normalize",
    "dependencies": "order",
    "entries": "log_entries",
    "extensions": "custom_schemas",
    "faults": "error_logging",
    "finding": "query_engine",
    "linking": "reference_resolver",
    "listing": "list_response",
    "people": "identifiers",
    "predicate": "evaluator",
    "presentation": "rendering",
    "recorded": "log_codec",
    "password_login": "password_sign_in",
    "recording": "lazy_failure_recorder",
    "refusals": "rejected_tokens",
    "scanner": "tokenizer",
    "resolved_references": "links",
    "secret_store": "token_store",
    "signing_in": "password_sign_in",
    "sources": "scans",
    "stored": "stored_resource",
    "tree": "ast",
    "writing": "patch_values",
}

RETIRED_CLASSES = {
    "Act": "AuditEvent",
    "Anchor": "PageBoundary",
    "Answer": "SearchResult",
    "Asked": "RequestSummary, IdempotencyKey",
    "Beside": "CursorPosition",
    "Between": "RangePlan",
    "ByName": "UniqueKeyScan",
    "ByPoints": "IndexScan",
    "ByTime": "LastModifiedScan",
    "Case": "PersonReport",
    "Change": "ChangeRecord",
    "Changed": "StoredChange",
    "Claims": "client_refs",
    "Counted": "FailureCount",
    "Delivery": "PublishResult",
    "Dialect": "LeniencyTracker",
    "Elements": "MultiValuedPatch",
    "Everything": "FullScanPlan",
    "Exchange": "RequestContext",
    "Followed": "ReferenceChange",
    "Found": "QueryResult",
    "FullScan": "FullScanPlan",
    "InTheWay": "ConflictError",
    "IndexLookup": "IndexLookupPlan",
    "Invitations": "InvitationService",
    "Issued": "IssuedToken",
    "Known": "CachedTenant",
    "LateRecording": "LazyFailureRecorder",
    "Layout": "ResourceStoreConfig",
    "Missing": "NotFoundError",
    "Opened": "VerifiedCursor, Authentication",
    "Operator": "ComparisonOperator, OperatorAdapters",
    "Part": "TransactionRole",
    "PasswordLogin": "PasswordSignIn",
    "PatchOp": "PatchOperationType",
    "Place": "PageStart, LogPosition",
    "Points": "IndexLookupPlan",
    "RangeScan": "RangePlan",
    "ReferenceStore": "LinkStore",
    "Refused": "RejectedTokenCount",
    "ResolvedReference": "Link",
    "ResolvedReferences": "UserLinks",
    "StartIndex": "IndexPosition",
    "Stored": "StoredResource",
    "TenantTokens": "TokenService",
    "Tenants": "TenantService",
    "Use": "TokenUsage",
    "Visit": "ConsoleRequestContext",
}

# Functions are verbs. These one-word names are not, nor is any other that ends in "ed"; properties may be.
PARTICIPLES = frozenset(
    {"built", "chosen", "done", "drawn", "found", "given", "gone", "held", "hidden", "kept", "known", "left", "lost"}
    | {"made", "meant", "sent", "shown", "spent", "taken", "thrown", "told", "understood", "written"}
)
VERBS_IN_ED = frozenset({"embed", "exceed", "feed", "need", "proceed", "seed", "shed", "succeed"})


class Name(NamedTuple):
    """An identifier without leading underscores, and where it is defined."""

    text: str
    kind: str
    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind} {self.text}"


def _read_modules(*folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")


@cache
def _find_names() -> tuple[Name, ...]:
    """Return the names of modules, classes, functions, parameters, fields and variables."""
    names = []
    for path, text in _read_modules(*SOURCES):
        names.append(Name(Path(path.removesuffix("/__init__.py")).stem, "module", path, 1))
        for node in ast.walk(ast.parse(text)):
            names += [
                Name(identifier.strip("_"), kind, path, line)
                for identifier, kind, line in _find_definitions(node)
                if not identifier.startswith("__")
            ]
    return tuple(names)


def _find_definitions(node: ast.AST) -> Iterator[tuple[str, str, int]]:
    match node:
        case ast.ClassDef():
            yield node.name, "class", node.lineno
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield node.name, "property" if _is_property(node) else "function", node.lineno
        case ast.arg():
            yield node.arg, "parameter", node.lineno
        case ast.Attribute(ctx=ast.Store()):
            yield node.attr, "field", node.lineno
        case ast.Name(ctx=ast.Store()):
            yield node.id, "variable", node.lineno
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name, "variable", node.lineno


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


def _split_words(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)]


def _find_replacement(name: Name) -> str | None:
    """Return what to write instead of a retired name, or None if it is not retired."""
    if name.text in RETIRED_NAMES:
        return RETIRED_NAMES[name.text]
    if name.kind == "class" and name.text in RETIRED_CLASSES:
        return RETIRED_CLASSES[name.text]
    if name.kind == "module" and name.path.startswith("src/scim/") and name.text in RETIRED_MODULES:
        return RETIRED_MODULES[name.text]
    return next((RETIRED_WORDS[word] for word in _split_words(name.text) if word in RETIRED_WORDS), None)


def _is_participle(name: Name) -> bool:
    """Return whether a function has a one-word name that is no verb; properties may have such names."""
    ends_in_ed = name.text.endswith("ed") and name.text not in VERBS_IN_ED
    return name.kind == "function" and "_" not in name.text and (ends_in_ed or name.text in PARTICIPLES)


def test_retired_names_are_not_used() -> None:
    retired = {name: _find_replacement(name) for name in _find_names()}
    assert [f"{name} -> {replacement}" for name, replacement in retired.items() if replacement] == []


def test_functions_are_not_participles() -> None:
    assert [str(name) for name in _find_names() if _is_participle(name)] == []


def test_class_name_exists_once() -> None:
    definitions: dict[str, list[str]] = {}
    for name in _find_names():
        if name.kind == "class" and name.path.startswith("src/"):
            definitions.setdefault(name.text, []).append(f"{name.path}:{name.line}")
    repeated = {text: lines for text, lines in definitions.items() if len(lines) > 1}
    assert repeated == {}


def test_package_has_docstring() -> None:
    packages = [(path, text) for path, text in _read_modules(*SOURCES) if path.endswith("/__init__.py")]
    undocumented = {str(Path(path).parent) for path, text in packages if not ast.get_docstring(ast.parse(text))}
    assert undocumented == set()


def test_packages_are_small() -> None:
    paths = [Path(path) for path, _ in _read_modules("src")]
    sizes = Counter(str(path.parent) for path in paths if path.name != "__init__.py")
    large = {package: size for package, size in sizes.items() if size > MAX_MODULES}
    assert large == {}


@pytest.mark.parametrize("folder", SOURCES)
def test_modules_are_small(folder: str) -> None:
    lengths = {path: len(text.splitlines()) for path, text in _read_modules(folder)}
    large = {path: length for path, length in lengths.items() if length > MAX_LINES}
    assert large == {}


def test_references_in_docstrings_exist() -> None:
    modules = list(_read_modules(*SOURCES))
    known = {name.text for name in _find_names()} | set(dir(builtins))
    known |= {part for path, _ in modules for part in Path(path).with_suffix("").parts}
    missing = {
        f"{path}: {reference}"
        for path, text in modules
        for reference in REFERENCE.findall(text)
        if not {part.strip("_") for part in reference.split(".")} <= known
    }
    assert missing == set()
