"""Retired words and phrases do not come back into pages, messages, docstrings, comments and test names."""

import re
from collections import Counter
from functools import cache

from tests.docs.prose import (
    CLOUDFORMATION,
    MARKDOWN,
    ROOT,
    SOURCES,
    TEMPLATES,
    TESTS,
    TOOLS,
    Kind,
    Text,
    list_files,
    read_texts,
    split_python,
)

# Regular expressions without regard to case, with what to write instead. Inline code and identifiers are not searched:
# tests/test_names.py does the latter.
RETIRED = {
    r"\bwhoever\b": "name the person: the operator, the IT admin, a client",
    r"\bwhom\b": "use 'that', or make two sentences",
    r"\bwhat it comes to\b": "summary",
    r"\b(?:came|comes?|coming) to nothing\b": "is ignored",
    r"(?<!\bkey )(?<!\bkey-)\b(?:rings?|rang|ringing)\b": "the alarm notifies; a cycle",
    r"\bfor ever\b": "without limit, never expires, permanently",
    r"\bin so many words\b": "explicitly",
    r"\bhand(?:s|ed|ing)? over\b": "send, pass, queue",
    r"\blaptops?\b": "local run",
    r"\b(?:takes?|took|taking) part\b": "is active",
    r"\bthe one before\b": "the previous one",
    r"\b(?:lays?|laid|laying) (?:it |them )?aside\b": "send to the dead-letter queue",
    r"\bwalk(?:s|ed|ing)?\b": "page through, read all users, scan",
    r"\b(?:an|the|each|every|this|that|one|another|any|no|its|their|last|same|such|of|two|these|those) acts?\b"
    r"|\bacts\b(?! (?:as|on|like)\b)": "audit event, action",
    r"\b(?:gets?|got|getting) in\b(?! touch)": "is provisioned, signs in, has access",
    r"\b(?:is|are|was|were|be|been|being) told\b": "receives, is notified, is published, is distinguished",
    r"(?<!\bretry )(?<!\bevent )(?<!\bendless )(?<!\binfinite )\bloops?\b": "repeating failure",
    r"(?<!<)\bcircles?\b": "cycle",
    r"\bbesides?\b": "next to, with, in addition to",
    r"\bbeyond the RFC\b": "non-standard",
    r"\bof (?:its|their|our|his|one's) own\b": "its own X, our own X, a separate X",
    r"\b(?:nobody|somebody)\b": "no user, no one, a user, a person",
    r"\beach further\b|\bfurther ones?\b": "later, more, the next ones",
    r"\b(?:tether|seekers?|poison\w*|ledgers?)\b": "see tests/test_names.py",
    r"\bstrangers?\b": "unknown, unauthenticated",
    r"\bin doubt\b": "outcome unknown",
    r"\banew\b": "again",
    r"\bside by side\b": "in parallel, at the same time, next to each other",
    r"\bin the way\b": "conflict",
    r"\blogs? of failures\b": "audit log",
    r"\b(?:has|have) no case\b": "is case-insensitive",
    r"\bbars? holds?\b": "limits are met",
    r"\bwhat ends it there\b": "limited by",
    r"\bthis did not work\b": "say what failed and what to do",
}

# Every phrase begins with a word, so no expression is tried in the middle of one.
_PATTERN = re.compile(rf"\b(?:{'|'.join(f'({pattern})' for pattern in RETIRED)})", re.IGNORECASE)
_REPLACEMENTS = list(RETIRED.values())
_WORD_LISTS = ("tests/docs/test_words.py", "tests/test_names.py")


@cache
def list_occurrences() -> dict[str, list[str]]:
    """Return each occurrence of a retired phrase, with its place and what to write instead, by file."""
    occurrences: dict[str, list[str]] = {}
    for path in list_files((*MARKDOWN, *TEMPLATES, *CLOUDFORMATION, *SOURCES, *TOOLS, *TESTS)):
        name = str(path.relative_to(ROOT))
        for text in read_texts(path) if name not in _WORD_LISTS else ():
            occurrences.setdefault(name, []).extend(describe(text))
    return {name: found for name, found in occurrences.items() if found}


def describe(text: Text) -> list[str]:
    """Return the retired phrases in a text, with their places and replacements."""
    prose = " ".join(text.text.split())
    return [
        f"{text.place} ({text.kind}): '{found.group()}' -> {_REPLACEMENTS[(found.lastindex or 1) - 1]}"
        for found in _PATTERN.finditer(prose)
    ]


def test_retired_words_are_not_used() -> None:
    assert [line for lines in list_occurrences().values() for line in lines] == []


def _phrases(source: str) -> list[str]:
    """Return the retired phrases in the source of a module."""
    texts = [Text(ROOT / "example.py", *text) for text in split_python(source)]
    return [re.findall("'(.+?)'", line)[0] for text in texts for line in describe(text)]


def test_retired_words_are_found_in_each_kind_of_text() -> None:
    assert _phrases('"""An act\nof\nits own."""\n') == ["An act", "of its own"]
    assert _phrases("x = 1  # whoever\n# rings\n") == ["whoever", "rings"]
    assert _phrases('print(f"{a} takes part in {b}")') == ["takes part"]
    assert _phrases("def test_nobody_is_found(): ...") == ["nobody"]


def test_other_uses_of_a_retired_word_are_accepted() -> None:
    assert _phrases('"""Walker acts on the key ring in a retry loop; ``walk`` is code. Get in touch."""') == []


def test_each_kind_of_text_is_read() -> None:
    patterns = (*MARKDOWN, *TEMPLATES, *CLOUDFORMATION, *SOURCES, *TESTS)
    kinds = Counter(text.kind for path in list_files(patterns) for text in read_texts(path))
    assert {kind for kind, count in kinds.items() if count > 50} == set(Kind)
