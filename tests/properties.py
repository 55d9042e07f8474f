"""How many examples a property is tried with.

``HYPOTHESIS_EXAMPLES`` is the number for an ordinary property, 100 by default; costlier ones are tried with a share of
it.
"""

from __future__ import annotations

import os


def examples(usual: int = 100) -> int:
    """The number of examples for a property that is usually tried with ``usual``."""
    return max(1, usual * int(os.environ.get("HYPOTHESIS_EXAMPLES", "100")) // 100)
