"""Links into a VApp: an AES token over app, access key, time and duration.

The scheme is the server's: AES-CBC with PKCS#7 padding under the bytes of the API key itself, a random IV in front, and
nothing that authenticates it. It cannot be changed here; treat a link as a password for as long as it is valid.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Generator
from typing import Any, Final
from urllib.parse import quote

from simstudio.services.vectorvein.errors import APIKeyError, VectorVeinAPIError, combined
from simstudio.transport.endpoint import check_base_url
from simstudio.transport.errors import ConfigurationError, InvalidInputError
from simstudio.transport.secret import Secret

SITE: Final = "https://vectorvein.com"
KEY_LENGTHS: Final = (16, 24, 32)
_BLOCK: Final = 16


class VAppURL(str):
    """A link: a ``str`` that can also be awaited, as the link of VectorVein's own async client must be.

    Example:
        >>> VAppURL("https://vectorvein.com/public/v-app/app-1")
        'https://vectorvein.com/public/v-app/app-1'
    """

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, str]:
        """Return the link at once."""
        return str(self)
        yield  # so that this is a generator, as awaiting needs


def vapp_url(
    api_key: Secret[str],
    access_key: Secret[str],
    app_id: str,
    key_id: str,
    *,
    timeout: int = 900,
    base_url: str = SITE,
    iv: bytes | None = None,
    now: float | None = None,
) -> VAppURL:
    """A link that opens a VApp for its bearer. Nothing is sent.

    Args:
        api_key: API key of VectorVein; 16, 24 or 32 bytes long.
        access_key: An access key of the app.
        key_id: The id of the API key.
        timeout: Seconds for which the link is valid.
        base_url: Address of the site.
        iv: The cipher's 16 random bytes, for tests.
        now: Epoch seconds, for tests.

    Raises:
        ConfigurationError: The key has another length (also an APIKeyError), or ``cryptography`` is not installed.
        InvalidInputError: An argument cannot be part of a link; ``:`` separates the token's fields.
    """
    _check_text(Secret(app_id), "app_id", separated=True)
    _check_text(access_key, "access_key", separated=True)
    _check_text(Secret(key_id), "key_id", separated=False)
    if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout <= 0:
        raise _unusable(f"timeout must be whole seconds above 0, not {timeout!r}.")
    if iv is not None and (not isinstance(iv, bytes) or len(iv) != _BLOCK):
        raise _unusable(f"iv must be {_BLOCK} bytes.")
    site = check_base_url(base_url)
    moment = int(time.time() if now is None else now)
    plain = Secret(f"{app_id}:{access_key.reveal()}:{moment}:{timeout}".encode())
    token = Secret(_token(api_key, plain, os.urandom(_BLOCK) if iv is None else iv))
    query = f"token={quote(token.reveal())}&key_id={quote(key_id, safe='')}"
    return VAppURL(f"{site}/public/v-app/{quote(app_id, safe='')}?{query}")


def _token(api_key: Secret[str], plain: Secret[bytes], iv: bytes) -> str:
    length = len(api_key.reveal().encode())
    if length not in KEY_LENGTHS:
        raise combined(APIKeyError, ConfigurationError)(
            f"A VApp link is encrypted with the API key, which must be 16, 24 or 32 bytes long for that; this one has "
            f"{length}. Use the API key that VectorVein shows in its settings."
        )
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as error:
        raise combined(VectorVeinAPIError, ConfigurationError)(
            "VApp links need cryptography, which is not installed: pip install cryptography"
        ) from error
    padding = _BLOCK - len(plain.reveal()) % _BLOCK
    encryptor = Cipher(algorithms.AES(api_key.reveal().encode()), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(plain.reveal() + bytes([padding]) * padding) + encryptor.finalize()
    return base64.b64encode(iv + sealed).decode("ascii")


def _check_text(value: Secret[str], name: str, *, separated: bool) -> None:
    problem = _problem_of(value.reveal(), separated=separated)
    if problem is not None:
        raise _unusable(f"{name} {problem}")


def _problem_of(value: object, *, separated: bool) -> str | None:
    if not isinstance(value, str):
        return f"must be a str, not {type(value).__name__}."
    if not value.strip() or value in (".", ".."):
        return f"is {value!r}, which names nothing."
    if separated and ":" in value:
        return "holds a ':', which separates the fields of a link's token."
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "holds a character that cannot be encoded."
    return None


def _unusable(message: str) -> VectorVeinAPIError:
    return combined(VectorVeinAPIError, InvalidInputError)(message)
