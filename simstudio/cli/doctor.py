"""``simstudio doctor``: checks of the setup, with advice for those that fail."""

from __future__ import annotations

import attrs
import click

from simstudio.cli.diagnosis import Check, Diagnosis
from simstudio.cli.failures import ExitCode
from simstudio.cli.global_options import global_options
from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.options import timeout_option
from simstudio.cli.output import encodable, write, write_json
from simstudio.transport.terminal import printable

_EPILOG = """\b
Exit codes:
  0    all is well
  1    there is a problem; its line says what to do
"""


@click.command(epilog=_EPILOG, short_help="Check the address, the key, the network and the clock.")
@click.option("--base-url", metavar="URL", help="Address of Sim; else SIM_BASE_URL, the profile's, https://sim.ai.")
@timeout_option("Seconds that each check may take.", default=10.0)
@global_options
@json_option
@pass_invocation
def doctor(invocation: Invocation, base_url: str | None, *, timeout: float, as_json: bool) -> None:
    """Check what a command needs: the profile, the address, the network, the server's answers, the clock and the key.

    Nothing is changed, and no key or password is shown: the output can be sent to others.
    """
    invocation.as_json = as_json
    problems = 0
    for check in Diagnosis(invocation, base_url, timeout).run():
        problems += check.state == "problem"
        _show(check, as_json=as_json)
    raise click.exceptions.Exit(ExitCode.FAILED if problems else 0)


def _show(check: Check, *, as_json: bool) -> None:
    if as_json:
        write_json(attrs.asdict(check))
    else:
        text = " ".join(printable(check.text).split())
        write(encodable(f"{check.state:<8} {check.name:<12}  {text}\n"))
