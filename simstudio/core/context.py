"""``Context``: session, options and mode of one client, for its resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simstudio.core.options import Options, user_agent
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.message import Headers
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.core.modes import Mode
    from simstudio.core.session import Session
    from simstudio.transport.flow import Flow


class Context:
    """The part of a client that its resources need.

    Args:
        session: State that the client shares with its clones.
        options: Timeout, retries and headers of this client.
        mode: Mode in which flows are run, which decides what operations return.
        rebuild: Makes the client of a pickle from the arguments in :meth:`reduce`.

    Attributes:
        defaults: Headers of every request: those of ``options`` over the package's own.
    """

    __slots__ = ("defaults", "mode", "options", "rebuild", "session")

    def __init__(
        self, session: Session, options: Options, mode: type[Mode], rebuild: Callable[[dict[str, Any]], Any]
    ) -> None:
        self.session = session
        self.options = options
        self.mode = mode
        self.rebuild = rebuild
        self.defaults = Headers({
            "User-Agent": user_agent(),
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            **options.headers,
        })  # fmt: skip

    def run(self, flow: Flow[Any]) -> Any:
        """Run a flow and return its result, or a coroutine of it."""
        return self.mode.run(self.session, flow)

    def call(self, flow: Flow[Any]) -> Any:
        """Run the flow of an operation: like :meth:`run`, but raw modes add the response."""
        return self.mode.call(self.session, flow)

    def reduce(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return what a pickle of the client holds, **including the API key**: a function and its arguments.

        Raises:
            ConfigurationError: The client cannot be pickled; the message names what prevents it.
        """
        session, options = self.session, self.options
        _check_picklable(session)
        arguments = {
            **session.arguments(),
            "base_url": session.endpoint.base_url,
            "timeout": options.timeout,
            "max_retries": options.max_retries,
            "middleware": session.middleware,
            "headers": Secret(dict(options.headers)),
            "max_response_size": session.wire.max_response_size,
        }
        return self.rebuild, (arguments,)


def _check_picklable(session: Session) -> None:
    if session.http_client is not None:
        raise ConfigurationError("A client with http_client= cannot be pickled: make one in each process.")
    option = session.middleware
    if option is None:
        return
    import pickle

    for middleware in [option] if callable(option) else list(option):
        try:
            pickle.dumps(middleware)
        except Exception as error:
            name = getattr(middleware, "__qualname__", None) or type(middleware).__qualname__
            raise ConfigurationError(
                f"A client with the middleware {name} cannot be pickled: {error}. Use a function of a module."
            ) from error
