"""What all tests of both versions share."""

from __future__ import annotations

from tests.tls import one_tls_context  # noqa: F401 - a fixture
