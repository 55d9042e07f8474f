"""Messages and exit codes for exceptions.

Messages of the client name Python's arguments and attributes; here they name options and environment variables.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import attrs
import click
from click.core import ParameterSource

from simstudio.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    APIVersionError,
    AuthenticationError,
    ConfigurationError,
    ExecutionError,
    ExecutionTimeoutError,
    InvalidInputError,
    JobCancelledError,
    JobFailedError,
    JobTimeoutError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SimStudioError,
    StreamError,
)
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.cli.invocation import Invocation
    from simstudio.transport.message import Response

_LONGEST = 2000
_MOST_DETAILS = 20


class ExitCode(IntEnum):
    """Exit codes of the process; 0 is success."""

    FAILED = 1
    """The run failed, or the server refused the request."""
    USAGE = 2
    """The command cannot be understood, or its input cannot be sent."""
    CONNECTION = 3
    """No connection, or no usable API key."""
    TIMEOUT = 4
    """The server did not answer in time, or the run was not done in time."""
    INTERRUPTED = 130
    """Ctrl-C, as a shell reports it."""
    TERMINATED = 143
    """SIGTERM, as a shell reports it."""
    HUNG_UP = 129
    """SIGHUP during a batch: its terminal was closed."""
    READER_GONE = 141
    """The reader of the output closed it; a shell reports SIGPIPE so."""


class CommandError(Exception):
    """A failure that the command line itself finds.

    Args:
        message: One line: what happened and what to do.
        exit_code: Exit code of the process.
        kind: ``error.type`` in JSON output.
        choices: Ids, with their distinguishing names, of which the user is to choose one.
    """

    def __init__(
        self,
        message: str,
        exit_code: ExitCode = ExitCode.USAGE,
        kind: str = "CommandError",
        choices: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.kind = kind
        self.choices = choices


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """The user pressed Ctrl-C."""


class ReaderGone(Exception):  # noqa: N818 - nothing went wrong
    """The reader of standard output closed it (``| head``)."""


@attrs.frozen
class Failure:
    """The report of a failure.

    Attributes:
        kind: The exception's name.
        message: One line: what happened and what to do.
        exit_code: Exit code of the process.
        code: The documented code, or the server's.
        status: The HTTP status.
        request_id: The server's id of the request.
        task_id: The background execution it is about.
        result: Result of a failed run, under its wire names.
        details: Details of a refusal from the server, as plain JSON data.
        remarks: The same for people, a line each: a place of the request, and what is wrong there.
    """

    kind: str
    message: str
    exit_code: int
    code: str | None = None
    status: int | None = None
    request_id: str | None = None
    task_id: str | None = None
    result: Mapping[str, Any] = attrs.field(factory=dict)
    details: Any = None
    remarks: Sequence[str] = ()

    @property
    def line(self) -> str:
        """The message on one line, without the control characters that a server may have put into it."""
        return _one_line(self.message)

    @property
    def lines(self) -> str:
        """:attr:`line`, and below it the remarks, 20 at most."""
        shown = [f"  {_one_line(remark)}" for remark in self.remarks[:_MOST_DETAILS]]
        if len(self.remarks) > len(shown):
            shown.append(f"  and {len(self.remarks) - len(shown)} more; --json shows all")
        return "\n".join([self.line, *shown])

    def to_dict(self) -> dict[str, Any]:
        """The failure as JSON data: the result of a failed run, with ``error`` as an object instead of the text."""
        more = {} if self.details is None else {"details": self.details}
        return {
            **self.result,
            "error": {
                "type": self.kind,
                "message": self.message,
                "code": self.code,
                "status": self.status,
                "requestId": self.request_id,
                "taskId": self.task_id,
                **more,
            },
        }


def describe(error: BaseException, invocation: Invocation) -> Failure | None:
    """The report of an exception; None for a defect of the program, which shows its traceback."""
    if isinstance(error, (Interrupted, KeyboardInterrupt, click.Abort)):
        return _describe_interruption(invocation)
    if isinstance(error, CommandError):
        return Failure(
            error.kind,
            str(error),
            error.exit_code,
            details=[{"id": found, "name": name} for found, name in error.choices] or None,
            remarks=[f"{found}  {name}" for found, name in error.choices],
        )
    if isinstance(error, click.ClickException):
        return Failure(type(error).__name__, _usage(error), ExitCode.USAGE)
    if isinstance(error, FileNotFoundError) and not _is_in_directory():
        return Failure(type(error).__name__, "The current directory is gone: change to another.", ExitCode.USAGE)
    if not isinstance(error, SimStudioError):
        return None
    task_id = error.task_id or invocation.task_id
    result = error.result if isinstance(error, ExecutionError) else None
    message, rest = _message(error, task_id, invocation), _describe_running(error, invocation)
    failure = Failure(
        type(error).__name__,
        message if not rest or message.endswith(rest) else f"{message} {rest}",
        _exit_code(error),
        code=error.code,
        status=error.status or None,  # Oomol: 0 where nothing was answered
        request_id=error.request_id,
        task_id=task_id,
        result=result.to_dict() if result is not None else {},
        details=error.details if isinstance(error, APIStatusError) else None,
        remarks=_remarks(error) if isinstance(error, APIStatusError) else (),
    )
    told = {name: getattr(failure, name) for name in ("message", "result", "details", "remarks")}
    return attrs.evolve(failure, **_redact(told, invocation.known_secrets()))


def _is_in_directory() -> bool:
    """Whether the current directory exists; names of files are relative to it."""
    try:
        return bool(os.getcwd())  # noqa: PTH109 - Path.cwd() is the same
    except FileNotFoundError:
        return False


def _exit_code(error: SimStudioError) -> ExitCode:
    if isinstance(error, (APITimeoutError, JobTimeoutError)):  # some are ExecutionError or APIConnectionError as well
        return ExitCode.TIMEOUT
    if isinstance(error, (APIConnectionError, AuthenticationError, StreamError)):
        return ExitCode.CONNECTION
    if isinstance(error, PermissionDeniedError) and getattr(error, "gateway_code", None):
        return ExitCode.CONNECTION  # SpeedPix's gateway answers 403 to a wrong key or secret
    if isinstance(error, (ConfigurationError, InvalidInputError)):
        return ExitCode.USAGE
    return ExitCode.FAILED


def _message(error: SimStudioError, task_id: str | None, invocation: Invocation) -> str:
    if invocation.rephrase is not None and not (isinstance(error, JobTimeoutError) and task_id is not None):
        return invocation.rephrase(str(error))
    if isinstance(error, JobFailedError) and error.result is None:  # an import or a document, which is no workflow
        return in_words(str(error))
    if isinstance(error, ExecutionError):
        text, command = _execution(error, task_id), _command_to_see(error, invocation)
        return f"{text}{'' if text.endswith('.') else '.'} See what it did with: {command}" if command else text
    if isinstance(error, JobTimeoutError) and task_id is not None:
        seen = f" (last seen {error.job.status!r})" if error.job is not None else ""
        more = "" if invocation.embedded else f" It goes on; wait again with: {invocation.wait_again(task_id)}"
        return f"The {invocation.noun} {task_id} was not done in time{seen}.{more}"
    if isinstance(error, JobTimeoutError) and invocation.interruption:
        return str(error).replace(_WAIT_AGAIN, f"{invocation.interruption}.")
    if isinstance(error, APIVersionError):
        return in_words(str(error))
    if isinstance(error, APIStatusError):
        return _status(error, invocation)
    if isinstance(error, APITimeoutError):
        return _without_advice(error, "give a longer timeout") + "; give a longer --timeout, or run it with --async."
    if isinstance(error, APIConnectionError):
        return (
            _without_advice(error, "Check base_url")
            + "Check --base-url (SIM_BASE_URL), the network and any proxy settings."
        )
    name, _, rest = in_words(str(error)).partition(" ")
    return f"{invocation.options.get(name, name)} {rest}".rstrip()


_WAIT_AGAIN = "It goes on; wait again, or give a longer timeout."
_WORDS = (
    ('on_unknown="rerun"', "--on-unknown rerun"),
    ('shared="rate.sqlite"', "--shared rate.sqlite"),
    ('on_failed="rerun"', "--retry-failed"),
    ('Use api_version="v1"', "Give --api-version v1"),
    ('api_version="v2"', "--api-version v2"),
    ('mode="stream"', "--mode stream"),
    ('mode="sync"', "--mode sync"),
    ("the key goes into api_key=", "the key goes into SIM_API_KEY"),
    ("another file with out=", "another file with --out"),
    ("out must end with", "--out must end with"),
    ("dead_letters is", "--dead-letters is"),
    ("max_failures=", "--max-failures "),
    ("budget= needs", "--budget needs"),
    ("flatten= is for the file of out=", "--flatten is for the file of --out"),
    ("columns= needs rows", "--column needs rows"),
    ("take others with columns=", "take others with --column"),
    ("Its trace: client.traces.get(error), or simstudio", "Its trace: simstudio"),
    ("or say format=", "or give --format"),
    ("pass signature_header=", "give --signature-header"),
    ("key= must tell", "--key must tell"),
    ("inputs with key=", "inputs with --key"),
    ("key= failed for", "--key failed for"),
    ("; its result is in error.response.content (", " ("),
    ("temporary database of dedup=", "temporary database of --dedup"),
    (" If they are genuine, allow for them with max_event_size=.", ""),
    (" If it is genuine, allow for it with max_event_size=.", ""),
    ("until client.workflows.cancel() ends it", "until simstudio runs cancel ends it"),
    ('client.v1.logs.list(workspace_id, workflow_ids=[…], level="error"), or ', ""),
    ("give workflow_id= for", "give --workflow for"),
    (", or what submit() returned", ""),
    ("client.workflows.submit() allows longer runs", "--async allows longer runs"),
    ("client.usage.limits() shows both", "simstudio usage shows both"),
    ("Check the API key (api_key= or SIM_API_KEY)", "Check the API key (SIM_API_KEY)"),
    ("pass the id of that log", "give the id of that log"),
    (": pass the last progress of on_progress as session= to resume the upload", ""),
    ("use client.workflows.run() or submit(), which do not wait on one connection", "use --async"),
    ("the host is base_url's", "the host is that of --base-url (SIM_BASE_URL)"),
    ("leave it out of base_url", "leave it out of --base-url (SIM_BASE_URL)"),
    ("What it delivered is in error.partial; the run", "The run"),
    (", or pass (json.loads(line) for line in gzip.open(path))", ""),
    ("For a file of this computer write pathlib.Path(…), for a text (name, text).", "Without --file-id it is a path."),
)


_ATTRIBUTES = re.compile(r" [A-Z][^.]* (?:is|are) in error\.\w+(?:\.\w+)*(?:, [^.]* in error\.\w+)*\.")
"""A sentence of a message that names attributes of the exception."""
_MOVE = re.compile(r"say so first: simstudio\.batch\.ledger\.move\(.*\)")
_TO_SEE = re.compile(r" ?(?:Its (?:trace|log)|The run's id is \S+; its state): simstudio .*")
_READING = re.compile(r"client\.(?:jobs\.get|v1\.logs\.execution)\(('[^()]*')\)")
"""A call that reads the state of a run."""
_RUN = re.compile(rf" ?The run's id is \S+; its state: {_READING.pattern}")


def in_words(text: str) -> str:
    """The message of an exception, with options and commands in the place of arguments and calls; no attributes."""
    for argument, option in _WORDS:
        text = text.replace(argument, option)
    return _READING.sub(_command_of, _MOVE.sub("give --server-moved", _ATTRIBUTES.sub("", text)))


def without_commands(text: str) -> str:
    """A message of :func:`in_words` without the command that asks the server for the run."""
    return _TO_SEE.sub("", text)


def _command_of(reading: re.Match[str]) -> str:
    """The command for ``client.jobs.get(run[, workflow_id=workflow])`` or ``client.v1.logs.execution(run)``."""
    run, *workflow = re.findall(r"'([^']*)'", reading[1])
    if "logs" in reading[0]:
        return shlex.join(["simstudio", "runs", "show", run])
    of = ["--workflow", *workflow, "--api-version", "v2"] if workflow else []
    return shlex.join(["simstudio", "runs", "get", run, *of])


def _without_advice(error: APIConnectionError, advice: str) -> str:
    """An exception's text without the advice that it ends with, which names arguments."""
    text, found, _ = in_words(_RUN.sub("", str(error))).partition(advice)
    return text.rstrip("; ") if found and text.rstrip().endswith(";") else text if found else f"{text} "


def _execution(error: ExecutionError, task_id: str | None) -> str:
    from simstudio.models.execution import error_text

    what = f"The run {task_id}" if isinstance(error, JobFailedError) and task_id else "The workflow"
    reason = error_text(error.result.error) if error.result is not None else None
    if isinstance(error, JobCancelledError):
        return f"{what} was cancelled{': ' + reason if reason else ''}."
    if reason is None:
        reason = "Sim gives no reason (it may have been cancelled or timed out)"
    waited = isinstance(error, ExecutionTimeoutError) and not isinstance(error, JobFailedError)
    advice = " --async allows longer runs." if waited else ""
    return f"{what} failed: {reason}{'.' if advice else ''}{advice}"


def _command_to_see(error: ExecutionError, invocation: Invocation) -> str | None:
    """The command that shows what a failed run did; None if the server ends with this command, or nothing is known."""
    from simstudio.models.runs import show_command

    run_id = error.run_id or (error.result.execution_id if error.result is not None else None)
    if invocation.embedded or not (run_id or invocation.executed):
        return None
    command = show_command(run_id, invocation.executed, "v2" if invocation.workflow is not None else None)
    return command.replace("simstudio", shlex.join(invocation.program), 1)


_ADVICE = {
    402: "Raise the limit or wait for the next period; see: simstudio usage",
    404: "Check the id, and --base-url (SIM_BASE_URL).",
}


def _status(error: APIStatusError, invocation: Invocation) -> str:
    from simstudio.core.failures import gateway_advice, read_error, reason
    from simstudio.resources.advice import REFUSED, find_cause

    response = error.response
    if response is None:
        return str(error)
    body = read_error(response)
    text = f"{(body.message or reason(response.status)).rstrip('.')} ({_describe_request(response)})."
    cause = find_cause(response) or gateway_advice(response)
    if cause is not None and cause.startswith(REFUSED):  # these are lines of their own
        cause = None
    advice = in_words(cause) if cause is not None else _ADVICE.get(response.status)
    if response.status == 401:
        advice = invocation.key_advice
    if response.status == 404 and invocation.workflows and "/workflows/" in response.path:
        advice = f"The sandbox has: {', '.join(invocation.workflows)}."
    elif response.status == 404 and "html" in response.headers.get("content-type", ""):
        advice = "The server may be older than this route; else check --base-url (SIM_BASE_URL)."
    elif response.status == 404 and invocation.id_advice:
        advice = invocation.id_advice
    if isinstance(error, RateLimitError):
        wait = error.retry_after
        advice = "Wait a while and try again." if wait is None else f"Wait {wait:g} s and try again."
    elif 300 <= response.status <= 399:
        advice = f"It redirects to {response.headers.get('location', 'nowhere')[:200]}; give that as --base-url."
    return f"{text} {advice}" if advice else text


def _remarks(error: APIStatusError) -> list[str]:
    """The lines below a refusal: places and reasons; none if its message says it all."""
    from simstudio.core.failures import ErrorBody, read_error
    from simstudio.resources.advice import find_remarks

    response = error.response
    if response is None or response.status not in (400, 422):
        return []
    body = read_error(response)
    if isinstance(body.details, Mapping):
        return [f"{name}: {value}" for name, value in body.details.items() if isinstance(value, (str, int, float))]
    return find_remarks(response, ErrorBody(details=body.details)) if find_remarks(response, body) else []


def _describe_request(response: Response) -> str:
    attempts = f", after {response.attempt} attempts" if response.attempt > 1 else ""
    request_id = f", request id {response.request_id}" if response.request_id else ""
    return f"HTTP {response.status}, {response.method} {response.path}{attempts}{request_id}"


def _usage(error: click.ClickException) -> str:
    text = error.format_message().rstrip(".")
    if isinstance(error, click.BadParameter) and error.param is not None and error.ctx is not None:
        source = error.ctx.get_parameter_source(error.param.name or "")
        if source is ParameterSource.ENVIRONMENT and isinstance(error.param.envvar, str):
            text = text.replace(error.param.get_error_hint(error.ctx), error.param.envvar, 1)
    context = error.ctx if isinstance(error, click.UsageError) else None
    text += "" if text.endswith(("?", "?)")) else "."
    return f"{text} See: {context.command_path} --help" if context is not None else text


def _describe_running(error: SimStudioError, invocation: Invocation) -> str:
    """The last sentence about an error that ended the wait for a run, and says nothing about the run itself."""
    if invocation.embedded or isinstance(error, ExecutionError):
        return ""
    if invocation.begun and invocation.task_id is not None:
        lost = isinstance(error, (APIConnectionError, RateLimitError, ServerError))
        return _continues(invocation) if lost else ""
    run = _RUN.search(str(error))
    return in_words(run[0]).strip() if run is not None else ""


def _continues(invocation: Invocation) -> str:
    text = f"The {invocation.noun} may continue on the server."
    if invocation.task_id is not None:
        text += f" Its id is {invocation.task_id}; wait for it with: {invocation.wait_again(invocation.task_id)}"
    return text


def _describe_interruption(invocation: Invocation) -> Failure:
    word, code = ("Terminated", ExitCode.TERMINATED) if invocation.terminated else ("Interrupted", ExitCode.INTERRUPTED)
    text = f"{word}. {invocation.interruption}".rstrip()
    if invocation.begun and not invocation.embedded:
        text += f" {_continues(invocation)}"
    return Failure("Interrupted", text, code, task_id=invocation.task_id)


def _one_line(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _redact(value: Any, secrets: Secret[tuple[str, ...]]) -> Any:
    """JSON data without the API key and other secrets, wherever a server may have put them."""
    if isinstance(value, str):
        for secret in map(Secret, secrets.reveal()):
            value = value.replace(secret.reveal(), "***")
        return value
    if isinstance(value, Mapping):
        return {name: _redact(item, secrets) for name, item in value.items()}
    return [_redact(item, secrets) for item in value] if isinstance(value, (list, tuple)) else value
