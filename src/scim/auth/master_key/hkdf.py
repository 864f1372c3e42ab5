"""HKDF with SHA-256 (RFC 5869): derive independent keys from one secret.

``cryptography`` has it too, but importing that would cost each function more than these lines (docs/decisions).
"""

from __future__ import annotations

from hmac import digest

_HASH = "sha256"
_HASH_BYTES = 32


def derive_key(secret: bytes, info: bytes, salt: bytes = b"", length: int = _HASH_BYTES) -> bytes:
    """Return ``length`` bytes for the purpose that ``info`` names (RFC 5869 sections 2.2 and 2.3).

    Raise ``ValueError`` for more than 255 blocks of the hash.
    """
    if length > 255 * _HASH_BYTES:
        raise ValueError("HKDF derives at most 255 blocks of its hash.")
    pseudorandom_key = digest(salt or bytes(_HASH_BYTES), secret, _HASH)
    output = block = b""
    for counter in range(1, -(-length // _HASH_BYTES) + 1):
        block = digest(pseudorandom_key, block + info + bytes([counter]), _HASH)
        output += block
    return output[:length]
