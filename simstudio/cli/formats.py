"""``--format``: the columns of a list, or a template for each of its items."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from string import Formatter

import attrs
import click

from simstudio.cli.output import encodable
from simstudio.transport.terminal import printable

_SPACE = re.compile(r"[\t\r\n]+")


@attrs.frozen
class Format:
    """The value of ``--format``, parsed.

    Attributes:
        names: The fields that it names, in order.
        template: Literal texts, each before the field of the same position, and one at the end; None for columns.
    """

    names: Sequence[str]
    template: Sequence[str] | None = None

    @classmethod
    def parse(cls, text: str) -> Format:
        r"""Parse ``id,name``, or a template such as ``{id} {name}``, in which ``\t`` is a tab and ``\n`` a line end.

        Raises:
            ValueError: The text is neither.
        """
        if not set("{}") & set(text):
            names = [normal(name) for name in text.split(",")]
            if not all(names):
                raise ValueError("a column has no name")
            return cls(names)
        names, texts = [], [""]
        for literal, name, form, conversion in Formatter().parse(text.replace("\\t", "\t").replace("\\n", "\n")):
            texts[-1] += literal
            if name is None:
                continue
            if form or conversion or not re.fullmatch(r"[\w -]+", name):
                raise ValueError("between { and } stands the name of a field, and nothing else")
            names.append(normal(name))
            texts.append("")
        if not names:
            raise ValueError("it names no field")
        return cls(names, texts)

    def check(self, known: Collection[str], ctx: click.Context) -> None:
        """Refuse fields that a list does not have.

        Raises:
            click.BadParameter: A field is unknown; the message names the known ones.
        """
        unknown = [name for name in self.names if name not in known]
        if unknown:
            raise click.BadParameter(
                f"there is no field {unknown[0]!r}; there are {', '.join(known)}", ctx, param_hint="--format"
            )

    def line(self, value: Callable[[str], object]) -> str:
        """The line of an item: columns are separated by tabs; values hold no tabs, line ends or control characters."""
        values = [_one_line(value(name)) for name in self.names]
        if self.template is None:
            return "\t".join(values)
        return "".join(text + shown for text, shown in zip(self.template, [*values, ""], strict=True))


def normal(name: str) -> str:
    """The name of a column as ``--format`` takes it: ``deployed at`` is ``deployed_at``."""
    return name.strip().replace(" ", "_").replace("-", "_")


def _one_line(value: object) -> str:
    return encodable(printable(_SPACE.sub(" ", str(value)))) if value is not None else ""


def parse_option(ctx: click.Context, option: click.Parameter, value: str | None) -> Format | None:
    """Callback of ``--format``.

    Raises:
        click.BadParameter: The value is neither columns nor a template.
    """
    if value is None:
        return None
    try:
        return Format.parse(value)
    except ValueError as error:
        example = "columns look like id,name, a template like '{id} {name}'"
        raise click.BadParameter(f"{error}; {example}", ctx, option) from None
