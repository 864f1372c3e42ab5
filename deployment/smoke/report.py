"""Print the results as a table."""

from collections.abc import Sequence

from deployment.smoke.check import Outcome, Result

_HEADINGS = ("check", "result", "seconds", "detail")


def format_table(results: Sequence[Result]) -> str:
    """Return the table of results, and a last line with their number by outcome."""
    rows = [
        _HEADINGS,
        *[(result.name, str(result.outcome), f"{result.seconds:.1f}", result.detail) for result in results],
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}" for row in rows]
    counts = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    return "\n".join([*lines, "", summary])
