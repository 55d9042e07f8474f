"""Sandboxes: environments in which code blocks run."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class Sandbox(Model):
    """An environment in which code blocks run.

    Attributes:
        language: ``javascript`` or ``python``.
        dependencies: Packages of the language, with versions.
        cli_tools: Command-line tools, with versions.
        system_packages: Packages of the operating system.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        build_status: ``pending``, ``building``, ``ready`` or ``failed``; None if nothing has to be built.
        error_code: Kind of the failure of the last build.
        error_message: Text of the failure.
        error_detail: Output of the build.
        built_at: ISO 8601; None if nothing was built.
    """

    id: str
    name: str
    language: str
    dependencies: list[str]
    cli_tools: list[str]
    system_packages: list[str]
    created_at: str
    updated_at: str
    build_status: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    error_detail: str | None = None
    built_at: str | None = None
