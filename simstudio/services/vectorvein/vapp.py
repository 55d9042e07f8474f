"""Links into a VApp: an AES token over app, access key, time and duration.

The scheme is the server's: AES-CBC with PKCS#7 padding under the bytes of the API key itself, a random IV in front, and
nothing that authenticates it. It cannot be changed here; treat a link as a password for as long as it lives.
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

SITE: Final = "https://vectorvein.com"
KEY_LENGTHS: Final = (16, 24, 32)
_BLOCK: Final = 16


class VAppURL(str):
    """A link: a plain ``str``, which can also be awaited, because VectorVein's own async client made one so.

    Example:
        >>> VAppURL("https://vectorvein.com/public/v-app/app-1")
        'https://vectorvein.com/public/v-app/app-1'
    """

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, str]:
        """Give the link; nothing is waited for."""
        return str(self)
        yield  # so that this is a generator, as awaiting needs


def vapp_url(
    api_key: str,
    app_id: str,
    access_key: str,
    key_id: str,
    *,
    timeout: int = 900,
    base_url: str = SITE,
    iv: bytes | None = None,
    now: float | None = None,
) -> VAppURL:
    """A link that opens a VApp for its bearer. Nothing is sent.

    Args:
        api_key: Of VectorVein; 16, 24 or 32 bytes long.
        app_id: The app's id.
        access_key: An access key of the app.
        key_id: The id of the API key.
        timeout: Seconds that the link lives.
        base_url: The site it leads to.
        iv: The cipher's 16 random bytes, for tests.
        now: Epoch seconds, for tests.

    Raises:
        ConfigurationError: The key is of no such length (also an APIKeyError), or ``cryptography`` is not installed.
        InvalidInputError: An argument cannot be part of a link; ``:`` separates the token's fields.
    """
    _check_text(app_id, "app_id", separated=True)
    _check_text(access_key, "access_key", separated=True)
    _check_text(key_id, "key_id", separated=False)
    if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout <= 0:
        raise _unusable(f"timeout must be whole seconds above 0, not {timeout!r}.")
    if iv is not None and (not isinstance(iv, bytes) or len(iv) != _BLOCK):
        raise _unusable(f"iv must be {_BLOCK} bytes.")
    site = check_base_url(base_url)
    moment = int(time.time() if now is None else now)
    token = _token(api_key, f"{app_id}:{access_key}:{moment}:{timeout}", os.urandom(_BLOCK) if iv is None else iv)
    return VAppURL(f"{site}/public/v-app/{quote(app_id, safe='')}?token={quote(token)}&key_id={quote(key_id, safe='')}")


def _token(api_key: str, text: str, iv: bytes) -> str:
    key = api_key.encode()
    if len(key) not in KEY_LENGTHS:
        raise combined(APIKeyError, ConfigurationError)(
            f"A VApp link is encrypted with the API key, which must be 16, 24 or 32 bytes long for that; this one has "
            f"{len(key)}. Use the API key that VectorVein shows in its settings."
        )
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as error:
        raise combined(VectorVeinAPIError, ConfigurationError)(
            'VApp links need cryptography, which is not installed: pip install "simstudio-sdk[vectorvein]"'
        ) from error
    plain = text.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    return base64.b64encode(iv + sealed).decode("ascii")


def _check_text(value: object, name: str, *, separated: bool) -> None:
    if not isinstance(value, str):
        raise _unusable(f"{name} must be a str, not {type(value).__name__}.")
    if not value.strip() or value in (".", ".."):
        raise _unusable(f"{name} is {value!r}, which names nothing.")
    if separated and ":" in value:
        raise _unusable(f"{name} holds a ':', which separates the fields of a link's token.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _unusable(f"{name} holds a character that cannot be encoded.") from None


def _unusable(message: str) -> VectorVeinAPIError:
    return combined(VectorVeinAPIError, InvalidInputError)(message)
