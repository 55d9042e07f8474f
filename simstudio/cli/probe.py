"""Whether a server accepts a key: one request that reads and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.cli.invocation import Invocation
    from simstudio.client import SimStudioClient


def check_key(base_url: str, key: Secret[str], invocation: Invocation) -> None:
    """Have the server check a key.

    Raises:
        AuthenticationError: The server refuses the key.
        SimStudioError: The server cannot be asked.
    """
    from simstudio.cli.connection import log_bodies
    from simstudio.client import SimStudioClient

    middleware = log_bodies if invocation.verbosity > 1 else None
    with SimStudioClient(key.reveal(), base_url, middleware=middleware) as client:
        read_with_key(client)


def read_with_key(client: SimStudioClient) -> None:
    """Send a request that every key may send, on every generation of Sim.

    Raises:
        AuthenticationError: The server refuses the key.
        SimStudioError: The server cannot be asked.
    """
    if client.api_version == "v2":
        client.v2.meta.get()
    else:
        client.usage.limits()
