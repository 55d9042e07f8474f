"""The two kinds of client, and the mark of tests that run on both.

Operations are written once, as flows, so a test runs on the sync client. It runs on the async client as well where the
two can differ: drivers, streams, uploads and downloads, pages, cancellation, pools.
"""

from __future__ import annotations

import pytest

MODES = ("sync", "async")

both_modes = pytest.mark.parametrize("mode", MODES)
"""Run a test, whose fixtures depend on ``mode``, on the sync and on the async client."""
