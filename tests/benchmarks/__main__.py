"""``python -m tests.benchmarks [NAME …]``: measure, and print the table; exits 1 when a bound does not hold."""

from __future__ import annotations

import platform
import sys

from tests.benchmarks.measures import MEASURES


def main(names: list[str]) -> int:
    chosen = [measure for measure in MEASURES if not names or measure.__name__ in names]
    if not chosen:
        print(f"no such measure; there are {', '.join(measure.__name__ for measure in MEASURES)}", file=sys.stderr)
        return 2
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}\n")
    print("| measure | value | bound | kept | detail |\n|---|---|---|---|---|")
    kept = True
    for measure in chosen:
        row = measure()
        kept = kept and row.kept
        unit = f" {row.unit}" if row.unit else ""
        print(
            f"| {row.measure} | {row.value:.2f}{unit} | ≤ {row.bound:g}{unit} | {'yes' if row.kept else 'NO'} "
            f"| {row.detail} |",
            flush=True,
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
