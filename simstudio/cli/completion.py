"""``simstudio completion``, and the completion of workflows by asking the server.

What cannot be found in a short time is not completed. A failure shows nothing.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stderr
from itertools import islice

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from simstudio.cli.deadline import within
from simstudio.cli.invocation import Invocation
from simstudio.cli.output import write

_SHELLS = ("bash", "zsh", "fish")
_DEADLINE = 1.5
"""Seconds that a completion may wait for the server."""
_FISH_SPLIT, _FISH_SPLIT_ONCE = 'string split "," ', 'string split -m 1 "," '
"""click's script for fish splits at each comma, which cuts ids and help texts that have some."""
_MOST = 100
"""Number of workflows that are searched: one page."""

_EPILOG = """\b
Put the line of your shell into its start-up file:
  ~/.bashrc                    eval "$(simstudio completion bash)"
  ~/.zshrc, after compinit     eval "$(simstudio completion zsh)"
  ~/.config/fish/config.fish   simstudio completion fish | source
"""


@click.command(epilog=_EPILOG, short_help="Print the script that completes commands in a shell.")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options, workflows, profiles and operations in SHELL.

    Workflows are those of the server and workspace that the command would use (SIM_WORKSPACE_ID, or that of the
    profile).
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has all three
    made = kind(ctx.find_root().command, {}, "simstudio", "_SIMSTUDIO_COMPLETE")
    script = ShellComplete.source(made)  # bash's own runs bash first, to ask for its version
    write(f"{script.replace(_FISH_SPLIT, _FISH_SPLIT_ONCE)}\n")


def complete_workflows(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The ids of workflows whose id or name begins with the typed text."""
    with redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return list(_find_matches(within(_DEADLINE, lambda: list(_workflows(ctx))), incomplete))
        except Exception:  # noqa: BLE001 - a completion shows no failure
            return []


def _find_matches(workflows: Iterable[tuple[str, str]], incomplete: str) -> Iterator[CompletionItem]:
    for workflow_id, name in workflows:
        if workflow_id.startswith(incomplete) or name.lower().startswith(incomplete.lower()):
            yield CompletionItem(workflow_id, help=" ".join(name.split()) or None)


def _workflows(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Ids and names of the workflows of the command that is being written."""
    given = ctx.params
    if given.get("app") is not None or given.get("service") is not None:  # a completion runs no app file
        return
    if given.get("sandboxed"):
        from simstudio.sandbox import Sandbox

        yield from ((name, found.description) for name, found in Sandbox().workflows.items())
        return
    from simstudio.cli.connection import Connection

    connection = Connection(ctx.ensure_object(Invocation), given.get("base_url"), given.get("api_version"))
    with connection.client() as client:
        quick = client.with_options(timeout=_DEADLINE, max_retries=0)
        listed = connection.surface(quick).workflows.list(connection.workspace(None), limit=_MOST)
        for found in islice(listed, _MOST):
            workflow_id, name = (found.get(key) if isinstance(found, Mapping) else None for key in ("id", "name"))
            if isinstance(workflow_id, str):
                yield workflow_id, name if isinstance(name, str) else ""
