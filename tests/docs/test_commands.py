"""The commands in the pages can be run: their targets, commands, operations, options and parameters exist."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session
import click
import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel

from cli.main import muster
from deployment import preflight
from tests.docs.prose import MARKDOWN, ROOT, list_files

# Options of the AWS CLI itself.
AWS_OPTIONS = {"query", "output", "region", "profile", "endpoint-url", "cli-binary-format"}
# The command that the reader of docs/contribute/add-a-command.md adds.
EXAMPLE_COMMANDS = {"count-users"}
_COMMAND = re.compile(r"^(?:\$ )?(?:(?:[A-Z_]+=\S+ )*)(make|muster|\.venv/bin/muster|aws) (.+)$")


class Command(NamedTuple):
    """A command in a page: its program, its words, and whether it is complete and not only named in a sentence."""

    page: str
    program: str
    words: tuple[str, ...]
    is_complete: bool

    def __str__(self) -> str:
        return f"{self.page}: {self.program} {' '.join(self.words)}"


def list_commands(text: str, page: str = "page") -> Iterator[Command]:
    """Yield the commands in the code blocks and in the inline code of a page."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^ *```\w*\n.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [(line, True) for block in blocks for line in re.sub(r"\\\n *", " ", block).splitlines()]
    lines += [(" ".join(code.split()), False) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose)]
    for line, is_complete in lines:
        for part in re.split(r"\$\((?=aws )|&& ", line.strip()):
            if (match := _COMMAND.match(part)) is not None:
                words = tuple(split_words(match[2].removesuffix(")")))
                program = "muster" if match[1].endswith("muster") else match[1]
                yield Command(page, program, words, is_complete)


def split_words(text: str) -> list[str]:
    """Return the words of a command as a shell splits them, without a comment and without what follows a pipe."""
    try:
        words = shlex.split(text, comments=True)
    except ValueError:  # a quote that does not end: an ellipsis stands for the rest
        words = text.split()
    ends = [number for number, word in enumerate(words) if word in ("|", "&&", ";")]
    return [word.rstrip(";") for word in (words[: ends[0]] if ends else words)]


@cache
def list_documented_commands() -> list[Command]:
    pages = [path for path in list_files(MARKDOWN) if path.name != "CHANGELOG.md"]
    return [
        command for path in pages for command in list_commands(path.read_text("utf-8"), str(path.relative_to(ROOT)))
    ]


def select(program: str) -> list[Command]:
    return sorted({command for command in list_documented_commands() if command.program == program})


def test_commands_are_found() -> None:
    block = "$ aws s3 ls \\\n    --query q  # c\nNAME=$(aws sts get-caller-identity)\nls"
    text = f"a `make x` b\n\n```\n{block}\n```\n`.venv/bin/muster a` c"
    assert [(command.program, *command.words) for command in list_commands(text)] == [
        ("aws", "s3", "ls", "--query", "q"),
        ("aws", "sts", "get-caller-identity"),
        ("make", "x"),
        ("muster", "a"),
    ]


MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("command", select("make"), ids=str)
def test_make_target_exists(command: Command) -> None:
    assert find_make_problems(command.words) == []


def find_make_problems(words: tuple[str, ...]) -> list[str]:
    """Return the words that are no target, and the variables that the Makefile does not use."""
    problems = []
    for word in words:
        name, is_variable, _ = word.partition("=")
        if is_variable:
            if f"$({name})" not in MAKEFILE and not name.startswith("AWS_") and name not in MAKEFILE:
                problems.append(word)
        elif re.fullmatch(r"[a-z][a-z-]*", word) and word not in TARGETS:
            problems.append(word)
    return problems


@pytest.mark.parametrize("command", select("muster"), ids=str)
def test_command_of_muster_exists(command: Command) -> None:
    assert find_muster_problems(command.words) == []


def find_muster_problems(words: tuple[str, ...]) -> list[str]:
    """Return the words that are no command or no option of the command line."""
    group: click.Command = muster
    options = {option for parameter in muster.params for option in parameter.opts}
    problems: list[str] = []
    for word in words:
        if isinstance(group, click.Group) and not word.startswith("-"):
            if word == "COMMAND" or word in EXAMPLE_COMMANDS:
                return problems
            if word not in group.commands:
                return [*problems, word]
            group = group.commands[word]
            options |= {option for parameter in group.params for option in (*parameter.opts, *parameter.secondary_opts)}
        elif word.startswith("-") and word.partition("=")[0] not in options | {"--help"}:
            problems.append(word)
    return problems


SESSION = botocore.session.get_session()


@pytest.mark.parametrize("command", select("aws"), ids=str)
def test_command_of_aws_exists(command: Command) -> None:
    assert find_aws_problems(command.words, is_complete=command.is_complete) == []


def find_aws_problems(words: tuple[str, ...], *, is_complete: bool = True) -> list[str]:
    """Return what is wrong with a command of the AWS CLI: its service, operation, or parameters."""
    if words[0] == "configure":
        return []
    try:
        service = ServiceModel(SESSION.get_component("data_loader").load_service_model(words[0], "service-2"))
    except UnknownServiceError:
        return [words[0]]
    if len(words) == 1:
        return []
    operation = find_operation(service, words)
    if operation is None:
        return [" ".join(words[:3])]
    shape = operation.input_shape
    members = shape.members if shape else {}
    known = {xform_name(name, "-"): name for name in members}
    sent = [word[2:].partition("=")[0] for word in words if word.startswith("--")]
    named = {name.removeprefix("no-") if is_boolean(members, known, name) else name for name in sent}
    problems = [f"--{name}" for name in sorted(named - known.keys() - AWS_OPTIONS)]
    required = {xform_name(name, "-") for name in (shape.required_members if shape else [])}
    return problems + [f"--{name} is missing" for name in sorted(required - named) if is_complete]


def is_boolean(members: dict[str, Any], known: dict[str, str], option: str) -> bool:
    """Return whether an option is ``--no-NAME`` of a boolean parameter."""
    name = known.get(option.removeprefix("no-"))
    return option.startswith("no-") and name is not None and members[name].type_name == "boolean"


def find_operation(service: ServiceModel, words: tuple[str, ...]) -> OperationModel | None:
    """Return the operation of a command, also of ``wait``. Return ``None`` if it does not exist."""
    operations = {xform_name(name, "-"): name for name in service.operation_names}
    if words[1] == "wait":
        waiters = SESSION.get_waiter_model(words[0])
        names = {xform_name(name, "-"): name for name in waiters.waiter_names}
        return service.operation_model(waiters.get_waiter(names[words[2]]).operation) if words[2] in names else None
    return service.operation_model(operations[words[1]]) if words[1] in operations else None


@pytest.mark.parametrize(
    ("command", "problems"),
    [
        ("s4 ls", ["s4"]),
        ("dynamodb drop-table", ["dynamodb drop-table"]),
        ("dynamodb delete-table", ["--table-name is missing"]),
        ("dynamodb delete-table --table-name a --force", ["--force"]),
        ("dynamodb wait table-gone --table-name a", ["dynamodb wait table-gone"]),
        ("dynamodb update-table --table-name a --no-deletion-protection-enabled", []),
    ],
)
def test_problem_of_aws_command_is_found(command: str, problems: list[str]) -> None:
    assert find_aws_problems(tuple(command.split())) == problems


def test_other_problems_are_found() -> None:
    assert find_make_problems(("depoly", "CONFIG_ENV=dev", "COLOUR=red")) == ["depoly", "COLOUR=red"]
    assert find_muster_problems(("--stack", "status", "acme")) == []
    assert find_muster_problems(("schema", "drop", "acme")) == ["drop"]
    assert find_muster_problems(("status", "acme", "--all")) == ["--all"]


def test_all_kinds_of_commands_are_in_pages() -> None:
    assert {program: len(select(program)) > 10 for program in ("make", "muster", "aws")} == dict.fromkeys(
        ("make", "muster", "aws"), True
    )


def test_messages_before_a_deployment_are_those_of_code() -> None:
    page = (ROOT / "docs/operate/failed-deployments.md").read_text("utf-8")
    section = page.partition("## Before anything is deployed\n")[2].partition("\n## ")[0]
    messages = re.findall(r"^\| `error: (.+?)` \|", section, re.MULTILINE)
    assert len(messages) == 5
    code = Path(preflight.__file__).read_text("utf-8") + MAKEFILE.replace("\\\n", "")
    assert [message for message in messages if message not in code] == []
