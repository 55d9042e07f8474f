"""Strict models: every deviation of a server's answer from its model is an error."""

from __future__ import annotations

from contextlib import AbstractContextManager

from simstudio.core.conversion import converter


def strict_models() -> AbstractContextManager[None]:
    """Make every deviation from a model an :class:`~simstudio.InvalidResponseError` within the block.

    A deviation is a required field that is missing or null, or a value that fits no member of its type; unknown fields
    and unknown words are none. It holds for the whole process. The fixture ``sim_strict_models`` does it for a test.

    Example:
        >>> with strict_models():  # doctest: +SKIP
        ...     client.v2.workflows.list("workspace-id").page()
    """
    return converter.strictly()
