"""The page about stored data has a row for each kind of item."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import scim.store

DOCS = Path(__file__).parents[2] / "docs"
NOT_IN_TABLE = {"last_modified_key", "time_key"}
"""Functions that build keys of the index by time, whose items are those of the table."""


def read_rows(page: str, columns: int) -> list[list[str]]:
    lines = (DOCS / page).read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in rows if len(row) == columns]


def read_data_page() -> set[tuple[str, str]]:
    """Return the prefixes of the partition key and of the sort key of each row."""
    rows = read_rows("operate/data.md", 5)[2:]
    return {(row[0].strip("`"), row[1].split("`")[1]) for row in rows if row[0].startswith("`")}


def read_data_model() -> set[tuple[str, str]]:
    rows = [row for row in read_rows("contribute/data-model.md", 4)[2:] if row[1].endswith(("#<tenant>`", "S`", "S#`"))]
    pairs = ((row[1].strip("`"), row[2].strip("`")) for row in rows)
    return {(re.sub(r"<.*", "", partition), re.sub(r"<.*", "", sort)) for partition, sort in pairs}


def list_sort_prefixes(module: ModuleType) -> set[str]:
    """Return what each function that builds a sort key puts in front of its arguments."""
    prefixes = set()
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if name.endswith("_key") and not name.startswith(("primary", "parse", "is_")) and name not in NOT_IN_TABLE:
            parameters = inspect.signature(function).parameters.values()
            dummies = {
                p.name: 1 if p.annotation == "int" else True if p.annotation == "bool" else "<" for p in parameters
            }
            prefixes.add(re.sub(r"[<0-9].*", "", str(function(**dummies))))
    constants = {value for name, value in vars(module).items() if name.endswith("_KEY") and not name.startswith("_")}
    return prefixes | constants


def list_partitions(module: ModuleType) -> set[str]:
    functions = inspect.getmembers(module, inspect.isfunction)
    built = {function("<") for name, function in functions if name.endswith("_partition")}
    constants = {value for name, value in vars(module).items() if name.endswith("_PARTITION")}
    return {key.removesuffix("<") for key in built | constants}


def test_each_item_of_the_data_model_has_a_row() -> None:
    rows = read_data_page()
    assert len(rows) > 15
    for partition, sort in read_data_model():
        assert any(row[0] == partition and (sort.startswith(row[1]) or row[1].startswith("<")) for row in rows), sort


def test_each_key_of_the_code_has_a_row() -> None:
    rows = read_data_page()
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(scim.store.__path__, "scim.store.")
        if module.name.endswith("keys")
    ]
    partitions = set().union(*map(list_partitions, modules))
    prefixes = {"I#"}.union(*map(list_sort_prefixes, modules))
    assert {"T#", "TENANTS", "TASKS", "CERTIFICATES"} < partitions
    assert {row[0] for row in rows} == partitions
    assert {row[1] for row in rows if not row[1].startswith("<")} == prefixes - {""}
