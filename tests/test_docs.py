"""The documentation and the code name the same things."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.main import muster
from handlers.console.settings import ConsoleSettings
from scim.protocol import errors
from scim.protocol.leniency import Leniency
from scim.service.tenants.health import HealthState
from scim.settings import Settings

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
GUIDES = [page for page in (ROOT / "docs/identity-providers").glob("*.md") if page.name != "README.md"]
_MOST_BYTES = 60_000


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def rows(name: str, heading: str) -> list[list[str]]:
    """The cells of the first table behind a heading."""
    behind = read(name).partition(f"{heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", behind, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in table.group().splitlines()[2:]]


def error_classes() -> list[type[errors.ScimError]]:
    found = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.ScimError)]
    return [each for each in found if each is not errors.ScimError]


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {variable.strip("`"): default for variable, default, _ in rows("docs/operations.md", "## Settings")}
    assert set(documented) == {field.alias for field in ConsoleSettings.model_fields.values()}
    minimal = Settings.from_environment({"TABLE_NAME": "t", "SECRET_PREFIX": "s", "MASTER_KEY_SECRET": "m"})
    assert documented["INDEXED_ATTRIBUTES"] == f"`{','.join(minimal.indexed_attributes)}`"
    assert documented["CHANGE_RETENTION_DAYS"] == f"`{minimal.change_retention_days}`"


def test_every_error_is_documented() -> None:
    documented = {(status, scim_type.strip("`")) for status, scim_type, _ in rows("docs/operations.md", "## Errors")}
    assert documented == {(str(each.status), each.scim_type or "") for each in error_classes()}


def test_every_health_state_is_documented() -> None:
    documented = [state.strip("`") for state, *_ in rows("docs/operations.md", "## Health")]
    assert documented == list(HealthState)


def commands(group: click.Group, path: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield path + name


def test_every_command_is_documented() -> None:
    documented = [
        re.split(r" [A-Z]", command.strip("`"))[0] for command, _ in rows("docs/operations.md", "## Commands")
    ]
    assert documented == list(commands(muster))


def test_the_exit_codes_of_the_help_are_documented() -> None:
    table = re.findall(r"^\| (\d) \| (.*) \|$", read("docs/operations.md").partition("| exit code |")[2], re.MULTILINE)
    assert table == re.findall(r"^ +(\d)  (.+)$", muster.help or "", re.MULTILINE)


def test_every_leniency_is_documented() -> None:
    documented = rows("docs/identity-providers/README.md", "## Leniencies")
    assert documented == [[f"`{each.label}`", each.description, each.sent_by] for each in Leniency]


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    wanted = [
        *project["project"]["dependencies"],
        *(name for group in project["dependency-groups"].values() for name in group),
    ]
    tables = [
        *rows("docs/decisions.md", "## Dependencies"),
        *rows(
            "docs/decisions.md",
            "| pyjwt | verifies who signs in to the console by OpenID Connect; brings cryptography |",
        ),
    ]
    documented = {name for row in tables for name in row[0].replace(" (npm)", "").split(", ")}
    assert {re.split(r"[\[<>=]", name)[0] for name in wanted} <= documented


@pytest.mark.parametrize(
    "name", ["README.md", "docs/decisions.md", "docs/operations.md", "docs/architecture.md", "docs/console.md"]
)
def test_every_make_target_that_is_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", read(name), re.MULTILINE)) <= targets


def links(page: Path) -> Iterator[Path]:
    """What a page links to or shows, other than addresses."""
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        yield page.parent / link


def test_every_file_that_is_linked_exists() -> None:
    for page in PAGES:
        for link in links(page):
            assert link.exists(), f"{page.name} links to {link}"


def test_every_picture_is_shown_and_small() -> None:
    pictures = {picture.resolve() for picture in IMAGES.rglob("*.png")}
    assert pictures
    assert pictures - {link.resolve() for page in PAGES for link in links(page)} == set()
    assert {picture.name for picture in pictures if picture.stat().st_size > _MOST_BYTES} == set()


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_every_guide_shows_its_own_page_of_the_console(page: Path) -> None:
    shown = {link.resolve() for link in links(page)}
    assert (IMAGES / f"guides/{page.stem}.png").resolve() in shown


def test_every_room_of_the_architecture_exists() -> None:
    tree = re.search(r"```\n(.*?)```", read("docs/architecture.md"), re.DOTALL)
    assert tree is not None
    named = re.findall(r"^ *([a-z_/]+/|[a-z_]+\.py)", tree.group(1), re.MULTILINE)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607  # git is what CI cloned with
    for each in named:
        assert each.rstrip("/") in tracked.stdout, each
