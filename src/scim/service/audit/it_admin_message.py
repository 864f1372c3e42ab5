"""Write the message that an operator copies and sends to the IT admin of a tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def write_it_admin_message(subject: str, finding: str, sections: Mapping[str, Sequence[str]], checked_at: str) -> str:
    """Return the message in plain text. Its times are RFC 3339.

    Args:
        subject: What the message is about, such as ``the provisioning of ada@example.com``.
        finding: What happened, in sentences.
        sections: Lists of lines by their heading. Empty ones are omitted.
        checked_at: When the finding was true (RFC 3339 in UTC).
    """
    lines = ["Hello,", "", f"about {subject}:", "", finding, ""]
    for heading, items in sections.items():
        if items:
            lines += [f"{heading}:", *(f"- {item}" for item in items), ""]
    return "\n".join([*lines, f"This was the state at {checked_at}."])
