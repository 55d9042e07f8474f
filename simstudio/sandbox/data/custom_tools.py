"""Custom tools: functions that agents call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.define
class CustomTool:
    """A custom tool. Times are epoch seconds."""

    id: str
    workspace_id: str
    title: str
    schema: Mapping[str, Any]
    code: str
    created: float
    updated: float
