"""``client.workflows``: workflows, and their runs from start to end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.failures import describe
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_interval, check_timeout
from simstudio.core.polling import Poller, PollSchedule
from simstudio.core.runs import SubmittedRun
from simstudio.services.vectorvein.envelope import DONE, Envelope, id_of, salvage_id
from simstudio.services.vectorvein.errors import (
    RequestError,
    TimeoutError,  # noqa: A004 - the documented name
    WorkflowError,
    combined,
)
from simstudio.services.vectorvein.models.base import plain
from simstudio.services.vectorvein.models.workflows import WorkflowRunResult, run_result
from simstudio.services.vectorvein.resource import drop_none, identifier, invalid, records
from simstudio.services.vectorvein.resources.uploads import Uploads
from simstudio.services.vectorvein.resources.workflow_batches import WorkflowBatches
from simstudio.services.vectorvein.resources.workflow_definitions import WorkflowDefinitions
from simstudio.services.vectorvein.resources.workflow_inputs import InputFields, encode_input_fields
from simstudio.transport.errors import InvalidResponseError, SimStudioError

if TYPE_CHECKING:
    from simstudio.core.context import Context
    from simstudio.transport.flow import Flow

SCHEDULE = PollSchedule(initial=1.5, multiplier=1.5, maximum=10.0)
"""About ten polls in the first minute and six in each further one, of the 60 calls a minute that are allowed."""

_KEY_TYPES = ("WORKFLOW", "VAPP")
_POLL_FAILURES = frozenset({401, 403, 404, 408, 429, 502, 503, 504})
"""Envelope statuses of ``check-status`` by which the poll failed; with every other failure, the run failed."""


@attrs.frozen
class RunReference:
    """A run to poll.

    Attributes:
        wid: Id of its workflow, sent with each poll; required with the key of a VApp.
        vapp: Whether the client's key belongs to a VApp.
    """

    rid: str
    wid: str | None = None
    vapp: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """Arguments of ``client.workflows.handle`` for this run."""
        return (self.rid, self.wid or "", "VAPP") if self.vapp else (self.rid,)


class Workflows(WorkflowDefinitions[M], WorkflowBatches[M], Uploads[M]):
    """Workflows and their runs.

    Attributes:
        poller: Schedule of the polls of a wait.
    """

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context, name)
        self.poller = Poller(SCHEDULE)

    @operation
    def run(
        self,
        wid: str,
        input_fields: InputFields,
        *,
        output_scope: str = "output_fields_only",
        api_key_type: str = "WORKFLOW",
        timeout: float | None = 3600.0,
        on_progress: Callable[[WorkflowRunResult], Any] | None = None,
        poll_interval: float | None = None,
    ) -> Flow[WorkflowRunResult]:
        """Run a workflow and wait for its outputs.

        The run is started without waiting at the server, so that its id is known at once. Polls follow: at once, after
        1.5 s, and at pauses that grow to 10 s.

        Args:
            wid: The workflow's id.
            input_fields: List of :class:`WorkflowInputField`, or of mappings with the same names; or a mapping from
                ``NODE.FIELD``, the id of a node and the name of its field, to the value. A file in a value (a path
                object, a file opened in binary mode, a :class:`simstudio.File` …) is uploaded, and its ``oss_path`` is
                sent in its place.
            output_scope: ``output_fields_only``, or ``all`` for the outputs of every node.
            api_key_type: ``VAPP`` when the client's key belongs to a VApp.
            timeout: Seconds to wait. None waits for ever, unless all calls are refused (429) for a day. A poll that has
                to wait for its turn under the limit of 60 calls a minute is sent all the same, so a wait may take
                longer while many calls share the limit.
            on_progress: Called with the state at each poll; may be async on an async client.
            poll_interval: Seconds between polls, instead of growing pauses; VectorVein allows 60 calls a minute.

        Returns:
            The run, its outputs in ``data``.

        Raises:
            WorkflowError: The run failed (``error.rid``, ``error.msg``, ``error.data``).
            TimeoutError: The run was not done in time; it goes on (``error.rid``).
            SimStudioError: Any other failure; ``error.rid`` (``error.task_id``) if the run had started.

        Example:
            >>> client.workflows.run("wid", [WorkflowInputField("n", "Name", "Ada")]).data  # doctest: +SKIP
        """
        return (
            yield from self._run(wid, input_fields, output_scope, api_key_type, timeout, on_progress, poll_interval)
        )

    @operation
    def submit(
        self,
        wid: str,
        input_fields: InputFields,
        *,
        output_scope: str = "output_fields_only",
        api_key_type: str = "WORKFLOW",
    ) -> Flow[WorkflowRun[M]]:
        """Start a run, and return its handle without waiting.

        Args:
            wid: As :meth:`run`.
            input_fields: As :meth:`run`.
            output_scope: As :meth:`run`.
            api_key_type: As :meth:`run`.

        Returns:
            A handle of the run: ``id``, ``status``, ``refresh()``, ``wait()``, ``result()``.

        Example:
            >>> client.workflows.submit("wid", []).wait(timeout=60).data  # doctest: +SKIP
        """
        run, state = yield from self._start(wid, input_fields, output_scope, api_key_type, needs_rid=False)
        return WorkflowRun(self, run, state)

    @operation
    def status(self, rid: str, wid: str | None = None, api_key_type: str = "WORKFLOW") -> Flow[WorkflowRunResult]:
        """Retrieve the state of a run.

        Args:
            wid: Id of its workflow; required with the key of a VApp.
            api_key_type: As :meth:`run`.

        Returns:
            Its state: ``status`` is 202 while it runs. It is also the mapping that the server sent.

        Raises:
            WorkflowError: The run failed.
            NotFoundError: No run has this id.
            SimStudioError: The state could not be retrieved (``error.rid``).

        Example:
            >>> client.check_workflow_status("rid").done  # doctest: +SKIP
        """
        run = self._reference(rid, wid, api_key_type)
        return self._raise_if_failed(run, (yield from self._state(run)))

    def handle(self, rid: str, wid: str | None = None, api_key_type: str = "WORKFLOW") -> WorkflowRun[M]:
        """A handle of a run, with which to wait for it. Nothing is sent.

        Example:
            >>> client.workflows.handle("rid").result(timeout=60).data  # doctest: +SKIP
        """
        return WorkflowRun(self, self._reference(rid, wid, api_key_type), None)

    @operation
    def run_template(
        self,
        tid: str,
        data: Mapping[str, Any],
        run_from: str | None = None,
        accept_subscribe_message: bool | None = None,  # noqa: FBT001 - the documented signature
    ) -> Flow[str]:
        """Start a run of a workflow template, and return its id; :meth:`handle` waits for it.

        Args:
            tid: The template's id.
            data: Nodes and edges with the inputs filled in. Files in it are uploaded.
            run_from: Origin of the run, in VectorVein's words.
            accept_subscribe_message: Sent as given.

        Raises:
            SimStudioError: Any failure; ``error.rid`` if the run had started.

        Example:
            >>> rid = client.run_workflow_template("tid", data)  # doctest: +SKIP
            >>> client.workflows.handle(rid).wait().data  # doctest: +SKIP
        """
        if not isinstance(data, Mapping):
            raise invalid(f"data must be the mapping of a workflow's nodes and edges, not {type(data).__name__}.")
        options = drop_none(run_from=run_from, accept_subscribe_message=accept_subscribe_message)
        body = {"tid": identifier(tid, "tid"), "data": plain((yield from self._store_files(data))), **options}
        rid, _ = yield from self._begin("workflow/run-template", body=body, needs_rid=True)
        return rid

    @operation
    def stop(self, rid: str) -> Flow[Any]:
        """Stop a run.

        Returns:
            The answer's data, as plain JSON data.

        Example:
            >>> client.stop_workflow_run("rid")  # doctest: +SKIP
        """
        return (yield from self._write("workflow/stop-run", {"rid": identifier(rid, "rid")})).data

    @operation
    def resume(self, rid: str, human_feedback_nodes: Iterable[Mapping[str, Any]] | None = None) -> Flow[Any]:
        """Resume a run that waits for a human.

        Args:
            rid: The run's id.
            human_feedback_nodes: Nodes of the workflow, with the answers filled in.

        Returns:
            The answer's data, as plain JSON data.

        Example:
            >>> client.resume_workflow_run("rid")  # doctest: +SKIP
        """
        nodes = None
        if human_feedback_nodes is not None:
            nodes = plain(records(human_feedback_nodes, "human_feedback_nodes"))
        body = {"rid": identifier(rid, "rid"), **drop_none(human_feedback_nodes=nodes)}
        return (yield from self._write("workflow/resume-run", body)).data

    # -- flows -----------------------------------------------------------------------------------------------------

    def _run(
        self,
        wid: str,
        input_fields: InputFields,
        output_scope: str,
        api_key_type: str,
        timeout: float | None,
        on_progress: Callable[[WorkflowRunResult], Any] | None,
        poll_interval: float | None,
    ) -> Flow[WorkflowRunResult]:
        """Start a run, and wait for it unless its outputs came at once."""
        self._check_waiting(timeout, on_progress, poll_interval)
        submission = yield from self._prepare(wid, input_fields, output_scope, api_key_type)

        def start() -> Flow[tuple[RunReference, WorkflowRunResult | None]]:
            return self._submit(submission, needs_rid=False)

        patience = timeout if self._context.options.max_retries else 0.0
        run, state = yield from self.poller.begin(start, patience)
        if state is None:
            return (yield from self._wait(run, timeout, on_progress, poll_interval))
        return self._raise_if_failed(run, state)

    def _start(
        self,
        wid: str,
        input_fields: InputFields,
        output_scope: str,
        api_key_type: str,
        *,
        needs_rid: bool,
        max_retries: int | None = None,
    ) -> Flow[tuple[RunReference, WorkflowRunResult | None]]:
        """Start a run; returns its outputs as well, if the server sent them at once."""
        submission = yield from self._prepare(wid, input_fields, output_scope, api_key_type)
        return (yield from self._submit(submission, needs_rid=needs_rid, max_retries=max_retries))

    def _prepare(
        self, wid: str, input_fields: InputFields, output_scope: str, api_key_type: str
    ) -> Flow[dict[str, Any]]:
        """Check the arguments of a run, upload its files, and return the options of its request."""
        if not isinstance(output_scope, str) or not output_scope:
            raise invalid(f'output_scope must be "output_fields_only" or "all", not {output_scope!r}.')
        vapp, wid, fields = _is_vapp(api_key_type), identifier(wid, "wid"), encode_input_fields(input_fields)
        body = {
            "wid": wid,
            "output_scope": output_scope,
            "wait_for_completion": False,  # with True the server may withhold the id for longer than the call may last
            "input_fields": (yield from self._store_files(fields)),
        }
        return {"body": body, "vapp": vapp}

    def _submit(
        self, submission: dict[str, Any], *, needs_rid: bool, max_retries: int | None = None
    ) -> Flow[tuple[RunReference, WorkflowRunResult | None]]:
        rid, envelope = yield from self._begin(
            "workflow/run", needs_rid=needs_rid, max_retries=max_retries, **submission
        )
        vapp = submission["vapp"]
        run = RunReference(rid, submission["body"]["wid"] if vapp else None, vapp)
        # No outputs at once may just be too early.
        finished = _has_outputs(envelope) and (envelope.data or not rid)
        return run, run_result(envelope, rid) if finished else None

    def _begin(
        self, endpoint: str, *, body: Mapping[str, Any], needs_rid: bool, **options: Any
    ) -> Flow[tuple[str, Envelope]]:
        """Start a run, and return its id, which may be empty if the server sent outputs and the id is not needed."""
        try:
            envelope = yield from self._write(endpoint, body, **options)
            rid = id_of(envelope.content)
            if rid is None and (needs_rid or not _has_outputs(envelope)):
                raise combined(RequestError, InvalidResponseError)(
                    f"The run was accepted, but the answer has no rid ({describe(envelope.response)}). "
                    "What came is in error.details.",
                    envelope.status,
                    status=envelope.response.status,
                    details=envelope.content,
                    response=envelope.response,
                    history=envelope.response.history,
                )
        except SimStudioError as error:
            error.task_id = salvage_id(error)
            raise
        return rid or "", envelope

    def _state(self, run: RunReference, timeout: float | Unset | None = UNSET) -> Flow[WorkflowRunResult]:
        """Poll a run once. The failure of a run is a state; only the failure of the poll raises."""
        body = drop_none(rid=identifier(run.rid, "rid"), wid=run.wid)
        try:
            envelope = yield from self._read(
                "workflow/check-status", body, vapp=run.vapp, timeout=timeout, accepted=True, poll=True
            )
            if envelope.succeeded or envelope.status in _POLL_FAILURES:
                self._check_status(envelope)
            return run_result(envelope, run.rid)
        except SimStudioError as error:
            error.task_id = run.rid
            raise

    def _wait(
        self,
        run: RunReference,
        timeout: float | None,
        on_progress: Callable[[WorkflowRunResult], Any] | None,
        poll_interval: float | None,
    ) -> Flow[WorkflowRunResult]:
        self._check_waiting(timeout, on_progress, poll_interval)
        poller = self.poller.with_interval(poll_interval)

        def ask(seconds: float | Unset) -> Flow[WorkflowRunResult]:
            return self._state(run, seconds)

        again = f"client.workflows.handle({', '.join(map(repr, run.arguments))}).wait()"

        def make_error(last: WorkflowRunResult | None) -> TimeoutError:
            seen = "never seen" if last is None else f"last seen with status {last.status}"
            return TimeoutError(
                f"The run {run.rid} was not done within {timeout:g} s ({seen}). It goes on; wait again with {again}, "
                "or give a longer timeout.",
                job=last,
            )

        try:
            state = yield from poller.wait(
                ask,
                done=lambda state: state.done,
                expired=make_error,
                timeout=timeout,
                client_timeout=self._context.options.timeout,
                on_progress=on_progress,
                subject=f"The run {run.rid}",
                again=again,
            )
        except SimStudioError as error:
            error.task_id = run.rid
            raise
        return self._raise_if_failed(run, state)

    def _raise_if_failed(self, run: RunReference, state: WorkflowRunResult) -> WorkflowRunResult:
        """Return a state, or raise if the run failed."""
        if state.done and not state.succeeded:
            said = self._context.session.credentials.redact(state.msg) if isinstance(state.msg, str) else ""
            error = WorkflowError(
                f"The run {run.rid} failed with status {state.status}{': ' + said[:500] if said else ''}. "
                "Its state is in error.result.",
                state.status,
                details=state.to_dict(),
                result=state,
                job=state,
            )
            error.task_id = run.rid
            raise error
        return state

    def _reference(self, rid: str, wid: str | None, api_key_type: str) -> RunReference:
        vapp = _is_vapp(api_key_type)
        if vapp and not wid:
            raise invalid("Workflow ID cannot be empty when api_key_type is 'VAPP': pass wid=.")
        if wid is not None:
            identifier(wid, "wid")
        return RunReference(identifier(rid, "rid"), wid, vapp)

    def _check_waiting(self, timeout: object, on_progress: object, poll_interval: object) -> None:
        check_timeout(timeout)
        check_interval(poll_interval)
        if on_progress is not None and not callable(on_progress):
            raise invalid(f"on_progress must be a function of the run's state, not {on_progress!r}.")


def _is_vapp(api_key_type: object) -> bool:
    if api_key_type not in _KEY_TYPES:
        raise invalid(f'api_key_type must be "WORKFLOW" or "VAPP", not {api_key_type!r}.')
    return api_key_type == "VAPP"


def _has_outputs(envelope: Envelope) -> bool:
    return isinstance(envelope.data, list) and envelope.status in DONE


class WorkflowRun(SubmittedRun[M, WorkflowRunResult, WorkflowRunResult]):
    """Handle of a run; ``status`` is ``running``, ``completed`` or ``failed``, and ``unknown`` before the first poll.

    ``refresh()`` returns the state of a failed run, ``wait()`` and ``result()`` raise a
    :class:`~simstudio.services.vectorvein.WorkflowError` for it.

    A pickled handle contains the client's key: treat it as a secret.
    """

    def __init__(self, workflows: Workflows[M], run: RunReference, state: WorkflowRunResult | None) -> None:
        super().__init__(workflows._context, "workflows", run.rid, state)
        self._workflows: Workflows[M] = workflows
        self._run = run

    @property
    def rid(self) -> str:
        """The same as ``id``."""
        return self.id

    def _status_of(self, state: WorkflowRunResult) -> str:
        return "completed" if state.succeeded else "failed" if state.done else "running"

    def _is_done(self, state: WorkflowRunResult) -> bool:
        return state.done

    def _fetch_state(self) -> Flow[WorkflowRunResult]:
        return self._workflows._state(self._run)

    def _await(
        self,
        timeout: float | None,
        on_progress: Callable[[WorkflowRunResult], Any] | None,
        poll_interval: float | None,
    ) -> Flow[WorkflowRunResult]:
        if self.done:
            return self._result(self.state)  # type: ignore[arg-type]
        return self._workflows._wait(self._run, timeout, on_progress, poll_interval)

    def _result(self, state: WorkflowRunResult) -> Flow[WorkflowRunResult]:
        return self._workflows._raise_if_failed(self._run, state)
        yield  # a flow that sends no request

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._workflows, self._run, self.state)
