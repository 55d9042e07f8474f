"""``simstudio webhooks``: deliveries, stored or received, and whether they are Sim's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.failures import CommandError, ExitCode, in_words
from simstudio.cli.headers import Pairs, header_option, read_headers
from simstudio.cli.inputs import read_bytes
from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.output import on_terminal, say, write_json
from simstudio.cli.readable import dollars, duration, moment_and_time
from simstudio.cli.tables import attribute, show_fields
from simstudio.cli.webhook_listen import listen
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.webhooks import Event, WebhookError

_EPILOG = """\b
Examples:
  simstudio webhooks verify body.json --headers headers.txt --tolerance none
  simstudio webhooks verify - -H 'sim-signature: t=…,v1=…' < body.json

\b
Environment:
  SIM_WEBHOOK_SECRET   the secret; --secret is seen by others on the machine

\b
Exit codes:
  0    it is from Sim, unaltered, and of the right time
  1    it is not; the message says why
  2    the body, the headers or the secret cannot be read
"""


@click.group(invoke_without_command=True)
@click.pass_context
def webhooks(ctx: click.Context) -> None:
    """Verify and receive deliveries from Sim."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


webhooks.add_command(listen)


def _tolerance(ctx: click.Context, option: click.Parameter, value: str) -> float | None:
    if value == "none":
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise click.BadParameter(f"{value!r} is neither seconds, 0 or more, nor none", ctx, option)
    return seconds


@webhooks.command(epilog=_EPILOG, short_help="Verify a stored delivery and show its event.")
@click.argument("body", metavar="BODYFILE|-")
@header_option("A header of the delivery. Again for more.")
@click.option(
    "--headers",
    "header_file",
    metavar="FILE",
    help="The headers of the delivery: lines of NAME: VALUE, or a JSON object.",
)
@click.option("--secret", metavar="TEXT", help="Secret that Sim signs with; else SIM_WEBHOOK_SECRET.")
@click.option(
    "--tolerance",
    metavar="SECONDS|none",
    default="300",
    show_default=True,
    callback=_tolerance,
    help="Largest difference between the signed time and now; none: the time is not checked.",
)
@click.option(
    "--signature-header",
    metavar="NAME",
    help="Header of the signature, of a data drain that was given another than X-Sim-Signature.",
)
@json_option
@pass_invocation
def verify(
    invocation: Invocation,
    body: str,
    headers: Pairs,
    header_file: str | None,
    secret: str | None,
    *,
    tolerance: float | None,
    signature_header: str | None,
    as_json: bool,
) -> None:
    """Verify a delivery, and show the event in it; of a data drain, the rows.

    BODYFILE holds the body exactly as it came, byte for byte; - is standard input.
    """
    import os

    from simstudio.webhooks import WebhookError, construct_event

    invocation.as_json = as_json
    key = Secret(secret if secret is not None else os.environ.get("SIM_WEBHOOK_SECRET", ""))
    signed = Secret(headers)
    del secret, headers
    if not key.reveal().strip():
        raise click.UsageError("No secret. Set SIM_WEBHOOK_SECRET, or give --secret", click.get_current_context())
    if body == "-" and header_file == "-":
        raise click.UsageError("Standard input cannot be both the body and the headers", click.get_current_context())
    invocation.secrets = (*invocation.secrets, key.reveal())
    content = read_bytes(body, "BODYFILE")
    if header_file is not None:
        signed = Secret([*signed.reveal(), *read_headers(header_file, "--headers")])
    try:
        event = construct_event(
            content, signed.reveal(), key.reveal(), tolerance=tolerance, signature_header=signature_header
        )
    except WebhookError as error:
        text = _call_explained(error, given=bool(signed.reveal()))
        raise CommandError(text, ExitCode.FAILED, type(error).__name__) from None
    _show(invocation, event)


def _call_explained(error: WebhookError, *, given: bool) -> str:
    from simstudio.webhooks import MissingSignatureError, TimestampTooOldError

    if isinstance(error, MissingSignatureError) and not given:
        return "The delivery cannot be verified without its headers. Give --header NAME:VALUE, or --headers FILE."
    if isinstance(error, TimestampTooOldError):
        return f"{error} For a stored delivery, --tolerance none checks no time."
    return in_words(str(error))


def _show(invocation: Invocation, event: Event) -> None:
    from simstudio.webhooks import DataDrainDelivery, GenericEvent

    problem = event.problem if isinstance(event, GenericEvent) else None
    if problem is not None:
        say(f"note: {problem}")
    if isinstance(event, DataDrainDelivery):
        if invocation.as_json or not on_terminal():
            for row in event.rows:
                write_json(row)
        else:
            kind = "data drain (a test)" if event.is_probe else "data drain"
            show_fields([("verified", True), ("event", kind), ("rows", event.rows)])
        return
    if isinstance(event, GenericEvent):
        payload = event.payload
        shown = payload.decode(errors="replace") if isinstance(payload, bytes) else payload
        if invocation.as_json or not on_terminal():
            write_json(shown)
        else:
            show_fields([("verified", True), ("event", event.type), ("payload", shown)])
        return
    if invocation.as_json or not on_terminal():
        write_json(event.to_dict())
        return
    run = event.data
    cost: Any = attribute(run, "cost", "total")
    show_fields(
        [
            ("verified", True),
            ("event", f"{event.type} (a test)" if event.is_test else event.type),
            ("id", event.id),
            ("workflow", f"{run.workflow_name} ({run.workflow_id})" if run.workflow_name else run.workflow_id),
            ("execution", run.execution_id),
            ("status", run.status),
            ("trigger", run.trigger),
            ("started", moment_and_time(run.started_at)),
            ("ended", moment_and_time(run.ended_at)),
            ("took", duration(run.total_duration_ms)),
            ("cost", dollars(cost)),
            ("output", run.final_output),
        ]
    )
