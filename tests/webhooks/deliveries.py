"""What real servers delivered, byte for byte; the secrets were made for it and thrown away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

SECRET = "whsec-wire-test-secret"


class Delivery(NamedTuple):
    """One delivery."""

    headers: dict[str, str]
    body: bytes
    secret: str | None

    @property
    def seconds(self) -> float:
        """When it was sent, in seconds since 1970."""
        names = {name.lower(): value for name, value in self.headers.items()}
        if "x-sim-timestamp" in names:
            return int(names["x-sim-timestamp"])
        return int(names.get("sim-timestamp") or names["x-webhook-timestamp"]) / 1000

    def now(self) -> float:
        """A clock that stands where it was sent."""
        return self.seconds


def delivery(number: int) -> Delivery:
    """A recorded delivery by its number."""
    (file,) = Path(__file__).with_name("recorded").glob(f"{number}-*.json")
    recorded = json.loads(file.read_text(encoding="utf-8"))
    return Delivery(dict(recorded["headers"]), recorded["body"].encode(), recorded.get("secret"))


TEST_BUTTON = delivery(317)
FAILED_RUN = delivery(319)
UNSIGNED = delivery(320)
WEBHOOK_BLOCK = delivery(316)
WORKSPACE_EVENT = delivery(782)
DRAIN_PROBE = delivery(345)
