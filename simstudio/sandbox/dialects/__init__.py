"""The generations of the API that the sandbox can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.sandbox.dialects.documents import Documents
from simstudio.sandbox.dialects.v04 import V04
from simstudio.sandbox.dialects.v06 import V06
from simstudio.sandbox.dialects.v08 import V08

if TYPE_CHECKING:
    from simstudio.sandbox.dialects.base import Dialect

Generation = Literal["v0.8", "v0.6", "v0.4", "documents"]

DIALECTS: dict[str, type[Dialect]] = {dialect.name: dialect for dialect in (V08, V06, V04, Documents)}
