"""Complete the ids of tenants in a shell.

A shell waits for the completion, so the ids are read at most once a minute, and within a few seconds. A failure
completes nothing, and prints nothing into the line that the user types.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import click

_MAX_AGE_S = 60.0
_TIMEOUT_S = 3.0
_READ_TIMEOUT_S = 5.0  # a call to the table takes at most three seconds
_MAX_IDS = 1_000


def complete_tenants(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the ids of the tenants that begin with ``incomplete``."""
    options = context.find_object(dict) or {}
    try:
        return [tenant_id for tenant_id in _list_ids(options) if tenant_id.startswith(incomplete)]
    except Exception:  # noqa: BLE001  # any error would be printed into the user's line
        return []


def _list_ids(options: Mapping[str, Any]) -> list[str]:
    """Return the ids from the cache file of the deployment, or read them and write the file."""
    directory = Path(click.get_app_dir("muster"))
    identity = [str(options.get(name, "")) for name in ("stack", "profile", "region")]
    identity.append(str(Path(options.get("data", ".local")).absolute()))
    file = directory / f"tenants-{sha256(json.dumps(identity).encode()).hexdigest()[:16]}.json"
    if file.exists() and time.time() - file.stat().st_mtime < _MAX_AGE_S:
        ids: list[str] = json.loads(file.read_text("utf-8"))
        return ids
    ids = _read_ids(options)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(ids), "utf-8")
    draft.replace(file)
    return ids


def _read_ids(options: Mapping[str, Any]) -> list[str]:
    from cli.app import connect_deployment

    administration = connect_deployment(options, timeout_s=_TIMEOUT_S).build_administration(_READ_TIMEOUT_S)
    return list(islice(administration.tenant_store.list_ids(), _MAX_IDS))
