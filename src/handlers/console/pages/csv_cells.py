"""Cells of CSV files that are safe to open in a spreadsheet."""

from __future__ import annotations

import unicodedata


def escape_formula(cell: str) -> str:
    """Return the cell with an apostrophe before it if a spreadsheet may run it as a formula (OWASP, "CSV Injection").

    A formula begins with one of ``=+-@``. Spreadsheets skip blanks and control characters before it, and those with
    Japanese settings also accept full-width characters, such as U+FF1D.
    """
    if cell[:1].isalnum():
        return cell
    visible = (character for character in cell if not character.isspace() and unicodedata.category(character)[0] != "C")
    first = unicodedata.normalize("NFKC", next(visible, ""))
    return f"'{cell}" if first.startswith(("=", "+", "-", "@")) or cell.startswith(("\t", "\r", "\n")) else cell
