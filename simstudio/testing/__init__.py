"""Tools for testing code that calls Sim.

What belongs here: cassettes (recorded exchanges) without secrets, local servers that record and replay for clients in
any language, streams in small pieces, strict models, a block of the network, and the pytest plugin
`simstudio.testing.plugin`, whose fixtures exist in every pytest run once the package is installed. What does not: the
local server that answers like Sim (`simstudio.sandbox`) and the tests of this repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.testing.cassettes import assert_all_played, make_vcr, vcr_config
    from simstudio.testing.chunking import Rechunking, cut, rechunk
    from simstudio.testing.matchers import register_matchers
    from simstudio.testing.network import NetworkBlockedError, block_network
    from simstudio.testing.proxy import RecordingProxy, Replay
    from simstudio.testing.strict import strict_models

__all__ = [
    "NetworkBlockedError",
    "Rechunking",
    "RecordingProxy",
    "Replay",
    "assert_all_played",
    "block_network",
    "cut",
    "make_vcr",
    "rechunk",
    "register_matchers",
    "strict_models",
    "vcr_config",
]

_MODULES = {
    "NetworkBlockedError": "network",
    "Rechunking": "chunking",
    "RecordingProxy": "proxy",
    "Replay": "proxy",
    "assert_all_played": "cassettes",
    "block_network": "network",
    "cut": "chunking",
    "make_vcr": "cassettes",
    "rechunk": "chunking",
    "register_matchers": "matchers",
    "strict_models": "strict",
    "vcr_config": "cassettes",
}


def __getattr__(name: str) -> object:
    # pytest imports this package in every run wherever it is installed, so nothing is loaded before it is used.
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
