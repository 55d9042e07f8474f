"""The sandbox is a server, not a recording: nothing recorded is in its code."""

from __future__ import annotations

import re
from pathlib import Path

from recorded import recordings

import simstudio.sandbox

IDS = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|run_[0-9a-z]{20,}")


def test_no_recorded_id_is_in_its_code() -> None:
    code = b"".join(path.read_bytes() for path in Path(simstudio.sandbox.__file__).parent.rglob("*.py"))
    ids = {
        found
        for name in ("sim-v0.6.43", "sim-v0.4.22")
        for each in recordings(name)
        for found in IDS.findall(each.path.encode() + (each.request_body or b"") + each.body)
    }
    assert len(ids) > 100
    assert not [found for found in ids if found in code or found[:8] in code]
