"""The TLS context of connections to AWS. Certificates are always verified."""

from __future__ import annotations

import ssl
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def load_tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Return the context that trusts the certificate authorities in a file, by default those of botocore.

    Loading them takes about 10 ms, so all connections share the context. Raise ``OSError`` if the file is invalid.
    """
    context = ssl.create_default_context(cafile=ca_bundle or _find_default_bundle())
    context.set_alpn_protocols(["http/1.1"])
    return context


def _find_default_bundle() -> str:
    """Return the file of certificate authorities that botocore contains. botocore itself is not imported."""
    package = find_spec("botocore")
    if package is None or not package.origin:
        raise FileNotFoundError("botocore is not installed, so its certificate authorities are missing.")
    return str(Path(package.origin).with_name("cacert.pem"))
