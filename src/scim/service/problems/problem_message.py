"""Write the message about an open problem that an operator sends to the IT admin of a tenant."""

from __future__ import annotations

from collections.abc import Mapping

from scim.service.audit.it_admin_message import write_it_admin_message
from scim.service.problems.problem import Problem


def write_problem_message(problem: Problem, user_names: Mapping[str, str], checked_at: str) -> str:
    """Return the message in plain text. Its times are RFC 3339.

    ``user_names`` are the user names of people that the problem identifies only by their id, by id. ``checked_at`` is
    when the problem was open (RFC 3339 in UTC).
    """
    people = [user_names.get(identifier, identifier) for _, identifier in problem.people]
    if people and problem.people_count > len(people):
        people.append(f"and {problem.people_count - len(people)} more")
    finding = " ".join(filter(None, (problem.summary, _describe_time(problem))))
    sections = {"What to do": [problem.remediation], "People": people}
    return write_it_admin_message("user provisioning", finding, sections, checked_at)


def _describe_time(problem: Problem) -> str:
    if not problem.first_at:
        return ""
    last = f", most recently at {problem.last_at}" if problem.last_at != problem.first_at else ""
    return f"Since {problem.first_at}{last}."
