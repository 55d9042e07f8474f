"""The recordings of human in the loop that ``client.workflows.paused``, ``get_paused`` and ``resume`` play.

What they do not: lists without a status (95, 400: the server refuses them), the routes for pages of people (101, 102),
and an answer whose fields are not under ``input`` (110).
"""

from __future__ import annotations

from tests.integration.executions import Key
from tests.integration.replaying import V06

TYPED: set[Key] = {(V06, number) for number in (96, 97, 99, 100, 104, 105, 106, 107, 115, 119, 419, 420)}
