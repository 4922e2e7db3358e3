"""An extension of griffe: docstrings as the site's reference shows them.

Docstrings are written for `help()` and for Sphinx's roles, which Markdown knows nothing of.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|exc):`(?P<tilde>~?)(?P<path>[\w.]+)`")
_PAGE = re.compile(r"`+docs/(?P<name>[\w-]+)\.md`+")
_CODE_BLOCK = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\w+)\n\n?(?P<code>(?:(?P=indent) +.*\n|\n)+)", re.MULTILINE
)


def as_markdown(text: str) -> str:
    """A docstring whose roles are code, whose directives are fences, and whose pages are links."""

    def code(match: re.Match[str]) -> str:
        path = match["path"]
        return f"`{path.rpartition('.')[2] if match['tilde'] else path}`"

    def fence(match: re.Match[str]) -> str:
        lines = f"```{match['language']}\n{textwrap.dedent(match['code']).strip()}\n```\n"
        return textwrap.indent(lines, match["indent"])

    # From a page of api/; mkdocs says so where there is none.
    text = _PAGE.sub(r"[\g<name>](../\g<name>.md)", text)
    return _CODE_BLOCK.sub(fence, _ROLE.sub(code, text) + "\n").rstrip()


class MarkdownDocstrings(griffe.Extension):
    """Rewrites every docstring as it is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Take one object's docstring."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Show a field of Pydantic's by its default alone."""
        attr.labels -= {"class-attribute", "instance-attribute"}
        if isinstance(attr.value, griffe.ExprCall) and attr.value.canonical_name == "Field":
            options = {
                option.name: option.value for option in attr.value.arguments if isinstance(option, griffe.ExprKeyword)
            }
            attr.value = options.get("default")
