"""Signatures are those of botocore."""

import random
import string
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from scim.aws.wire.endpoints import parse_url
from scim.aws.wire.signing import Credentials, Signer

NUMBER = 10_000
REGIONS = ("eu-west-1", "us-gov-west-1", "cn-north-1", "us-isob-east-1")
URLS = (
    "https://dynamodb.eu-west-1.amazonaws.com/",
    "http://127.0.0.1:8000/",
    "https://proxy.example.com:8443/a%20b/../c//d/./e~f/",
    "https://secretsmanager-fips.us-gov-west-1.amazonaws.com/",
    "http://[::1]:4566/",
    "https://example.com/ä+=&/",
)
TEXT = string.ascii_letters + string.digits + "/+=-_.~ äß€😀\"'{}"


def choose_text(choice: random.Random, longest: int) -> str:
    return "".join(choice.choices(TEXT, k=choice.randint(1, longest)))


def sign_with_botocore(
    credentials: Credentials, scope: tuple[str, str], url: str, headers: dict[str, str], body: bytes, time: datetime
) -> str:
    request = AWSRequest("POST", url, {name: headers[name] for name in ("Content-Type", "X-Amz-Target")}, body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: time.replace(tzinfo=None))
        SigV4Auth(ReadOnlyCredentials(*credentials), *scope).add_auth(request)
    assert request.headers["X-Amz-Date"] == headers["X-Amz-Date"]
    assert request.headers.get("X-Amz-Security-Token") == credentials.token
    authorization: str = request.headers["Authorization"]
    return authorization


def test_signatures_of_generated_requests_equal_those_of_botocore() -> None:
    choice = random.Random(17)  # noqa: S311  # no secrets
    signers: dict[tuple[str, str, str], Signer] = {}
    for _ in range(NUMBER):
        # Few secret keys and days, so that cached keys are used and replaced.
        secret_key = f"secret/{choice.randint(1, 5)}+="
        token = choice.choice((None, f"token{choice.randint(1, 9)}/+==" * 40))
        credentials = Credentials(f"AKIA{choice.randint(1, 9)}", secret_key, token)
        scope = (choice.choice(("dynamodb", "secretsmanager")), choice.choice(REGIONS))
        url = choice.choice(URLS)
        endpoint = parse_url(url)
        signer = signers.setdefault((*scope, url), Signer(*scope, endpoint.authority, endpoint.path))
        time = datetime.fromtimestamp(choice.choice((0, 86_399, 1_700_000_000, choice.randint(0, 4_000_000_000))), UTC)
        headers = {
            "Content-Type": choice.choice(("application/x-amz-json-1.0", "application/x-amz-json-1.1")),
            "X-Amz-Target": f"DynamoDB_20120810.{choice.choice(('GetItem', 'Query', 'TransactWriteItems'))}",
            "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ"),
        }
        body = choose_text(choice, 300).encode()

        signed = signer.sign(credentials, headers["X-Amz-Date"], headers["Content-Type"], headers["X-Amz-Target"], body)

        assert signed == sign_with_botocore(credentials, scope, url, headers, body, time), (url, headers)
