"""A purge and other long work know all partitions of a tenant."""

import importlib
import inspect
import pkgutil

import scim.store
from scim.store.maintenance.partitions import list_tenant_partitions


def test_all_partitions_of_a_tenant_are_listed() -> None:
    modules = pkgutil.walk_packages(scim.store.__path__, "scim.store.")
    functions = {
        function
        for module in modules
        for name, function in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction)
        if name.endswith("_partition") and list(inspect.signature(function).parameters) == ["tenant_id"]
    }
    assert sorted(list_tenant_partitions("acme")) == sorted(function("acme") for function in functions)
