"""The texts of a workflow's settings and variables, each with the place where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from simstudio.workflow_files.document import Document

Json = Any
Path = tuple[str, ...]


@attrs.frozen
class Place:
    """Position of a text in a workflow.

    Attributes:
        path: Id of the block, name of the setting, then keys; ``variables`` and its name for a variable. An item of a
            list is known by its id or name, else by its index, so that it is found after the list has changed.
        name: The nearest name: of the setting, of the key, or what a row calls its value (``Authorization``).
        kind: Type of the setting in the editor; empty elsewhere.
        title: The position in words: ``Agent 1 › prompt``.
    """

    path: Path
    name: str
    kind: str
    title: str

    @property
    def is_setting(self) -> bool:
        """Whether the text is in a setting of a block."""
        return self.path[0] != "variables" and self.path[1] != "data"

    def below(self, step: str, name: str) -> Place:
        """A place inside this one."""
        return attrs.evolve(self, path=(*self.path, step), name=name, title=f"{self.title} › {step}")


def rewrite(document: Document, change: Callable[[str, Place], Json]) -> Document:
    """The document with each text of a setting or variable replaced by what ``change`` returns."""
    blocks = []
    for block in document["blocks"]:
        settings = {}
        for name, each in block["subBlocks"].items():
            settings[name] = each
            if isinstance(each, Mapping) and "value" in each:
                place = Place((block["id"], name), name, str(each.get("type", "")), f"{block['name']} › {name}")
                settings[name] = {**each, "value": _rewrite(each["value"], place, change)}
        new = {**block, "subBlocks": settings}
        if isinstance(block.get("data"), Mapping):
            place = Place((block["id"], "data"), "data", "", f"{block['name']} › data")
            new["data"] = _rewrite(block["data"], place, change)
        blocks.append(new)
    variables = []
    for each in document["variables"]:
        name = str(each.get("name"))
        place = Place(("variables", name), name, "", f"variable {name}")
        variables.append({**each, "value": _rewrite(each.get("value"), place, change)})
    return {**document, "blocks": blocks, "variables": variables}


def texts(document: Document) -> dict[Path, str]:
    """All texts by their paths."""
    found: dict[Path, str] = {}

    def note(text: str, place: Place) -> str:
        found[place.path] = text
        return text

    rewrite(document, note)
    return found


def _rewrite(value: Json, place: Place, change: Callable[[str, Place], Json]) -> Json:
    if isinstance(value, str):
        return change(value, place)
    if isinstance(value, Mapping):
        label = label_of(value)
        return {
            key: _rewrite(item, place.below(key, (label or place.name) if key.lower() == "value" else key), change)
            for key, item in value.items()
        }
    if isinstance(value, list):
        steps = zip(value, _steps(value), strict=True)
        return [_rewrite(item, place.below(step, place.name), change) for item, step in steps]
    return value


def label_of(value: Mapping[str, Json]) -> str | None:
    """The name of a row's value: ``{"Key": "Authorization", "Value": …}``, ``{"name": "token", "value": …}``."""
    for key, item in value.items():
        if key.lower() in ("key", "name") and isinstance(item, str) and item:
            return item
    return None


def _steps(items: list[Json]) -> Iterator[str]:
    known: set[str] = set()
    for index, item in enumerate(items):
        step = str(index)
        if isinstance(item, Mapping):
            step = next((f"{key}={item[key]}" for key in ("id", "name") if isinstance(item.get(key), str)), step)
        step = step if step not in known else f"{step}#{index}"
        known.add(step)
        yield step
