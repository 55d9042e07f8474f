"""Makers' own packages, each in a directory of its own, because their versions have the same names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def install_official(directory: Path, *requirements: str) -> Path:
    """Install packages, without what they require, into a new directory for ``PYTHONPATH``."""
    target = directory / "packages"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *requirements], check=True, capture_output=True)
    return target


def run_program(*arguments: str, path: Path | None) -> str:
    """What a Python program prints that finds packages in a directory; None for the environment alone."""
    environment = {**os.environ, "PYTHONPATH": "" if path is None else str(path), "NO_PROXY": "*"}
    ran = subprocess.run(
        [sys.executable, *arguments],
        check=False, cwd=REPOSITORY, env=environment, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
