"""Extract the English text of the repository: pages, templates, messages, docstrings, comments and test names."""

import ast
import html
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]

MARKDOWN = ("*.md", "docs/**/*.md", "examples/**/*.md")
TEMPLATES = ("src/handlers/console/templates/*.html", "docs/*.svg")
CLOUDFORMATION = ("template.yaml", "examples/*/template.yaml")
SOURCES = ("src/**/*.py", "cli/**/*.py", "local/**/*.py", "examples/**/*.py")
TOOLS = ("bench/**/*.py", "browser/**/*.py", "docs_site/**/*.py")
TESTS = ("tests/**/*.py",)

CODE = "`code`"  # what inline code becomes: one word


class Kind(StrEnum):
    """Where a text is."""

    PAGE = "page"
    TEMPLATE = "template"
    DESCRIPTION = "description"
    COMMENT = "comment"
    DOCSTRING = "docstring"
    MESSAGE = "message"
    TEST_NAME = "test name"


class Text(NamedTuple):
    """A paragraph, a list item, a table cell, a message or a comment."""

    path: Path
    line: int
    kind: Kind
    text: str

    @property
    def place(self) -> str:
        """The path, relative to the repository, with the line."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    def sentences(self) -> list[str]:
        """Split the text at full stops, question marks, exclamation marks and colons, but not at abbreviations."""
        ends = _SENTENCE_END.split(" ".join(self.text.split()))
        return [sentence for sentence in ends if sentence]


_SENTENCE_END = re.compile(r"(?<=[.!?:])(?<!\be\.g\.)(?<!\bi\.e\.)[\"')]*\s+(?=\S)")


def list_files(patterns: Sequence[str]) -> list[Path]:
    """Return the files that match one of the patterns, without those of installed packages."""
    paths = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(path for path in paths if not {"node_modules", "__pycache__"} & set(path.parts))


@cache
def read_texts(path: Path) -> tuple[Text, ...]:
    """Return the texts of a file by its type."""
    source = path.read_text("utf-8")
    match path.suffix:
        case ".md":
            texts = split_markdown(source)
        case ".html" | ".svg":
            texts = split_html(source)
        case ".yaml":
            texts = split_yaml(source)
        case _:
            texts = split_python(source)
    return tuple(Text(path, line, kind, text) for line, kind, text in texts if text.strip())


Texts = Iterator[tuple[int, Kind, str]]

_BLOCK = re.compile(r"\n[ \t]*\n|\n(?=\s*(?:[-*+] |\d+\. |\||#|<))")


def _blocks(source: str) -> Iterator[tuple[int, str]]:
    """Split Markdown into paragraphs, headings, list items and table rows, each with its line."""
    start = 0
    for end in [*(found.end() for found in _BLOCK.finditer(source)), len(source)]:
        yield source.count("\n", 0, start) + 1, source[start:end]
        start = end


def split_markdown(source: str) -> Texts:
    """Yield the texts of a Markdown page, without its code blocks, addresses and HTML tags."""
    source = re.sub(r"^( *)(```|~~~).*?^\1\2", _blank, source, flags=re.DOTALL | re.MULTILINE)
    source = re.sub(r"<!--.*?-->", _blank, source, flags=re.DOTALL)
    for line, block in _blocks(source):
        text = re.sub(r"`[^`]+`", CODE, block)
        text = re.sub(r"\]\([^)]*\)|^\[[^\]]+\]: \S+", "]", text, flags=re.MULTILINE)
        text = re.sub(r"https?://\S+|<[^>]+>", " ", text)
        for cell in re.split(r"(?<!\\)\|", text) if text.lstrip().startswith("|") else [text]:
            yield line, Kind.PAGE, re.sub(r"^\s*(#+|[-*+]|\d+\.|-{3,})(\s|$)|[\[\]*]|!(?=\[)", " ", cell)


def _blank(found: re.Match[str]) -> str:
    return "\n" * found.group().count("\n")


_LABEL = re.compile(r'(?:aria-label|alt|title|placeholder)="([^"]+)"')
_INLINE = r"a|b|code|em|i|kbd|span|strong|time|tspan"


def split_html(source: str) -> Texts:
    """Yield the texts and labels of an HTML template. A value of Jinja becomes one word."""
    source = re.sub(r"<style.*?</style>|\{%.*?%\}|\{#.*?#\}", _blank, source, flags=re.DOTALL)
    source = re.sub(r"\{\{.*?\}\}", lambda found: CODE + _blank(found), source, flags=re.DOTALL)
    labels = [
        (found.start(), found.group(1))
        for found in re.finditer(r'(?:aria-label|alt|title|placeholder)="([^"]+)"', source)
    ]
    source = re.sub(rf"</?(?:{_INLINE})(?:\s[^>]*)?>", lambda found: " " * len(found.group()), source)
    pieces = [(found.start(), found.group()) for found in re.finditer(r"(?<=>)[^<>]+(?=<)|\A[^<>]+|[^<>]+\Z", source)]
    for start, piece in sorted([*labels, *pieces]):
        start += len(piece) - len(piece.lstrip())
        yield source.count("\n", 0, start) + 1, Kind.TEMPLATE, html.unescape(piece)


def split_yaml(source: str) -> Texts:
    """Yield the descriptions and the comments of a CloudFormation template."""
    lines = [(number, line.strip()) for number, line in enumerate(source.splitlines(), 1)]
    yield from _join_comments((number, line) for number, line in lines if line.startswith("#"))
    root = yaml.compose(source, Loader=yaml.SafeLoader)
    for key, value in _mappings(root):
        if key.endswith("Description") and isinstance(value, yaml.ScalarNode):
            yield value.start_mark.line + 1, Kind.DESCRIPTION, re.sub(r"\$\{[^}]+\}", CODE, value.value)


def _mappings(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                yield key.value, value
                yield from _mappings(value)
        case yaml.SequenceNode():
            for value in node.value:
                yield from _mappings(value)


def split_python(source: str) -> Texts:
    """Yield the docstrings, the comments, the messages and the test names of a module."""
    tokens = tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__)
    yield from _join_comments((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {id(node) for node in _docstrings(nodes)}
    parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)) if id(node) in docstrings:
                yield from _paragraphs(node.lineno, text)
            case ast.Constant(value=str(text)) if _SQL.match(text):
                pass
            case ast.JoinedStr(values=values):
                yield node.lineno, Kind.MESSAGE, "".join(_literal(value) for value in values)
            case ast.Constant(value=str(text)) if id(node) not in parts and re.search(r"\w \w", text):
                yield from ((node.lineno, Kind.MESSAGE, line) for line in text.split("\n"))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name.startswith("test_"):
                yield node.lineno, Kind.TEST_NAME, name.removeprefix("test_").replace("_", " ")


_SQL = re.compile(r"\s*(?:CREATE|DELETE|INSERT|PRAGMA|SELECT|UPDATE|WITH)\b")


def _docstrings(nodes: Iterable[ast.AST]) -> Iterator[ast.Constant]:
    for node in nodes:
        match node:
            case (
                ast.Module(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
                | ast.ClassDef(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
                | ast.FunctionDef(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
                | ast.AsyncFunctionDef(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
            ):
                yield text


def _literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else CODE


def _paragraphs(line: int, docstring: str) -> Texts:
    text = re.sub(r"``[^`]+``|`[^`]+`|https?://\S+", CODE, docstring)
    text = re.sub(r"::\n\n(?:    .*\n|\n)+", ".\n", text)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*] |\w+: ))", text):
        yield line, Kind.DOCSTRING, block


def _join_comments(comments: Iterator[tuple[int, str]]) -> Texts:
    """Join the comments of successive lines."""
    start, last, parts = 0, 0, list[str]()
    for line, comment in comments:
        if (line != last + 1 or comment.startswith("# checkov:")) and parts:
            yield start, Kind.COMMENT, " ".join(parts)
            parts = []
        start, last = (start if parts else line), line
        parts.append(re.sub(r"`[^`]+`|https?://\S+", CODE, re.sub(r"^#+!?|\bnoqa\b.*|\btype: ignore.*", "", comment)))
    if parts:
        yield start, Kind.COMMENT, " ".join(parts)
