"""Strict models: every deviation of a response from its model is an error."""

from __future__ import annotations

from contextlib import AbstractContextManager

from simstudio.core.conversion import converter


def strict_models() -> AbstractContextManager[None]:
    """Raise :class:`~simstudio.InvalidResponseError` for every deviation within a ``with`` block, in all threads.

    A deviation is a required field that is missing or null, or a value that does not fit its type. Unknown fields and
    unknown values of enumerations are no deviations. So :func:`simstudio.webhooks.construct_event` raises it for a
    delivery that it otherwise returns as a ``GenericEvent`` because a typed field does not fit. The fixture
    ``sim_strict_models`` does the same for one test.

    Example:
        >>> with strict_models():  # doctest: +SKIP
        ...     client.v2.workflows.list("workspace-id").page()
    """
    return converter.strictly()
