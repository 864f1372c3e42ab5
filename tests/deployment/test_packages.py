"""The packages of the functions contain what they use, compiled, and depend on nothing but the source."""

import re
import sys
from pathlib import Path

from deployment import packages
from scim.aws.botocore_client import UsedServicesLoader
from tests.template_reader import Deployment

ROOT = Path(__file__).parents[2]
FUNCTIONS = Deployment(ROOT / "template.yaml").select_by_type("AWS::Serverless::Function")


def write_package(directory: Path) -> Path:
    """Write a small package as ``sam build`` creates it: our code, two distributions and botocore's models."""
    files = {
        "handlers/users.py": "NAMES = {'ada', 'grace', 'hedy', 'joan'}\n",
        "handlers/admin.py": "import jinja2\n",
        "handlers/console/pages.py": "",
        "jinja2/__init__.py": "VERSION = 1\n",
        "jinja2/nested/part.py": "",
        "jinja2-3.1.dist-info/RECORD": "jinja2/__init__.py,,\njinja2/nested/part.py,,\njinja2-3.1.dist-info/RECORD,,\n",
        "urllib3/__init__.py": "",
        "botocore/data/endpoints.json": "{}",
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz": "",
        "botocore/data/ec2/2016-11-15/service-2.json.gz": "",
        "boto3/data/ec2/2016-11-15/resources-1.json": "",
    }
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return directory


def list_files(package: Path) -> set[str]:
    return {path.relative_to(package).as_posix() for path in packages.iterate_files(package)}


def test_package_has_only_what_its_function_uses(tmp_path: Path) -> None:
    package = write_package(tmp_path / "UsersFunction")
    packages.finish_package(package, sys.executable)
    assert {name for name in list_files(package) if not name.endswith(".pyc")} == {
        "handlers/users.py",
        "urllib3/__init__.py",
        "botocore/data/endpoints.json",
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz",
    }
    assert not (package / "jinja2").exists()


def test_console_keeps_its_modules_and_distributions(tmp_path: Path) -> None:
    package = write_package(tmp_path / packages.CONSOLE)
    packages.finish_package(package, sys.executable)
    assert {"handlers/admin.py", "handlers/console/pages.py", "jinja2/nested/part.py"} <= list_files(package)


def test_packages_are_the_same_in_any_directory(tmp_path: Path) -> None:
    first, second = write_package(tmp_path / "a/UsersFunction"), write_package(tmp_path / "other/BulkFunction")
    packages.finish_package(first, sys.executable)
    packages.finish_package(second, sys.executable)
    assert packages.hash_package(first) == packages.hash_package(second)
    (second / "urllib3/__init__.py").write_text("changed = True\n")
    assert packages.hash_package(first) != packages.hash_package(second)


def test_equal_packages_are_finished_once(tmp_path: Path) -> None:
    names = ["AdminFunction", "BulkFunction", "UsersFunction"]
    directories = [write_package(tmp_path / name) for name in names]
    (directories[2] / "handlers/users.py").write_text("CHANGED = True\n")
    expected = [write_package(tmp_path / f"alone/{name}") for name in names]
    (expected[2] / "handlers/users.py").write_text("CHANGED = True\n")
    directories.append(write_package(tmp_path / "ChangesFunction"))
    packages.finish_packages(directories, sys.executable)
    for package in expected:
        packages.finish_package(package, sys.executable)
    hashes = [packages.hash_package(package) for package in directories]
    assert hashes[:3] == [packages.hash_package(package) for package in expected]
    assert hashes[3] == hashes[1]
    assert len(set(hashes)) == 3


def test_finished_package_can_be_finished_again(tmp_path: Path) -> None:
    package = write_package(tmp_path / "UsersFunction")
    packages.finish_package(package, sys.executable)
    before = packages.hash_package(package)
    packages.finish_package(package, sys.executable)
    assert packages.hash_package(package) == before


def test_compiled_files_name_the_directory_of_lambda(tmp_path: Path) -> None:
    package = write_package(tmp_path / "UsersFunction")
    packages.finish_package(package, sys.executable)
    (compiled,) = package.glob("handlers/__pycache__/users.*.pyc")
    assert b"/var/task/handlers/users.py" in compiled.read_bytes()
    assert str(tmp_path).encode() not in compiled.read_bytes()


def test_services_are_those_of_the_clients() -> None:
    assert list(packages.SERVICES) == UsedServicesLoader().list_available_services("service-2")


def test_console_has_separate_package() -> None:
    assert FUNCTIONS[packages.CONSOLE]["Handler"] == "handlers.admin.handler"
    for name in packages.CONSOLE_MODULES:
        assert (ROOT / "src" / name).exists()


def test_only_the_console_imports_its_distributions() -> None:
    modules = "|".join([*(name for name in packages.CONSOLE_DISTRIBUTIONS if name != "pyjwt"), "jwt"])
    pattern = re.compile(rf"^\s*(?:import|from) (?:{modules})\b", re.MULTILINE)
    importing = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*.py")
        if pattern.search(path.read_text())
    }
    assert importing
    assert all(name.startswith(packages.CONSOLE_MODULES) for name in importing)
