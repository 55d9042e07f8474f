"""Handles of work that Sim continues after its response: the processing of a document, or a sync of a connector."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from simstudio.core.conversion import require, structure
from simstudio.core.endpoint import extract
from simstudio.core.errors import JobFailedError, JobTimeoutError
from simstudio.core.model import Model
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.polling import Poller
from simstudio.core.resource import APIResource
from simstudio.core.runs import SubmittedRun
from simstudio.transport.flow import Flow

S = TypeVar("S", bound=Model)


class StateHandle(SubmittedRun[M, S, S]):
    """A handle whose state one GET request shows; the final state is its result.

    A subclass names the model, the attribute with the status, and the noun for messages, and says which states are
    final and which failed.

    A pickled handle contains the client's key: treat it as a secret.
    """

    poller: ClassVar[Poller] = Poller()
    _into: ClassVar[type[Model]]
    _status_name: ClassVar[str] = "status"
    _noun: ClassVar[str]
    _advice: ClassVar[str] = ""
    """Sentence for the error of a wait that ran out of time."""

    def __init__(
        self, resource: APIResource[M], run_id: str, path: str, workspace_id: str, state: S | None = None
    ) -> None:
        super().__init__(resource._context, resource._name, run_id, state)
        self._resource: APIResource[M] = resource
        self._path = path
        self._workspace_id = workspace_id

    @abstractmethod
    def _reason_of(self, state: S) -> str | None:
        """Return the reason why it failed; None unless it did."""

    def _status_of(self, state: S) -> str:
        status: str = getattr(state, self._status_name)
        return status

    def _fetch_state(self, timeout: float | Unset = UNSET) -> Flow[S]:
        query = {"workspaceId": self._workspace_id}
        response = yield from self._call_explained(
            self._request("GET", self._path, params=query, timeout=timeout, resend="read")
        )
        state: Any = structure(extract(response, ("data",)), self._into, response=response)
        require(state, response, **{self._status_name: str})
        return state  # type: ignore[no-any-return]

    def _await(
        self, timeout: float | None, on_progress: Callable[[S], Any] | None, poll_interval: float | None
    ) -> Flow[S]:
        if self.state is not None and self.done:
            return (yield from self._result(self.state))
        poller = self.poller.with_interval(poll_interval)
        state = yield from poller.wait(
            self._fetch_state,
            done=self._is_done,
            expired=lambda last: self._timeout_error(last, timeout),
            timeout=timeout,
            client_timeout=self._context.options.timeout,
            on_progress=on_progress,
            subject=f"The {self._noun} {self.id}",
        )
        return (yield from self._result(state))

    def _result(self, state: S) -> Flow[S]:
        reason = self._reason_of(state)
        if reason is not None:
            raise JobFailedError(f"The {self._noun} {self.id} failed: {reason.rstrip('.')}.", None, job=state)
        return state
        yield  # makes this a generator, as a flow must be

    def _timeout_error(self, last: S | None, timeout: float | None) -> JobTimeoutError:
        seen = "its state could not be read" if last is None else f"last seen {self._status_of(last)!r}"
        return JobTimeoutError(
            f"The {self._noun} {self.id} was not done within {timeout:g} s ({seen}). It goes on; wait again, or give a "
            f"longer timeout.{self._advice}",
            job=last,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._resource, self.id, self._path, self._workspace_id, self.state)
