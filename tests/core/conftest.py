"""What all tests of the core share."""

from __future__ import annotations

from tests.offline import no_sockets  # noqa: F401 - a fixture
