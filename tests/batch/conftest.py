"""What all tests of batches share."""

from __future__ import annotations

from tests.tls import one_tls_context  # noqa: F401 - a fixture
