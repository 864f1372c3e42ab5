"""Routes are selected as API Gateway selects them: paths are compared literally."""

import pytest

from local.api_gateway.routes import Match, Route, Routes

# The example of AWS's documentation, "Routing API requests".
DOCUMENTED = ["GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"]
SCIM = ["ANY /scim/v2/Bulk", "ANY /scim/v2/Schemas", "ANY /scim/v2/Schemas/{id}", "$default"]
CONSOLE = ["ANY /admin", "ANY /admin/{proxy+}", "$default"]


def select(keys: list[str], method: str, path: str) -> Match | None:
    return Routes(Route(key, "function") for key in keys).select(method, path)


def select_key(keys: list[str], method: str, path: str) -> str | None:
    match = select(keys, method, path)
    return match.route.key if match else None


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
        ("POST", "/test/5", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ],
)
def test_documented_example(method: str, path: str, key: str) -> None:
    assert key == select_key(DOCUMENTED, method, path)


@pytest.mark.parametrize(
    "path", ["/scim/v2/Bulk/", "//scim/v2/Bulk", "/scim/v2//Bulk", "/scim/v2/bulk", "/Bulk", "//Users"]
)
def test_variant_of_path_selects_default_route(path: str) -> None:
    assert select_key(SCIM, "POST", path) == "$default"


def test_variable_matches_one_segment() -> None:
    assert select_key(SCIM, "GET", "/scim/v2/Schemas/urn:a") == "ANY /scim/v2/Schemas/{id}"
    assert select_key(SCIM, "GET", "/scim/v2/Schemas/") == "$default"
    assert select_key(SCIM, "GET", "/scim/v2/Schemas/urn:a/b") == "$default"


def test_greedy_variable_matches_rest_of_path() -> None:
    match = select(["ANY /pets/{proxy+}"], "GET", "/pets/cat/1")
    assert match is not None
    assert match.variables == {"proxy": "cat/1"}
    assert select(["ANY /pets/{proxy+}"], "GET", "/pets") is None


def test_greedy_variable_matches_trailing_slash() -> None:
    """HTTP APIs have no routes that end with a slash. So this is the only way to serve such a path."""
    assert select_key(CONSOLE, "GET", "/admin/") == "ANY /admin/{proxy+}"
    assert select_key(CONSOLE, "GET", "/admin") == "ANY /admin"
    assert select_key(CONSOLE, "GET", "/administrator") == "$default"


def test_exact_method_precedes_any() -> None:
    assert select_key(["ANY /pets", "GET /pets"], "GET", "/pets") == "GET /pets"
    assert select_key(["ANY /pets", "GET /pets"], "POST", "/pets") == "ANY /pets"


def test_variables_have_values() -> None:
    match = select(["GET /a/{one}/b/{two}"], "GET", "/a/x y/b/ü")
    assert match is not None
    assert match.variables == {"one": "x y", "two": "ü"}


def test_route_path_is_literal() -> None:
    assert select(["GET /a.b"], "GET", "/axb") is None


def test_no_match_without_default_route() -> None:
    assert select(["GET /pets"], "POST", "/pets") is None
