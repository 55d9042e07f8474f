"""``simstudio oomol``, ``speedpix`` and ``vectorvein``: groups whose commands are made when one of them is used."""

from __future__ import annotations

import click

from simstudio.cli.services import SERVICES, Service


class ServiceGroup(click.Group):
    """The commands of a service."""

    def __init__(self, service: Service) -> None:
        super().__init__(
            service.name,
            invoke_without_command=True,
            short_help=f"Run {service.things} of {service.title}.",
            callback=_show_help,
        )
        self.service = service

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        self._make()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        self._make()
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help."""
        self._make()
        super().format_help(ctx, formatter)

    def _make(self) -> None:
        if not self.commands:
            from simstudio.cli.service_commands import commands_of, describe

            self.help, self.epilog = describe(self.service)
            for command in commands_of(self.service):
                self.add_command(command)


@click.pass_context
def _show_help(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


SERVICE_GROUPS = tuple(ServiceGroup(service) for service in SERVICES.values())
"""A group for each service."""
