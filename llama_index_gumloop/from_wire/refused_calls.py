"""Calls that must not run, and that tell the model why.

The framework has no form for a call whose arguments make no sense: its agents, and the loop that its documentation
shows, run whatever call they get by ``tool(**tool_kwargs)``, and give what that raises back to the model as the result
of a tool that failed. So the arguments of such a call are ones that cannot be passed to any tool. The reason is raised
while they are being passed, before any code of the tool itself runs: one that takes everything (``**kwargs``), or whose
parameters are all optional, would otherwise run on half a call.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.llms.llm import ToolSelection

from gumloop_core.errors import InvalidResponseError


class _Unpassable(str):
    """The name of a keyword that a tool cannot be called with.

    Python compares the name of each keyword with those of a function's parameters, and this one raises then. Where it
    has become plain text on the way, in a workflow that was written down and read again, Python itself refuses it in
    the methods of tools: ``self`` is taken already.
    """

    __slots__ = ("reason",)

    reason: str

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Unpassable):
            return str.__eq__(self, other) and self.reason == other.reason  # of two calls, as when events are compared
        if isinstance(other, str):
            raise InvalidResponseError(self.reason)
        return False

    __hash__ = str.__hash__


def refused_call(identity: str, name: str, arguments: str, reason: str) -> ToolSelection:
    """A call that fails with a reason, whatever tool it is for.

    Args:
        identity: The call's id.
        name: The tool's name.
        arguments: What the model wrote.
        reason: What is wrong with it, for the model and the caller.
    """
    selection = ToolSelection(tool_id=identity, tool_name=name, tool_kwargs={})
    selection.tool_kwargs = _refused_arguments(arguments, reason)  # validation would make plain text of the names
    return selection


def _refused_arguments(arguments: str, reason: str) -> dict[str, Any]:
    # Two, so that nothing passes "the only argument" by place. The second is the parameter of a tool that keeps to the
    # framework's base class: it is looked for by name there, and else would only be said to be missing.
    return {_unpassable("self", reason): reason, _unpassable("input", reason): arguments}


def _unpassable(name: str, reason: str) -> _Unpassable:
    made = _Unpassable(name)
    made.reason = reason
    return made
