"""The glossary defines each term in one sentence, and has no term that is not used."""

import re
from functools import cache

from tests.docs.prose import MARKDOWN, ROOT, SOURCES, TEMPLATES, list_files

GLOSSARY = ROOT / "docs/glossary.md"

# The terms that the project agreed on. Those that src/scim/__init__.py emphasizes are added.
TERMS = {
    "audit event",
    "audit log",
    "bookmark",
    "change record",
    "customer",
    "dead letter",
    "generation",
    "grace period",
    "IT admin",
    "leniency",
    "link",
    "local run",
    "master key",
    "operator",
    "participation",
    "previous token",
    "repeating failure",
    "scan",
    "strict mode",
    "tenant",
}


def read_definitions() -> dict[str, str]:
    """Return the definition of each term, in the order of the page."""
    _, *sections = GLOSSARY.read_text("utf-8").split("\n## ")
    return {term: definition.strip() for term, _, definition in (section.partition("\n") for section in sections)}


@cache
def read_other_texts() -> str:
    """Return the text of all other pages, templates and modules, in lower case and with words separated by spaces."""
    paths = [path for path in list_files((*MARKDOWN, *TEMPLATES, *SOURCES)) if path != GLOSSARY]
    return " ".join("\n".join(path.read_text("utf-8") for path in paths).lower().replace("_", " ").split())


def test_every_own_term_is_defined() -> None:
    emphasized = re.findall(r"(?<!\*)\*(\w[\w -]+)\*", (ROOT / "src/scim/__init__.py").read_text("utf-8"))
    defined = {term.casefold() for term in read_definitions()}
    assert [term for term in sorted({*TERMS, *emphasized}) if term.casefold() not in defined] == []


def test_terms_are_in_alphabetical_order() -> None:
    terms = list(read_definitions())
    assert len(terms) > 40
    assert terms == sorted(terms, key=str.lower)


def test_definition_is_one_sentence() -> None:
    definitions = read_definitions()
    assert [term for term, text in definitions.items() if not text.endswith(".") or re.search(r"\.\s", text)] == []


def test_every_term_is_used() -> None:
    texts = read_other_texts()
    unused = [term for term in read_definitions() if not re.search(rf"\b{re.escape(_get_stem(term))}", texts)]
    assert unused == []


def _get_stem(term: str) -> str:
    """Return the part of a term that its plural has, too."""
    return term.lower().removesuffix("y")
