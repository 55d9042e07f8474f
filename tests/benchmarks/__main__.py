"""``python -m tests.benchmarks [NAME …]``: measure, and print the table; exits 1 when a bound does not hold.

``--write examples/speed.md`` puts the table between the markers of that file, ``--cache DIR`` keeps the virtual
environments of the peers. A measure that cannot be taken counts as one whose bound does not hold.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import families, measures, polling, throughput, traces
from tests.benchmarks.measures import Row
from tests.benchmarks.official import Official

BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
HEADER = "| measure | value | bound | kept | detail |\n|---|---|---|---|---|"


def machine() -> str:
    """What the numbers were measured on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, {python}"


def line(row: Row) -> str:
    """A row of the table."""
    unit = f" {row.unit}" if row.unit else ""
    if row.bound is None:
        return f"| {row.measure} | {row.value:.2f}{unit} | reported | | {row.detail} |"
    kept = "yes" if row.kept else "NO"
    return f"| {row.measure} | {row.value:.2f}{unit} | ≤ {row.bound:g}{unit} | {kept} | {row.detail} |"


def written(text: str, table: str) -> str:
    """A text with the table between its markers.

    Raises:
        ValueError: It has no markers.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} … {END} to write between")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def take(measure: Callable[[], Row | list[Row]]) -> tuple[list[str], bool]:
    """The lines of a measure, and whether its bounds hold."""
    try:
        rows = measure()
    except Exception as error:
        said = str(error) or repr(error)
        print(f"{measure.__name__}: {said}", file=sys.stderr)
        reason = said.strip().splitlines()[-1].replace("|", "\\|")
        return [f"| `{measure.__name__}` | failed | | NO | {reason} |"], False
    rows = [rows] if isinstance(rows, Row) else rows
    return [line(row) for row in rows], all(row.kept for row in rows)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure, and print the table.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="measures to take; all, where none is given")
    parser.add_argument("--cache", type=Path, help="keep the peers' virtual environments here (outside the repository)")
    parser.add_argument("--write", type=Path, metavar="FILE", help=f"write the table between {BEGIN} and {END}")
    options = parser.parse_args(arguments)
    if options.write is not None:
        written(options.write.read_text(encoding="utf-8"), "")  # before the minutes that the measures take
    official = Official(options.cache)
    try:
        own = (measures, families, throughput, polling, traces)
        every = (*(measure for module in own for measure in module.MEASURES), *official.measures)
        chosen = [measure for measure in every if not options.names or measure.__name__ in options.names]
        if not chosen or not set(options.names) <= {measure.__name__ for measure in every}:
            print(f"no such measure; there are {', '.join(measure.__name__ for measure in every)}", file=sys.stderr)
            return 2
        table = [f"Measured on {machine()}.\n\n{HEADER}"]
        print(table[0])
        kept = True
        for measure in chosen:
            lines, held = take(measure)
            kept = kept and held
            table += lines
            print("\n".join(lines), flush=True)
    finally:
        official.close()
    if options.write is not None:
        text = options.write.read_text(encoding="utf-8")
        options.write.write_text(written(text, "\n".join(table)), encoding="utf-8")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
