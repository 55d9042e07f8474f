"""What all tests of Sim's resources share."""

from __future__ import annotations

from tests.offline import no_sockets  # noqa: F401 - a fixture
