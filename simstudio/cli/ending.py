"""The end of a command that failed: its report and its exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from simstudio.cli.failures import CommandError, ExitCode, Interrupted, ReaderGone, describe
from simstudio.cli.invocation import Invocation
from simstudio.cli.output import discard, flush, say, write_json
from simstudio.transport.terminal import is_terminal


@contextmanager
def interrupted_by_sigterm(invocation: Invocation) -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C, but with its exit code; a second one ends the process at once.

    Batches and sandboxes have handlers of their own.
    """

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        invocation.terminated = True
        raise KeyboardInterrupt

    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def end(error: BaseException, invocation: Invocation) -> int:
    """Report the failure of a command: on standard error, or as JSON on standard output.

    JSON goes where results go, so that a program reads one stream, in which the last line says how it ended.

    Args:
        error: The exception.

    Returns:
        The exit code.

    Raises:
        BaseException: The error itself, when it is none that a user can do anything about.
    """
    try:
        return _report(error, invocation)
    except (ReaderGone, BrokenPipeError):
        discard()
        return ExitCode.READER_GONE
    except CommandError as cannot_write:
        if cannot_write is error:
            raise
        say(f"error: {cannot_write}")
        return cannot_write.exit_code


def _report(error: BaseException, invocation: Invocation) -> int:
    if isinstance(error, ReaderGone):
        raise error
    failure = describe(error, invocation)
    if failure is None:
        raise error
    if invocation.as_json:
        write_json(failure.to_dict())
    elif isinstance(error, (Interrupted, KeyboardInterrupt, click.Abort)):
        if is_terminal(sys.stderr):
            click.echo(err=True)  # the terminal shows ^C where the cursor was
        say(failure.line)
    else:
        say(f"error: {failure.lines}")
    flush()
    return failure.exit_code
