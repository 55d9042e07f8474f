"""The texts of a workflow's settings and variables, each with the place where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.transport.secret_names import SecretRule, label_of, rule_of

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
        rule: The rule for secrets that follows from the names around it.
        kind: Type of the setting in the editor; empty elsewhere.
        title: The position in words: ``Agent 1 › prompt``.
    """

    path: Path
    name: str
    kind: str
    title: str
    rule: SecretRule = SecretRule.NONE

    @property
    def is_setting(self) -> bool:
        """Whether the text is in a setting of a block."""
        return self.path[0] != "variables" and self.path[1] != "data"

    def below(self, step: str, name: str, rule: SecretRule) -> Place:
        """A place inside this one."""
        return attrs.evolve(self, path=(*self.path, step), name=name, title=f"{self.title} › {step}", rule=rule)


Change = Callable[[Any, Place], Json]
"""Takes a text, or a number with the name of a secret, and returns what stands in its place."""


def rewrite(document: Document, change: Change) -> Document:
    """The document with each text, and each secret number, of a setting or variable replaced."""
    blocks = []
    for block in document["blocks"]:
        settings = {}
        for name, each in block["subBlocks"].items():
            settings[name] = each
            if isinstance(each, Mapping) and "value" in each:
                title = f"{block['name']} › {name}"
                place = Place((block["id"], name), name, str(each.get("type", "")), title, rule_of(name))
                settings[name] = {**each, "value": _rewrite(each["value"], place, change)}
        new = {**block, "subBlocks": settings}
        if isinstance(block.get("data"), Mapping):
            place = Place((block["id"], "data"), "data", "", f"{block['name']} › data")
            new["data"] = _rewrite(block["data"], place, change)
        blocks.append(new)
    variables = []
    for each in document["variables"]:
        name = str(each.get("name"))
        place = Place(("variables", name), name, "", f"variable {name}", rule_of(name))
        variables.append({**each, "value": _rewrite(each.get("value"), place, change)})
    return {**document, "blocks": blocks, "variables": variables}


def texts(document: Document) -> dict[Path, str]:
    """All texts by their paths."""
    found: dict[Path, str] = {}

    def note(text: Json, place: Place) -> Json:
        found[place.path] = text
        return text

    rewrite(document, note)
    return found


def _rewrite(value: Json, place: Place, change: Change, *, listed: bool = False) -> Json:
    if isinstance(value, str) or place.rule.holds(value):
        return change(value, place)
    if isinstance(value, Mapping):
        label, rules = label_of(value), place.rule.of_fields(value, listed=listed)
        named = {key: (label or place.name) if key.lower() == "value" else key for key in value}
        return {key: _rewrite(item, place.below(key, named[key], rules[key]), change) for key, item in value.items()}
    if isinstance(value, list):
        steps = zip(value, _steps(value), strict=True)
        inside = place.rule.below()
        return [_rewrite(item, place.below(step, place.name, inside), change, listed=True) for item, step in steps]
    return value


def _steps(items: list[Json]) -> Iterator[str]:
    known: set[str] = set()
    for index, item in enumerate(items):
        step = str(index)
        if isinstance(item, Mapping):
            step = next((f"{key}={item[key]}" for key in ("id", "name") if isinstance(item.get(key), str)), step)
        step = step if step not in known else f"{step}#{index}"
        known.add(step)
        yield step
