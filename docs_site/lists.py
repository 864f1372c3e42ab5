"""Write lists as Python-Markdown reads them; a repository host reads them as CommonMark does."""

import re

_MARKER = re.compile(r"(?:[-*+]|\d+[.)]) +(?=\S)")
_FENCE = re.compile(r"```+|~~~+")


def indent_lists(markdown: str) -> str:
    """Indent what belongs to a list item by four spaces a level, and put an empty line before each list and table.

    CommonMark indents by the width of the marker, such as two for ``- `` and three for ``1. ``. It needs no empty line
    between a paragraph and a list, a table or the next item.
    """
    output: list[str] = []
    columns: list[int] = []  # where the text of each open list item starts
    has_paragraphs = False  # whether an empty line is in the last item
    fence = ""
    for line in markdown.split("\n"):
        text = line.lstrip(" ")
        column = len(line) - len(text)
        if not text:
            output.append("")
            has_paragraphs = True
            continue
        previous = output[-1].lstrip() if output else ""
        marker = None if fence else _find_marker(text, previous, in_list=bool(columns))
        is_new_block = text.startswith("|") and not previous.startswith("|")
        if marker and (has_paragraphs or not columns):
            is_new_block = True
        if not fence and previous and is_new_block:
            output.append("")
        if not fence and (not previous or marker):
            while columns and column < columns[-1]:
                columns.pop()
        start = min(column, columns[-1]) if columns else 0
        output.append("    " * len(columns) + line[start:])
        if marker:
            columns.append(column + marker.end())
            has_paragraphs = False
        fence = _next_fence(fence, text)
    return "\n".join(output)


def _find_marker(text: str, previous: str, *, in_list: bool) -> re.Match[str] | None:
    """Return the marker of a list item. A list cannot interrupt a paragraph with a number other than 1."""
    marker = _MARKER.match(text)
    if marker and previous and not in_list and text[0].isdigit() and not text.startswith(("1.", "1)")):
        return None
    return marker


def _next_fence(fence: str, text: str) -> str:
    """Return the fence of the code block that is open after a line, or nothing."""
    found = _FENCE.match(text)
    if found is None:
        return fence
    if not fence:
        return found.group()
    return "" if text.rstrip() == fence else fence
