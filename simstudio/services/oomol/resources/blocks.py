"""``client.blocks`` and ``client.flows``, which tasks run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.oomol.models import BlockList, FlowList
from simstudio.services.oomol.resource import OomolResource

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow

UNKNOWN = "unknown"
"""Version of a block whose path has none."""

_VERSION = re.compile(r"[/\\](?:[^/\\]*-)?(\d+\.\d+\.\d+)(?=[/\\])")


class Blocks(OomolResource[M]):
    """The blocks of the installed packages."""

    @operation
    def list(self, include_all_versions: bool = False) -> Flow[BlockList]:  # noqa: FBT001, FBT002 - as documented
        """List blocks.

        Args:
            include_all_versions: Whether to list blocks of older versions as well.

        Returns:
            ``blocks``, each with ``block_id`` (``package::name``) and ``version``.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> [block.block_id for block in client.blocks.list().blocks]  # doctest: +SKIP
        """
        response = yield from self._get("/v1/blocks")
        data = self._data(response)
        if isinstance(data, dict) and isinstance(data.get("blocks"), list):
            found = [_describe(block) for block in data["blocks"]]
            data = {**data, "blocks": found if include_all_versions else _newest(found)}
        return self._model(data, BlockList, response)


class Flows(OomolResource[M]):
    """The flows of the server. Newer servers do not list them."""

    @operation
    def list(self) -> Flow[FlowList]:
        """List flows.

        Raises:
            ApiError: The server refused the request, or sent no answer; ``NotFoundError`` if it does not list flows.

        Example:
            >>> [flow.name for flow in client.flows.list().flows]  # doctest: +SKIP
        """
        response = yield from self._get("/v1/flows")
        return self._model(self._data(response), FlowList, response)


def _describe(block: Any) -> Any:
    """Return a block with its id and version added; other values unchanged."""
    if (
        not isinstance(block, dict)
        or not isinstance(block.get("package"), str)
        or not isinstance(block.get("name"), str)
    ):
        return block
    derived = {
        "blockId": f"{block['package']}::{block['name']}",
        "version": _version_in(block.get("path"), block["package"]) or UNKNOWN,
    }
    return {**block, **{name: value for name, value in derived.items() if not isinstance(block.get(name), str)}}


def _version_in(path: object, package: str) -> str | None:
    """The version in a block's path, ``…/name-1.2.3/…`` or ``…/1.2.3/…``. A directory of the package comes first."""
    if not isinstance(path, str):
        return None
    name = re.escape(package.rpartition("/")[2])
    found = re.search(rf"[/\\]{name}[-/\\](\d+\.\d+\.\d+)(?=[/\\])", path) or _VERSION.search(path)
    return found[1] if found else None


def _newest(blocks: Iterable[Any]) -> Any:
    """The blocks of the highest version of each package. Packages keep their order."""
    by_package: dict[object, Any] = {}
    for block in blocks:
        package = block.get("package") if isinstance(block, dict) else None
        by_package.setdefault(package if isinstance(package, str) else id(block), []).append(block)
    kept = []
    for of_package in by_package.values():
        highest = max(map(_rank, of_package))
        kept += [block for block in of_package if _rank(block) == highest]
    return kept


def _rank(block: Any) -> tuple[int, ...]:
    version = block.get("version") if isinstance(block, dict) else None
    known = isinstance(version, str) and re.fullmatch(r"\d+\.\d+\.\d+", version)
    return tuple(int(part) for part in version.split(".")) if known and isinstance(version, str) else (0, 0, 0)
