"""The documentation agrees with the code, and its links and anchors exist."""

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import click
import pytest

from cli.main import muster
from docs_site.navigation import build_navigation, find_unlisted
from docs_site.pages import Site, find_links
from handlers.console.settings import ConsoleSettings
from scim.protocol import errors
from scim.protocol.leniency import Leniency
from scim.service.tenants.health import HealthState
from scim.settings import Settings

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
GUIDES = [page for page in (ROOT / "docs/use/identity-providers").glob("*.md") if page.name != "README.md"]
_MOST_BYTES = 60_000


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def read_table(name: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table after a heading."""
    section = read(name).partition(f"{heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in table.group().splitlines()[2:]]


def list_error_classes() -> list[type[errors.ScimError]]:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    return [value for value in classes if issubclass(value, errors.ScimError) and value is not errors.ScimError]


def test_settings_are_documented_with_defaults() -> None:
    documented = {
        variable.strip("`"): default for variable, default, _ in read_table("docs/operate/settings.md", "# Settings")
    }
    assert set(documented) == {name.upper() for name in ConsoleSettings.MEMBERS}
    minimal = Settings.from_environment({"TABLE_NAME": "t", "SECRET_PREFIX": "s", "MASTER_KEY_SECRET": "m"})
    assert documented["INDEXED_ATTRIBUTES"] == f"`{','.join(minimal.indexed_attributes)}`"
    assert documented["CHANGE_RETENTION_DAYS"] == f"`{minimal.change_retention_days}`"


def test_errors_are_documented() -> None:
    table = read_table("docs/use/errors.md", "## All errors")
    documented = {(status, scim_type.strip("`")) for status, scim_type, _ in table}
    assert documented == {(str(error.status), error.scim_type or "") for error in list_error_classes()}


def test_resources_that_stay_are_documented() -> None:
    """The page about the deletion of a stack lists all resources that CloudFormation retains."""
    resources = re.split(r"^  (?=\w+:$)", read("template.yaml").partition("\nResources:")[2], flags=re.MULTILINE)
    retained = {resource.partition(":")[0] for resource in resources if "\n    DeletionPolicy: Retain" in resource}
    names = [row[0] for row in read_table("docs/operate/delete.md", "## What stays")]
    assert {name for cell in names for name in re.findall("`(.+?)`", cell)} == retained


def test_health_states_are_documented() -> None:
    documented = [state.strip("`") for state, *_ in read_table("docs/operate/health.md", "# Health")]
    assert documented == list(HealthState)


def list_commands(group: click.Group, path: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from list_commands(command, f"{path}{name} ")
        else:
            yield path + name


def test_commands_are_documented() -> None:
    documented = [
        re.split(r" \[?[A-Z]", command.strip("`"))[0]
        for command, _ in read_table("docs/operate/commands.md", "# Commands")
    ]
    assert documented == list(list_commands(muster))


def test_exit_codes_of_help_are_documented() -> None:
    table = re.findall(
        r"^\| (\d) \| (.*) \|$", read("docs/operate/commands.md").partition("| exit code |")[2], re.MULTILINE
    )
    assert table == re.findall(r"^ +(\d)  (.+)$", muster.epilog or "", re.MULTILINE)


def test_leniencies_are_documented() -> None:
    documented = read_table("docs/use/identity-providers/README.md", "## Leniencies")
    assert documented == [[f"`{leniency.label}`", leniency.description, leniency.sent_by] for leniency in Leniency]


def test_dependencies_have_reasons() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    dependencies = [
        *project["project"]["dependencies"],
        *(name for group in project["dependency-groups"].values() for name in group),
    ]
    tables = [
        *read_table("docs/decisions/dependencies.md", "## At run time"),
        *read_table("docs/decisions/dependencies.md", "## For development"),
    ]
    documented = {name for row in tables for name in row[0].replace(" (npm)", "").split(", ")}
    assert {re.split(r"[\[<>=]", name)[0] for name in dependencies} <= documented


RECORDS = sorted((ROOT / "docs/decisions").glob("*/*.md"))
RECORD_SECTIONS = ["Context", "Decision", "Consequences", "Figures"]  # the last one only if there are any


@pytest.mark.parametrize("page", RECORDS, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_decision_record_has_standard_sections(page: Path) -> None:
    sections = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
    assert sections in (RECORD_SECTIONS, RECORD_SECTIONS[:-1])


def test_index_of_decisions_lists_all_records() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text("utf-8")
    listed = re.findall(r"^\| \[.+?\]\((.+?/.+?\.md)\) \|", index, re.MULTILINE)
    assert sorted(listed) == sorted(str(page.relative_to(ROOT / "docs/decisions")) for page in RECORDS)


def list_links(page: Path) -> Iterator[Path]:
    """Yield the files that a page links to or shows."""
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        yield page.parent / link


def test_linked_files_exist() -> None:
    for page in PAGES:
        for link in list_links(page):
            assert link.exists(), f"{page.name} links to {link}"


def list_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, by the rules of repository hosts."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", prose, re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        anchors.add(next(name for name in (anchor, *(f"{anchor}-{n}" for n in range(1, 99))) if name not in anchors))
    return anchors


def test_linked_anchors_exist() -> None:
    for page in PAGES:
        for link in find_links(page.read_text("utf-8")):
            linked = page.parent / link.path if link.path else page
            assert not link.anchor or link.anchor in list_anchors(linked), f"{page.name} links to {link}"


def test_all_pages_are_in_navigation() -> None:
    site = Site(ROOT)
    site.read()
    unlisted = find_unlisted(site.pages, build_navigation(site.pages))
    assert unlisted == [], "link it from the README.md of its folder, or from docs/README.md"


def test_pictures_are_shown_and_small() -> None:
    pictures = {picture.resolve() for picture in IMAGES.rglob("*.png")}
    assert pictures
    assert pictures - {link.resolve() for page in PAGES for link in list_links(page)} == set()
    assert {picture.name for picture in pictures if picture.stat().st_size > _MOST_BYTES} == set()


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_guide_shows_its_page_of_console(page: Path) -> None:
    shown = {link.resolve() for link in list_links(page)}
    assert (IMAGES / f"guides/{page.stem}.png").resolve() in shown


def list_source_tree() -> set[str]:
    """Return the files and folders in the source tree of docs/contribute/architecture.md, by its indentation."""
    tree = re.search(r"```\n(.*?)```", read("docs/contribute/architecture.md"), re.DOTALL)
    assert tree is not None
    paths = set()
    folders: list[tuple[int, str]] = []
    for line in tree.group(1).splitlines():
        indentation, entries = re.findall(r"^( *)((?:[a-z_/]+(?:/|\.py) )+)", f"{line} ")[0]
        folders = [(depth, folder) for depth, folder in folders if depth < len(indentation)]
        parent = folders[-1][1] if folders else ""
        paths |= {parent + entry for entry in entries.split()}
        folders.append((len(indentation), parent + entries.split()[-1]))
    return paths


def test_documented_source_tree_exists() -> None:
    assert [path for path in list_source_tree() if not (ROOT / path).exists()] == []


def test_documented_source_tree_has_all_packages() -> None:
    packages = {f"{path.parent.relative_to(ROOT)}/" for path in (ROOT / "src").rglob("__init__.py")} - {"src/scim/"}
    in_the_line_of_model = {f"src/scim/service/model/{name}/" for name in ("audit", "maintenance", "rate_limit")}
    assert packages - list_source_tree() - in_the_line_of_model == set()


def list_layers(container: str = "") -> list[str]:
    """Return the layers of the import contract of the whole tree or of a package, from the top."""
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    containers = [container] if container else []
    layers = next(
        contract["layers"]
        for contract in contracts
        if contract["type"] == "layers" and contract.get("containers", []) == containers
    )
    return [name for layer in layers for name in layer.split(" | ")]


def test_documented_layers_are_those_of_contract() -> None:
    packages = read_table("docs/contribute/architecture.md", "those above it or in the same row:\n")
    assert [name for cell, *_ in packages for name in re.findall("`(.+?)`", cell)] == list_layers()


@pytest.mark.parametrize("package", ["scim.service", "scim.store"])
def test_documented_order_in_package_is_that_of_contract(package: str) -> None:
    item = re.search(
        rf"^ +- `{package}`: (.*?)^ *- ", read("docs/contribute/architecture.md"), re.MULTILINE | re.DOTALL
    )
    assert item is not None
    assert re.findall("`(.+?)`", item.group(1)) == list_layers(package)


CODE_FOLDERS = ("src", "local", "cli", "deployment")
CODE_PAGES = ("docs/contribute/architecture.md", "docs/contribute/data-model.md")
HOW_TO_PAGES = sorted(f"docs/contribute/{path.name}" for path in (ROOT / "docs/contribute").glob("add-*.md"))
# Names in backticks that are not ours: a header of HTTP, a parameter of AWS, and SCIM's own.
FOREIGN_NAMES = {"Allow", "ClientRequestToken", "emails.value", "meta.lastModified", "startIndex", "totalResults"}


def list_modules(folders: Sequence[str] = CODE_FOLDERS) -> list[Path]:
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py")]


@cache
def list_definitions(folders: Sequence[str] = CODE_FOLDERS) -> tuple[set[str], set[str]]:
    """Return the names that the code and the template define, and the texts in the code, such as attribute names."""
    definitions = set(re.findall(r"^(?:  | +- IndexName: )([A-Z]\w+):?$", read("template.yaml"), re.MULTILINE))
    texts = set()
    for path in list_modules(folders):
        definitions |= {path.stem, path.parent.name}
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                    definitions.add(name)
                case ast.Constant(value=str(text)):
                    texts.add(text)
    return definitions, texts


def list_code_names(page: str) -> set[str]:
    """Return the texts in backticks that look like names of the code: with underscore, dot or capital letter."""
    prose = re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)
    names = re.findall(r"`([A-Za-z_][\w.]*[A-Za-z_])(?:\(\))?`", prose)
    return {name for name in names if re.search("[A-Z_.]", name) and not re.search(r"\.(py|md|yaml|toml)$", name)}


def test_documented_modules_exist() -> None:
    paths = [f"/{path.relative_to(ROOT)}" for path in list_modules((*CODE_FOLDERS, "tests", "browser"))]
    for page in PAGES:
        modules = set(re.findall(r"`([\w/]+\.py)`(?! \(new\))", page.read_text("utf-8")))
        for module in modules - {"awslambdaric/bootstrap.py"}:
            assert any(path.endswith(f"/{module}") for path in paths), f"{page.name} names {module}"


@pytest.mark.parametrize("page", [*CODE_PAGES, *HOW_TO_PAGES])
def test_documented_names_exist(page: str) -> None:
    is_how_to = page in HOW_TO_PAGES
    definitions, texts = list_definitions((*CODE_FOLDERS, "tests") if is_how_to else CODE_FOLDERS)
    names = list_code_names(page) - FOREIGN_NAMES
    assert len(names) >= (1 if is_how_to else 20)
    # Class names and dotted names are defined; names of attributes and settings are also in texts.
    known = {name: definitions if re.search(r"^[A-Z][a-z]+[A-Z]|\.", name) else definitions | texts for name in names}
    assert sorted(name for name in names if not set(name.split(".")) <= known[name]) == []


@pytest.mark.parametrize("page", HOW_TO_PAGES)
def test_paths_in_how_to_page_exist(page: str) -> None:
    """A path of a file that the reader adds is followed by "(new)"."""
    paths = re.findall(r"`((?:\w+/)+[\w.-]*|[A-Z]+\.md)`(?! \(new\))", read(page))
    assert len(paths) > 3
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_all_how_to_pages_are_listed() -> None:
    assert HOW_TO_PAGES
    assert set(re.findall(r"\((add-[a-z-]+\.md)\)", read("docs/contribute/README.md"))) == {
        Path(page).name for page in HOW_TO_PAGES
    }
