"""The state of one run of the command line, for reports and hints."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence

import attrs
import click

from simstudio.transport.secret import Secret

_SHORTEST_KEY = 4
"""Characters below which a key could be any other text."""


@attrs.define
class Invocation:
    """One run of the command line; click carries it as ``ctx.obj``.

    Attributes:
        as_json: Whether ``--json`` was given.
        embedded: Whether the server is the embedded sandbox, which ends with the command.
        terminated: Whether SIGTERM ended the command.
        begun: Whether a run may continue on the server after the command.
        workflows: Names of the workflows of the embedded sandbox.
        interruption: Sentences about what Ctrl-C leaves, and how to go on; empty for none.
        task_id: Id of the background execution, once known.
        workflow: Workflow of the background execution, if the API needs it to find the execution (v2).
        executed: The workflow that the command executes.
        secrets: Texts that no message may show, besides ``SIM_API_KEY``: a profile's key, the password of an address.
        words: The command line.
        options: The options of the command, such as ``--workspace-id``, by the names of their Python arguments.
        profile: The profile that ``--profile`` names.
        verbosity: Number of times ``-v`` was given: 1 shows requests, 2 shows bodies as well.
        key_advice: Advice for a key that the server refuses.
        id_advice: Advice for an id that the server does not have; empty if the id is no shortened one.
        rephrase: Puts options and variables in the place of the arguments that a message of another service's client
            names; None for Sim.
        waiter: The words of the command that waits for a background execution.
        noun: A background execution, in the word of its service.
    """

    as_json: bool = False
    embedded: bool = False
    begun: bool = False
    terminated: bool = False
    interruption: str = ""
    workflows: tuple[str, ...] = ()
    task_id: str | None = None
    workflow: str | None = None
    executed: str | None = None
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    words: tuple[str, ...] = ()
    options: Mapping[str, str] = attrs.field(factory=dict)
    profile: str | None = None
    verbosity: int = 0
    key_advice: str = "Check SIM_API_KEY, and that it belongs to this server."
    id_advice: str = ""
    rephrase: Callable[[str], str] | None = None
    waiter: Sequence[str] = ("runs", "wait")
    noun: str = "run"

    @property
    def program(self) -> list[str]:
        """The first words of another command on the same server."""
        return ["simstudio"] if self.profile is None else ["simstudio", "--profile", self.profile]

    def again(self, *options: str) -> str:
        """The same command with more options, quoted for a shell; a word that holds a secret becomes ``…``."""
        at = self.words.index("--") if "--" in self.words else len(self.words)
        words = ("simstudio", *self.words[:at], *options, *self.words[at:])
        return " ".join("…" if any(map(word.__contains__, self.secrets)) else shlex.quote(word) for word in words)

    def known_secrets(self) -> Secret[tuple[str, ...]]:
        """Texts that no message may show: the API key of the environment, and :attr:`secrets`."""
        found = (os.environ.get("SIM_API_KEY", "").strip(), *self.secrets)
        return Secret(tuple(secret for secret in found if len(secret) >= _SHORTEST_KEY))

    def wait_again(self, task_id: str | None) -> str:
        """The command that waits for a background execution."""
        words = [*self.program, *self.waiter, str(task_id)]
        if self.workflow is not None:
            words += ["--workflow", self.workflow, "--api-version", "v2"]
        return shlex.join(words)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)
"""Decorator: give the command its :class:`Invocation` as the first argument."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, one object a line, results and errors alike."
)
