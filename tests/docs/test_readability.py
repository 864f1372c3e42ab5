"""Sentences are short: at most 35 words in pages, templates, descriptions, docstrings, comments and messages."""

from functools import cache

from tests.docs.prose import CLOUDFORMATION, MARKDOWN, ROOT, SOURCES, TEMPLATES, Kind, Text, list_files, read_texts

MAX_WORDS = 35

# How many longer sentences the repository may have.
MAX_LONG_SENTENCES = 0


def count_words(sentence: str) -> int:
    """Return the number of words. Inline code is one word, and a sign alone is none."""
    return sum(1 for word in sentence.split() if any(character.isalnum() for character in word))


@cache
def list_long_sentences() -> list[str]:
    """Return the sentences with more than 35 words, each with its place."""
    texts = (
        text for path in list_files((*MARKDOWN, *TEMPLATES, *CLOUDFORMATION, *SOURCES)) for text in read_texts(path)
    )
    return [
        f"{text.place} ({count} words): {sentence}"
        for text in texts
        for sentence in text.sentences()
        if (count := count_words(sentence)) > MAX_WORDS
    ]


def test_sentences_have_at_most_35_words() -> None:
    assert list_long_sentences() == []


def test_sentence_ends() -> None:
    text = Text(ROOT / "page.md", 1, Kind.PAGE, 'A "b." C, e.g. d: e? `code` f;\ng.')
    assert text.sentences() == ['A "b.', "C, e.g. d:", "e?", "`code` f; g."]


def test_words_are_counted() -> None:
    assert count_words("a - `code` b-c, d|") == 4
