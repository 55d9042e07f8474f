"""One TLS context for tests that speak no TLS: reading the machine's certificates for each HTTP client takes long."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import cache

import pytest

default_context = cache(ssl.create_default_context)


@pytest.fixture(scope="module", autouse=True)
def one_tls_context() -> Iterator[None]:
    """The default context is always the same one. A ``conftest.py`` that imports this fixture has it for its tests."""
    context = default_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", lambda *args, **kwargs: context)
        yield
