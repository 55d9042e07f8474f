"""Runs of a service beside Sim: how they begin, are found again, and are shown."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.cli.inputs import assemble, file_option, input_json_option, input_option
from simstudio.cli.lists import Column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simstudio.core.runs import SubmittedRun

_MILLISECONDS = re.compile("[0-9]{12,14}")

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


@attrs.frozen
class Listing:
    """A list that a service gives.

    Attributes:
        name: The command.
        help: Help of the command.
        items: The items, from a client, and from the id of a run where the list is of one.
        columns: Columns of the table.
        default: Default of ``--limit``; None for all.
        of_run: Whether the list is of one run.
    """

    name: str
    help: str
    items: Callable[..., Iterable[Any]]
    columns: Sequence[Column]
    default: int | None = None
    of_run: bool = False


class Runs(ABC):
    """The runs of a service, in its words.

    Attributes:
        noun: A run.
        target: Word for the workflow or block in the help.
        example: Arguments of ``run`` in an example that the embedded sandbox can run.
        input_options: The options that make an input.
        begin_options: Further options of ``run``, which :meth:`begin` gets.
        handle_options: Options of the commands that find a run, which :meth:`handle` gets.
        result_options: Options of the commands that show what a run gave, which :meth:`output` gets.
        lists: The lists that the service gives.
    """

    noun: str
    target: str
    example: str
    input_options: Sequence[Decorator] = (input_option, input_json_option, file_option)
    begin_options: Sequence[Decorator] = ()
    handle_options: Sequence[Decorator] = ()
    result_options: Sequence[Decorator] = ()
    lists: Sequence[Listing] = ()

    def input(self, pairs: Sequence[tuple[str, Any]], input_json: str | None, files: Sequence[Any]) -> Any:
        """The input, from the options that make one.

        Raises:
            click.BadParameter: They cannot be read, or not be put together.
        """
        return assemble(pairs, input_json, files) or {}

    @abstractmethod
    def begin(self, client: Any, target: str, data: Any, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """Begin a run."""

    @abstractmethod
    def handle(self, client: Any, run_id: str, **options: Any) -> SubmittedRun[Any, Any, Any]:
        """Find a run; nothing is sent."""

    def wait_options(self, target: str, **options: Any) -> list[str]:
        """The options by which other commands find a run that was begun so."""
        del target, options
        return []

    def output(self, result: Any, **options: Any) -> Any:
        """The output of a run, as text or JSON data."""
        del options
        return result.output

    def state(self, run: SubmittedRun[Any, Any, Any]) -> Mapping[str, Any]:
        """The state of a run as JSON data."""
        state: Any = run.state
        found: Mapping[str, Any] = state.to_dict()
        return found

    def error(self, run: SubmittedRun[Any, Any, Any]) -> Any:
        """Cause of a failed run, if its state names it."""
        found = self.state(run).get("error")
        return found.get("message") if isinstance(found, Mapping) else found

    def succeeded(self, run: SubmittedRun[Any, Any, Any]) -> bool:
        """Whether a run had ended well when its state was last fetched."""
        state: Any = run.state
        return bool(state.succeeded)


class StoppableRuns(Runs):
    """Runs that can be stopped."""

    @abstractmethod
    def stop(self, client: Any, run_id: str) -> Any:
        """Stop a run; returns the response of the service."""


class Uploads(ABC):
    """Uploads of a service that stores files."""

    @abstractmethod
    def upload(self, client: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
        """Upload a file; returns the value that refers to it in an input, and the response of the service."""


def moment_of(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """A column's value: milliseconds since the epoch, a number or its digits, as ISO 8601; else as it came."""

    def value(item: Mapping[str, Any]) -> Any:
        found = item.get(name)
        if not _MILLISECONDS.fullmatch(str(found)):
            return found
        return f"{datetime.fromtimestamp(int(str(found)) / 1000, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"

    return value
