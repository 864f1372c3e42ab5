"""A small OpenID provider. It signs in all users, and tests can make it return wrong data."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT, SECRET = "muster-console", "client:secret"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """Return a cached key, because keys are slow to generate."""
    return rsa.generate_private_key(65_537, 2_048)


@dataclass
class Provider:
    """A provider. ``claims`` override the claims of ID tokens, and ``metadata`` the discovery document."""

    url: str = ""
    key: Key = field(default_factory=rsa_key)
    published: Key | None = None
    key_id: str = "1"
    algorithm: str = "RS256"
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    authorization_requests: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """The paths of all requests from the console."""

    def authorize(self, url: str) -> str:
        """Return the redirect URL with a code."""
        query = dict(parse_qsl(urlsplit(url).query))
        code = f"code-{len(self.authorization_requests)}"
        self.authorization_requests[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.url})}"

    def discover(self) -> dict[str, Any]:
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.url, **{name: self.url + path for name, path in names.items()}, **self.metadata}

    def keys(self) -> dict[str, Any]:
        key = self.published or self.key
        algorithm = jwt.get_algorithm_by_name("RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256")
        return {"keys": [json.loads(algorithm.to_jwk(key.public_key())) | {"kid": self.key_id, "use": "sig"}]}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Return an ID token. Check client secret, redirect URI and PKCE. A code is valid once."""
        request = self.authorization_requests.pop(form["code"], None)
        credentials = base64.b64encode(b"muster-console:client%3Asecret").decode()
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if (
            request is None
            or authorization != f"Basic {credentials}"
            or challenge != request["code_challenge"]
            or form["redirect_uri"] != request["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300, "nonce": request["nonce"]}
        if "max_age" in request:
            claims["auth_time"] = now
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        key = "none" if self.algorithm == "none" else self.key
        signing: Any = (
            None
            if key == "none"
            else "shared secret of more than thirty-two bytes"
            if self.algorithm == "HS256"
            else key
        )
        return 200, {"id_token": jwt.encode(claims, signing, self.algorithm, headers={"kid": self.key_id})}


@contextmanager
def serve_provider() -> Iterator[Provider]:
    """Serve the provider on a local port."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.requests.append(self.path)
            self._answer(200, provider.keys() if self.path == "/keys" else provider.discover())

        def do_POST(self) -> None:
            provider.requests.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.token(form, self.headers["Authorization"]))

        def _answer(self, status: int, value: Any) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(value).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield provider
        server.shutdown()
