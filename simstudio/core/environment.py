"""Settings from environment variables: one rule for every service.

An argument wins over its variable, even where the argument is empty; an empty variable counts as unset.
"""

from __future__ import annotations

import os
from typing import Any

from simstudio.transport.secret import Secret


def from_environment(given: Secret[Any], variable: str, default: object = None) -> Secret[Any]:
    """The given setting; if it is None, the value of an environment variable, or else the default.

    Example:
        >>> from_environment(Secret(None), "NO_SUCH_VARIABLE", "https://sim.ai").reveal()
        'https://sim.ai'
    """
    return given if given.reveal() is not None else Secret(os.environ.get(variable) or default)
