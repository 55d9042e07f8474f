"""``simstudio webhooks listen``: deliveries for a program on this machine."""

from __future__ import annotations

import os
from queue import Empty, SimpleQueue

import attrs
import click

from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.output import say, write, write_json
from simstudio.cli.sandbox import terminated_like_interrupted
from simstudio.cli.webhook_receiver import Delivery, Receiver, check_target
from simstudio.transport.secret import Secret

_EPILOG = """\b
Examples:
  simstudio webhooks listen --forward-to http://127.0.0.1:3000/hooks/sim
  simstudio webhooks listen --json | jq .event

\b
Sim needs an address that it can reach: a tunnel (cloudflared, ngrok) to this
port, or a Sim on this machine.
"""


@click.command(epilog=_EPILOG, short_help="Receive deliveries, verify them, and forward them.")
@click.option("--forward-to", metavar="URL", help="Send verified deliveries on to this address, unchanged.")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="The port to listen on; 0 takes any free one.",
)
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--secret-env",
    metavar="NAME",
    default="SIM_WEBHOOK_SECRET",
    show_default=True,
    help="The environment variable with the secret that Sim signs with.",
)
@click.option(
    "--signature-header", metavar="NAME", help="Header of the signature, of a data drain with one of its own."
)
@json_option
@pass_invocation
def listen(
    invocation: Invocation,
    forward_to: str | None,
    port: int,
    host: str,
    secret_env: str,
    signature_header: str | None,
    *,
    as_json: bool,
) -> None:
    """Receive deliveries until Ctrl-C, and print a line for each.

    A delivery that is not from Sim, or was altered, is answered with 400 and not forwarded. A forwarded one is answered
    with the status that the program at URL gives, or 502 if that cannot be reached.
    """
    invocation.as_json = as_json
    if not os.environ.get(secret_env, "").strip():
        raise click.UsageError(f"No secret: {secret_env} is not set", click.get_current_context())
    from simstudio.webhooks import sign

    sign(b"", os.environ[secret_env], family="drain", signature_header=signature_header)  # both can be used
    target = None if forward_to is None else check_target(forward_to)
    deliveries: SimpleQueue[Delivery] = SimpleQueue()
    receiver = Receiver(Secret(os.environ[secret_env]), target, signature_header, deliveries.put)
    with terminated_like_interrupted():
        try:
            say(f"listening on {receiver.start(host, port)} (Ctrl-C stops it)")
            while True:
                try:
                    delivery = deliveries.get(timeout=0.5)  # in pieces, so that signals are handled
                except Empty:
                    continue
                _show(delivery, as_json=as_json)
        except KeyboardInterrupt:
            say("stopped")
        finally:
            receiver.close()


def _show(delivery: Delivery, *, as_json: bool) -> None:
    if as_json:
        write_json(attrs.asdict(delivery))
        return
    parts = [delivery.time, "verified" if delivery.verified else "refused", delivery.event, delivery.id]
    parts.append(f"{delivery.size:,} bytes")
    if delivery.forwarded is not None:
        parts.append(f"forwarded: {delivery.forwarded} in {delivery.elapsed_ms} ms")
    elif delivery.error is not None:
        parts.append(f"{delivery.status}: {delivery.error}")
    write("  ".join(" ".join(part.split()) for part in parts if part) + "\n")
