"""Show the plan and the cost of a query without running it: ``python -m local.explain FILTER [SORT]``.

The variable ``INDEXED_ATTRIBUTES`` names the indexed attributes; its default is that of a deployment.
"""

import os
import sys
from collections.abc import Iterator, Sequence

from scim.protocol.errors import ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import SearchRequest
from scim.protocol.schema import load_user_type
from scim.service.model.query import Query
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import parse_query
from scim.settings import Settings
from scim.store.query.engine import choose_plan, needs_sorting
from scim.store.query.plan import LAST_CHARACTER, FullScanPlan, IndexLookupPlan, OrderedIndex, Plan, RangePlan
from scim.wiring.dynamodb import resolve_indexed_attributes

_SETTINGS = {"TABLE_NAME": "muster", "SECRET_PREFIX": "muster/", "MASTER_KEY_SECRET": "muster/master-key"}  # not used
KEY_NAMES = {OrderedIndex.UNIQUE_KEYS: "keys of userName", OrderedIndex.LAST_MODIFIED: "index by time"}


def main(arguments: Sequence[str]) -> int:
    """Print the plan and return the exit code, which is 1 for an invalid query."""
    text, sort = [*arguments, "", ""][:2]
    try:
        request = SearchRequest(filter=text or None, sortby=sort or None)
        query = parse_query(request, load_user_type(), LeniencyTracker(), ResourceRenderer(load_user_type(), ""))
        settings = Settings.from_environment({**os.environ, **_SETTINGS})
        indexed = resolve_indexed_attributes(settings)
    except ScimError as error:
        print(f"{error.status} {error.scim_type}: {error.detail}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    plan = choose_plan(query, load_user_type(), indexed)
    for name, line in _describe_plan(plan, query, is_sorted=needs_sorting(plan, query, indexed)):
        print(f"{name:<8} {line}")
    return 0


def _describe_plan(plan: Plan, query: Query, *, is_sorted: bool) -> Iterator[tuple[str, str]]:
    yield "filter", str(query.filter) if query.filter is not None else "none"
    yield "plan", f"{plan},sort" if is_sorted else str(plan)
    match plan:
        case IndexLookupPlan(indexed_values):
            for key in sorted(indexed_values, key=str):
                yield "key", f"{key.name} = {key.value}"
        case RangePlan(index, first, last):
            yield "range", f"{KEY_NAMES[index]} {_describe_range(first, last)}"
    yield "checks", _describe_filtering(plan, query)
    yield "cost", _describe_cost(plan, query, is_sorted=is_sorted)


def _describe_range(first: str | None, last: str | None) -> str:
    """Return the first and the last key, or the prefix of all keys in the range."""
    if first is not None and last == first + LAST_CHARACTER:
        return f"that begin with {first}"
    return f"from {first or 'the first'} to {last or 'the last'}"


def _describe_filtering(plan: Plan, query: Query) -> str:
    if query.filter is None:
        return "nothing: there is no filter"
    return "nothing: all users in this range match" if plan.is_exact else "the whole filter, on every user that is read"


def _describe_cost(plan: Plan, query: Query, *, is_sorted: bool) -> str:
    scope = "all users, 1 MB a call" if isinstance(plan, FullScanPlan) else "the whole range"
    if is_sorted:
        return f"every page reads {scope}, to sort the users"
    match plan:
        case IndexLookupPlan():
            return "one call for each key, and one for every 100 users"
        case FullScanPlan(is_exact=True):
            return "3 calls for each page"
        case RangePlan(OrderedIndex.UNIQUE_KEYS) if query.filter is None:
            return "at most 5 calls for each page; without a bookmark, also a count of the preceding keys"
        case _ if plan.is_exact:
            return "the keys and users of the page; on the first page, also the number of keys"
        case _:
            return f"the first page reads {scope}, to count the matches; later pages continue where the last one ended"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
