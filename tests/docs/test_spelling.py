"""The words that the spell check accepts."""

from tests.docs.prose import CLOUDFORMATION, MARKDOWN, ROOT, SOURCES, TEMPLATES, list_files

WORDS = ROOT / "docs_site/words.txt"
OTHERS = ("docs/build/events/*.json", "docs_site/*.py", "samconfig.toml", "Makefile", "examples/**/*.json")


def list_groups() -> list[list[str]]:
    """Return the words of each group, which has a heading and ends with an empty line."""
    groups = WORDS.read_text("utf-8").strip().split("\n\n")
    return [[line for line in group.splitlines() if not line.startswith("#")] for group in groups]


def test_accepted_words_are_sorted() -> None:
    for group in list_groups():
        assert group == sorted(group, key=str.casefold)


def test_accepted_words_are_used() -> None:
    files = list_files((*MARKDOWN, *TEMPLATES, *CLOUDFORMATION, *SOURCES, *OTHERS))
    text = "\n".join(path.read_text("utf-8") for path in files).casefold()
    assert [word for group in list_groups() for word in group if word.casefold() not in text] == []
