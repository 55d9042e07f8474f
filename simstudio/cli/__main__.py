"""The entry point."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_EXTRA = ("click", "keyring", "platformdirs", "rich", "tomli_w")
_USAGE, _INTERRUPTED = 2, 130


def main() -> int:
    """Run the command line on ``sys.argv``.

    Returns:
        The exit code; see :mod:`simstudio.cli.failures`.
    """
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        text = f"the command line needs {', '.join(missing)}: pip install {' '.join(missing)}"
        print(f"simstudio: error: {text}", file=sys.stderr)  # noqa: T201 - nothing better is installed
        return _USAGE
    try:
        from simstudio.cli.app import application
    except KeyboardInterrupt:  # before there was anything to interrupt
        return _INTERRUPTED
    return application.main(prog_name="simstudio")


if __name__ == "__main__":
    sys.exit(main())
