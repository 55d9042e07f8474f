"""Make ``tests/catalog/operations.json`` from a digest of Sim's API documents, as JSON.

    python tests/convert_operations.py path/to/operations.json path/to/COVERAGE.md

It keeps what the tests compare: the route of an operation, its parameters, the shape of its response, and whether a
real server was seen to carry it out (all of v1, and what the table of the second file counts as 2xx: a server that
does not have a route answers it with a 404).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "catalog" / "operations.json"
KEPT = ("version", "method", "path", "operation_id", "params", "body", "response", "envelope", "is_list", "statuses")
NOTE = re.compile(r" ?\((?:oidc|saml|url)\)$")
"""When a parameter is allowed, or what a text is: words behind a type."""
SEEN = re.compile(r"^\| [A-Z]+ \S+ \| (\w+) \| .* \| [0-9–]+ \| ([0-9–]+) \|$", re.MULTILINE)


def slim(operation: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    """What of an operation is kept; empty facts are left out."""
    found = {name: operation[name] for name in KEPT if operation.get(name) not in (None, [], "")}
    if operation["version"] == "v1" or operation["operation_id"] in seen:
        found["seen"] = True
    for part in ("params", "body", "response"):
        if part in found:
            found[part] = [
                {
                    name: NOTE.sub("", value) if name == "type" else value
                    for name, value in each.items()
                    if value is not None and value is not False
                }
                for each in found[part]
            ]
    return found


def main(source: str, coverage: str) -> None:
    """Convert."""
    seen = {name for name, count in SEEN.findall(Path(coverage).read_text("utf-8")) if count != "–"}
    known = json.loads(Path(source).read_text("utf-8"))
    operations = [slim(each, seen) for each in known if each["version"] in ("v1", "v2")]
    operations.sort(key=lambda each: (each["version"], each["path"], each["method"]))
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in operations)
    TARGET.write_text(f"[\n{lines}\n]\n", "utf-8")
    print(f"{len(operations)} operations")


if __name__ == "__main__":
    main(*sys.argv[1:])
