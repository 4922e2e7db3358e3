"""Middleware that has an agent's prompts cached. It needs the package ``langchain``, which the model does not."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool

from gumloop_core.shown import shown
from gumloop_core.wire import JSONObject
from gumloop_core.writing.cache_marks import MOST_MARKS
from gumloop_core.writing.definitions import Definitions
from langchain_gumloop.chat_models import ChatGumloop
from langchain_gumloop.errors import ConfigurationError

Message = TypeVar("Message", bound=BaseMessage)
Result = TypeVar("Result")


class GumloopPromptCachingMiddleware(AgentMiddleware[Any, Any, Any]):
    """Marks an agent's prompts, so that what begins them is read from a cache, by Claude for a tenth of the price.

    Each request carries marks behind the system prompt, the last message and the last tool. The marks are in the
    request alone: the agent's state keeps its messages as they are. After a turn of so many calls that the last mark
    would not find the prompt before it, the end of that one is marked too. Marks of your own stay, and no more than the
    four that Claude takes are sent. The arguments are those of LangChain's ``AnthropicPromptCachingMiddleware``.

    A field at the top of the body would do for the last message, but then OpenRouter asks Anthropic alone and leaves
    out Bedrock and Vertex. Marks on blocks work with all of them. Gemini caches by itself and gets none: with a mark at
    its end OpenRouter writes the whole prompt to a cache of Vertex, and bills it twice.

    Args:
        type: Claude's kind of cache; there is one.
        ttl: How long a prompt stays in the cache after its last use: five minutes or an hour. Writing for an hour costs
            twice the price of reading without a cache, for five minutes 1.25 times.
        min_messages_to_cache: How many messages a request must have to be marked, the system prompt counted.
        unsupported_model_behavior: What becomes of a request to another model than ``ChatGumloop``: it goes on without
            marks, with a warning (``"warn"``) or without (``"ignore"``), or the agent ends (``"raise"``).

    Raises:
        ConfigurationError: If an argument is none of these values; in a run, where a model is not ours and shall be.

    Example:
        .. code-block:: python

            from langchain.agents import create_agent
            from langchain_gumloop import ChatGumloop, GumloopPromptCachingMiddleware

            llm = ChatGumloop(model="claude-sonnet-4-5")
            caching = GumloopPromptCachingMiddleware(ttl="1h")
            agent = create_agent(llm, [get_weather], system_prompt=handbook, middleware=[caching])
    """

    def __init__(
        self,
        type: Literal["ephemeral"] = "ephemeral",
        ttl: Literal["5m", "1h"] = "5m",
        min_messages_to_cache: int = 0,
        unsupported_model_behavior: Literal["ignore", "warn", "raise"] = "warn",
    ) -> None:
        super().__init__()
        for name, value, known in (
            ("type", type, ("ephemeral",)),
            ("ttl", ttl, ("5m", "1h")),
            ("unsupported_model_behavior", unsupported_model_behavior, ("ignore", "warn", "raise")),
        ):
            if value not in known:
                raise ConfigurationError(f"{name} must be {' or '.join(map(repr, known))}, not {shown(value)}.")
        self.type = type
        self.ttl = ttl
        self.min_messages_to_cache = min_messages_to_cache
        self.unsupported_model_behavior = unsupported_model_behavior
        # A copy made anew for each call would have its schema read anew.
        self._copies: Definitions[BaseTool] = Definitions()

    def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Result]) -> Result:
        """Ask with marks."""
        return handler(self._marked(request))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Result]]
    ) -> Result:
        """The same for asynchronous calls."""
        return await handler(self._marked(request))

    def _marked(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        system, messages, tools = request.system_message, request.messages, request.tools
        if not self._is_ours(request.model) or _caches_by_itself(request):
            return request
        if len(messages) + (system is not None) < self.min_messages_to_cache:
            return request
        offered, said, told = _ttls(tools), _ttls([system]), _ttls(messages)
        at_the_top = request.model_settings.get("cache_control") or getattr(request.model, "cache_control", None)
        end = _ttls([{"cache_control": at_the_top}])
        left = MOST_MARKS - len([*offered, *said, *told, *end])
        changes: dict[str, Any] = {}
        # The tools come last: the provider puts them before the system prompt, whose mark is behind them too.
        if system is not None and left > 0:
            mark = self._mark([*offered, *said], [*told, *end])
            if (marked := _marked_message(system, mark)) is not None:
                changes["system_message"] = marked
        if left > len(changes) and not end:
            mark = self._mark([*offered, *said, *told], [])
            if (conversation := _marked_conversation(messages, mark)) is not None:
                changes["messages"] = conversation
        if left > len(changes):
            mark = self._mark(offered, [*said, *told, *end])
            if (choice := self._marked_tools(tools, mark)) is not None:
                changes["tools"] = choice
        before = _end_of_the_prompt_before(messages)
        if before and left > len(changes):
            mark = self._mark([*offered, *said, *_ttls(messages[:before])], [*_ttls(messages[before:]), *end])
            if (conversation := _marked_conversation(messages[:before], mark)) is not None:
                changes["messages"] = [*conversation, *changes.get("messages", messages)[before:]]
        return request.override(**changes) if changes else request

    def _mark(self, earlier: Sequence[str], later: Sequence[str]) -> JSONObject:
        """A mark between others: Claude refuses one for an hour behind one for five minutes."""
        ttl = "5m" if "5m" in earlier else "1h" if "1h" in later else self.ttl
        return {"type": self.type, "ttl": ttl}

    def _is_ours(self, model: object) -> bool:
        if isinstance(model, ChatGumloop):
            return True
        problem = (
            f"GumloopPromptCachingMiddleware marks prompts for ChatGumloop only, and the model is {_class(model)}."
        )
        if self.unsupported_model_behavior == "raise":
            raise ConfigurationError(f"{problem} Take it out, or set unsupported_model_behavior='ignore'.")
        if self.unsupported_model_behavior == "warn":
            warnings.warn(f"{problem} Nothing is marked.", stacklevel=4)
        return False

    def _marked_tools(self, tools: Sequence[Any], mark: JSONObject) -> list[Any] | None:
        """The tools with a mark on the last function; ``None`` where it has one, or there is none."""
        for place in reversed(range(len(tools))):
            tool = tools[place]
            if isinstance(tool, BaseTool):
                marked: Any = self._marked_tool(tool, mark)
            elif (
                isinstance(tool, dict)
                and tool.get("type", "function") == "function"
                and not _OF_A_FUNCTION.isdisjoint(tool)
            ):
                marked = {**tool, "cache_control": mark}
            else:
                continue  # one that runs at the server
            return None if _mark_of(tool) is not None else [*tools[:place], marked, *tools[place + 1 :]]
        return None

    def _marked_tool(self, tool: BaseTool, mark: JSONObject) -> BaseTool:
        extras = {**(tool.extras or {}), "cache_control": mark}
        made_of = (tool.name, tool.description, tool.args_schema, extras)
        return self._copies.of(tool, made_of, lambda: tool.model_copy(update={"extras": extras}))


_LOOKBACK = 20
"""Within how many blocks before a mark Claude looks for what was cached. Source: Anthropic's guide to the subject."""

_OF_A_FUNCTION = frozenset({"function", "name"})


def _caches_by_itself(request: ModelRequest[Any]) -> bool:
    # As pydantic-ai's `openrouter_supports_trailing_cache_control` has it, and its recorded answers: all tokens of such
    # a prompt are told as read and as written.
    return "gemini" in str(request.model_settings.get("model") or getattr(request.model, "model", "")).lower()


def _class(model: object) -> str:
    return type(model).__name__


def _ttls(things: Iterable[Any]) -> list[str]:
    """How long the marks keep that messages, blocks or tools have of their own, in their order."""
    ttls: list[str] = []
    for thing in things:
        if isinstance(thing, BaseMessage):
            blocks = thing.content if isinstance(thing.content, list) else []
            ttls += _ttls([*blocks, {"cache_control": thing.additional_kwargs.get("cache_control")}])
        elif (mark := _mark_of(thing)) is not None:
            ttls.append(str(mark.get("ttl") or "5m"))
    return ttls


def _mark_of(thing: Any) -> Mapping[str, Any] | None:
    """The mark of a block or a tool, or the one among what LangChain does not know of it."""
    extras = thing.get("extras") if isinstance(thing, Mapping) else getattr(thing, "extras", None)
    for holder in (thing, extras):
        mark = holder.get("cache_control") if isinstance(holder, Mapping) else None
        if mark:
            return mark if isinstance(mark, Mapping) else {}
    return None


def _marked_conversation(messages: Sequence[Any], mark: JSONObject) -> list[Any] | None:
    """The messages with a mark on the last that can carry one; ``None`` where it has one, or there is none."""
    for place in reversed(range(len(messages))):
        if _end_of(messages[place]) is not None:
            marked = _marked_message(messages[place], mark)
            return None if marked is None else [*messages[:place], marked, *messages[place + 1 :]]
    return None


def _end_of_the_prompt_before(messages: Sequence[BaseMessage]) -> int:
    """How many messages the request before had, where the last mark does not find them any more; else none."""
    answer = next((place for place in reversed(range(len(messages))) if isinstance(messages[place], AIMessage)), 0)
    return answer if sum(map(_blocks, messages[answer:])) >= _LOOKBACK else 0


def _blocks(message: BaseMessage) -> int:
    said = len(message.content) if isinstance(message.content, list) else bool(message.content)
    return said + len(message.tool_calls) if isinstance(message, AIMessage) else said


def _marked_message(message: Message, mark: JSONObject) -> Message | None:
    """A copy of the message with a mark on its last block; ``None`` where that has one, or none can have it."""
    end = _end_of(message)
    if end is None or message.additional_kwargs.get("cache_control"):
        return None
    blocks: list[Any] = [message.content] if isinstance(message.content, str) else list(message.content)
    last = blocks[end]
    block = {"type": "text", "text": last} if isinstance(last, str) else last
    if _mark_of(block) is not None:
        return None
    blocks[end] = {**block, "cache_control": mark}
    return message.model_copy(update={"content": blocks})


def _end_of(message: BaseMessage) -> int | None:
    """The place of the last block that can carry a mark."""
    blocks = [message.content] if isinstance(message.content, str) else message.content
    takes_all = isinstance(message, (HumanMessage, ToolMessage))
    return next((place for place in reversed(range(len(blocks))) if _takes_mark(blocks[place], takes_all)), None)


def _takes_mark(block: Any, takes_all: bool) -> bool:
    text = block if isinstance(block, str) else block.get("text") if isinstance(block, Mapping) else None
    if isinstance(text, str):
        return bool(text.strip())
    return takes_all and isinstance(block, Mapping)
