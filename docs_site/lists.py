"""Write lists as Python-Markdown reads them; a repository host reads them as CommonMark does."""

import re

_MARKER = re.compile(r"(?:[-*+]|\d+[.)]) +(?=\S)")
_FENCE = re.compile(r"```+|~~~+")


def indent_lists(markdown: str) -> str:
    """Indent what belongs to a list item by four spaces a level, and put an empty line before each list and table.

    CommonMark indents by the width of the marker, such as two for ``- `` and three for ``1. ``, and lets a list or a
    table follow a paragraph without an empty line.
    """
    output: list[str] = []
    columns: list[int] = []  # where the text of each open list item starts
    fence = ""
    for line in markdown.split("\n"):
        text = line.lstrip(" ")
        column = len(line) - len(text)
        if not text:
            output.append("")
            continue
        after_blank = not output or not output[-1]
        was_in_list = bool(columns)
        marker = None if fence else _MARKER.match(text)
        if not fence and (after_blank or marker):
            while columns and column < columns[-1]:
                columns.pop()
        if not after_blank and not fence and _starts_block(text, output[-1].lstrip(), was_in_list):
            output.append("")
        start = min(column, columns[-1]) if columns else 0
        output.append("    " * len(columns) + line[start:])
        if marker:
            columns.append(column + marker.end())
        fence = _next_fence(fence, text)
    return "\n".join(output)


def _starts_block(text: str, previous: str, in_list: bool) -> bool:
    """Return whether a list or a table begins right after a paragraph."""
    if text.startswith("|"):
        return not previous.startswith("|")
    return bool(_MARKER.match(text)) and not in_list and not _MARKER.match(previous)


def _next_fence(fence: str, text: str) -> str:
    """Return the fence of the code block that is open after a line, or nothing."""
    found = _FENCE.match(text)
    if found is None:
        return fence
    if not fence:
        return found.group()
    return "" if text.rstrip() == fence else fence
