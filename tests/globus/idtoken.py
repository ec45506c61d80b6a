"""id_tokens: RS512, one key for the life of the process."""

import base64
import functools
import hashlib
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def at_hash(access_token: str) -> str:
    """OpenID Connect Core 3.1.3.6: the left half of the hash that the signature uses."""
    return base64url(hashlib.sha512(access_token.encode()).digest()[:32])


def sign(claims: dict) -> str:
    header = {"typ": "JWT", "alg": "RS512"}
    message = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    signature = _key().sign(message.encode(), padding.PKCS1v15(), hashes.SHA512())
    return f"{message}.{base64url(signature)}"


def jwk() -> dict:
    numbers = _key().public_key().public_numbers()
    return {"alg": "RS512", "e": _integer(numbers.e), "kty": "RSA", "n": _integer(numbers.n), "use": "sig"}


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _integer(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))
