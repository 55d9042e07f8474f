"""Deploying a workflow in either version of the API, and waiting until it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from simstudio.cli.connection import Connection
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.options import timeout_option
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.progress import Waiting
from simstudio.cli.readable import moment_and_time
from simstudio.cli.tables import show_fields

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient

C = TypeVar("C", bound=Callable[..., Any])

_PATIENCE, _INTERVAL = 300.0, 1.0

_wait = click.option("--wait", is_flag=True, help="End when the deployment is active; the exit code is 1 if it failed.")
_timeout = timeout_option("With --wait: seconds to wait.", default=_PATIENCE)


def wait_options(command: C) -> C:
    """Decorator: ``--wait`` and ``--timeout``; the command gets ``wait`` and ``timeout``."""
    decorated: C = _wait(_timeout(command))
    return decorated


def deploy_workflow(
    client: SimStudioClient, workflow: str, labels: Mapping[str, str | None], *, wait: bool, timeout: float
) -> dict[str, Any]:
    """Deploy a workflow, and return the answer under its wire names.

    Args:
        labels: Name and description of the version, where they are given.
        wait: Whether to wait until the deployment is active.
        timeout: Seconds to wait.

    Raises:
        SimStudioError: The deployment failed, or was not active in time.
    """
    given: dict[str, Any] = {name: text for name, text in labels.items() if text is not None}
    result: dict[str, Any] = Connection.surface(client).workflows.deploy(workflow, **given).to_dict()
    return _wait_until_active(client, workflow, result, timeout) if wait else result


def roll_back_workflow(
    client: SimStudioClient, workflow: str, version: int | None, *, wait: bool, timeout: float
) -> dict[str, Any]:
    """Activate an earlier version, and return the answer under its wire names.

    Args:
        version: Its number; None is the version before the active one.
        wait: Whether to wait until the deployment is active.
        timeout: Seconds to wait.

    Raises:
        SimStudioError: The activation failed, or was not done in time.
    """
    given: dict[str, Any] = {} if version is None else {"version": version}
    result: dict[str, Any] = Connection.surface(client).workflows.rollback(workflow, **given).to_dict()
    return _wait_until_active(client, workflow, result, timeout) if wait else result


def show_deployment(connection: Connection, workflow: str, result: Mapping[str, Any]) -> None:
    """Print the state of a deployment."""
    if connection.as_json or not on_terminal():
        write_json({"id": workflow, **result})
        return
    attempt = result.get("latestDeploymentAttempt")
    attempt = attempt if isinstance(attempt, Mapping) else {}
    active = result.get("activeDeployment")
    active = active if isinstance(active, Mapping) else {}
    warnings = result.get("warnings")
    show_fields(
        [
            ("workflow", result.get("id", workflow)),
            ("deployed", result.get("isDeployed")),
            ("deployed at", moment_and_time(result.get("deployedAt"))),
            ("version", result.get("version", attempt.get("version"))),
            ("in service", active.get("version")),
            ("status", attempt.get("status")),
            ("warnings", "\n".join(map(str, warnings)) if isinstance(warnings, list) and warnings else None),
        ]
    )


def _wait_until_active(
    client: SimStudioClient, workflow: str, result: dict[str, Any], timeout: float
) -> dict[str, Any]:
    with Waiting(f"{workflow}: deploying"):
        if client.api_version == "v2":
            done: dict[str, Any] = client.v2.workflows.wait_until_deployed(workflow, timeout=timeout).to_dict()
            known: dict[str, Any] = {name: result[name] for name in ("version", "warnings") if name in result}
            return {**done, **known}
        return {**result, **_in_service(client, workflow, timeout)}


def _in_service(client: SimStudioClient, workflow: str, timeout: float) -> dict[str, Any]:
    """Wait until v1 reports that a workflow is deployed as it is in the editor.

    Raises:
        CommandError: The server does not report the activation in time.
    """
    deadline = time.monotonic() + timeout
    while True:
        status = client.workflows.status(workflow)
        if status.is_deployed and not status.needs_redeployment:
            return {"isDeployed": True, "deployedAt": status.deployed_at}
        left = deadline - time.monotonic()
        if left <= 0:
            raise CommandError(
                f"The workflow {workflow} was not in service after {timeout:g} s. It may be later; see: "
                f"simstudio status {workflow}",
                ExitCode.TIMEOUT,
                "DeploymentTimeout",
            )
        time.sleep(min(_INTERVAL, left))
