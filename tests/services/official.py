"""Makers' own packages, each in a directory of its own, because their versions have the same names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def install_official(directory: Path, *requirements: str) -> Path:
    """Install packages, without what they require, into a new directory for ``PYTHONPATH``."""
    target = directory / "packages"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *requirements], check=True, capture_output=True)
    return target
