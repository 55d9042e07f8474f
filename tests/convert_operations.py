"""Make ``tests/catalog/operations.json`` from a digest of Sim's API documents, as JSON.

    python tests/convert_operations.py path/to/operations.json

It keeps what the tests compare: the route of an operation, its parameters, and the shape of its response.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "catalog" / "operations.json"
KEPT = ("version", "method", "path", "operation_id", "params", "body", "response", "envelope", "is_list", "statuses")
RESOURCES_OF_V2 = (
    "workflows",
    "chat-deployments",
    "logs",
    "audit-logs",
    "billing",
    "meta",
    "blocks",
    "tools",
)
"""What of v2 this package has so far; all of v1."""


def kept(operation: dict[str, Any]) -> bool:
    """Whether an operation is one that this package has."""
    parts = operation["path"].split("/")
    return operation["version"] == "v1" or (operation["version"] == "v2" and parts[3] in RESOURCES_OF_V2)


def slim(operation: dict[str, Any]) -> dict[str, Any]:
    """What of an operation is kept; empty facts are left out."""
    found = {name: operation[name] for name in KEPT if operation.get(name) not in (None, [], "")}
    for part in ("params", "body", "response"):
        if part in found:
            found[part] = [
                {name: value for name, value in each.items() if value is not None and value is not False}
                for each in found[part]
            ]
    return found


def main(source: str) -> None:
    """Convert."""
    operations = [slim(each) for each in json.loads(Path(source).read_text("utf-8")) if kept(each)]
    operations.sort(key=lambda each: (each["version"], each["path"], each["method"]))
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in operations)
    TARGET.write_text(f"[\n{lines}\n]\n", "utf-8")
    print(f"{len(operations)} operations")


if __name__ == "__main__":
    main(sys.argv[1])
