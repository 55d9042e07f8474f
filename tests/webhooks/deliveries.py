"""What a real Sim v0.6.43 delivered, byte for byte; the secret was made for it and thrown away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

SECRET = "whsec-wire-test-secret"


class Delivery(NamedTuple):
    """One delivery."""

    headers: dict[str, str]
    body: bytes

    @property
    def seconds(self) -> float:
        """When it was sent, in seconds since 1970."""
        return int(self.headers["sim-timestamp"]) / 1000

    def now(self) -> float:
        """A clock that stands where it was sent."""
        return self.seconds


def delivery(number: int) -> Delivery:
    """A recorded delivery by its number."""
    (file,) = Path(__file__).with_name("recorded").glob(f"{number}-*.json")
    recorded = json.loads(file.read_text(encoding="utf-8"))
    return Delivery(dict(recorded["headers"]), recorded["body"].encode())


TEST_BUTTON = delivery(317)
FAILED_RUN = delivery(319)
UNSIGNED = delivery(320)
