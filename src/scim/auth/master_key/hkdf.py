"""Derive independent keys from one secret: HKDF with SHA-256 (RFC 5869).

The package ``cryptography`` has HKDF too, but importing it would slow down the start of each function
(docs/decisions/tenants-and-tokens/one-master-key.md).
"""

from __future__ import annotations

from hmac import digest

_HASH = "sha256"
_HASH_BYTES = 32


def derive_key(secret: bytes, info: bytes, salt: bytes = b"", length: int = _HASH_BYTES) -> bytes:
    """Return a key of ``length`` bytes for the purpose that ``info`` names (RFC 5869 sections 2.2 and 2.3).

    Raise ``ValueError`` if ``length`` is more than 255 times 32 bytes.
    """
    if length > 255 * _HASH_BYTES:
        raise ValueError("HKDF derives at most 255 blocks of the hash.")
    pseudorandom_key = digest(salt or bytes(_HASH_BYTES), secret, _HASH)
    output = block = b""
    for counter in range(1, -(-length // _HASH_BYTES) + 1):
        block = digest(pseudorandom_key, block + info + bytes([counter]), _HASH)
        output += block
    return output[:length]
