"""Middleware that has an agent's prompts cached. It needs the package ``langchain``, which the model does not."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
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
    request alone: the agent's state keeps its messages as they are. Marks of your own stay, and no more than the four
    that Claude takes are sent. The arguments are those of LangChain's ``AnthropicPromptCachingMiddleware``.

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
        mark = {"type": self.type, "ttl": self.ttl}
        at_the_top = request.model_settings.get("cache_control") or getattr(request.model, "cache_control", None)
        left = MOST_MARKS - _marks_in(system, messages, tools) - bool(at_the_top)
        changes: dict[str, Any] = {}
        # The tools come last: the provider puts them before the system prompt, whose mark is behind them too.
        if system is not None and left > 0 and (marked := _marked_message(system, mark)) is not None:
            changes["system_message"] = marked
        if left > len(changes) and (conversation := _marked_conversation(messages, mark)) is not None:
            changes["messages"] = conversation
        if left > len(changes) and (offered := self._marked_tools(tools, mark)) is not None:
            changes["tools"] = offered
        return request.override(**changes) if changes else request

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
            return None if _has_mark(tool) else [*tools[:place], marked, *tools[place + 1 :]]
        return None

    def _marked_tool(self, tool: BaseTool, mark: JSONObject) -> BaseTool:
        extras = {**(tool.extras or {}), "cache_control": mark}
        made_of = (tool.name, tool.description, tool.args_schema, extras)
        return self._copies.of(tool, made_of, lambda: tool.model_copy(update={"extras": extras}))


_OF_A_FUNCTION = frozenset({"function", "name"})


def _caches_by_itself(request: ModelRequest[Any]) -> bool:
    # As pydantic-ai's `openrouter_supports_trailing_cache_control` has it, and its recorded answers: all tokens of such
    # a prompt are told as read and as written.
    return "gemini" in str(request.model_settings.get("model") or getattr(request.model, "model", "")).lower()


def _class(model: object) -> str:
    return type(model).__name__


def _marks_in(system: BaseMessage | None, messages: Iterable[BaseMessage], tools: Iterable[Any]) -> int:
    """How many marks a request has of its own."""
    marks = sum(map(_has_mark, tools))
    for message in (system, *messages):
        if message is None:
            continue
        marks += bool(message.additional_kwargs.get("cache_control"))
        if isinstance(message.content, list):
            marks += sum(map(_has_mark, message.content))
    return marks


def _has_mark(thing: Any) -> bool:
    """Whether a block or a tool is marked, or keeps a mark among what LangChain does not know."""
    if isinstance(thing, Mapping):
        extras = thing.get("extras")
        return bool(thing.get("cache_control")) or (isinstance(extras, Mapping) and _has_mark(extras))
    return isinstance(thing, BaseTool) and bool((thing.extras or {}).get("cache_control"))


def _marked_conversation(messages: Sequence[Any], mark: JSONObject) -> list[Any] | None:
    """The messages with a mark on the last that can carry one; ``None`` where it has one, or there is none."""
    for place in reversed(range(len(messages))):
        if _end_of(messages[place]) is not None:
            marked = _marked_message(messages[place], mark)
            return None if marked is None else [*messages[:place], marked, *messages[place + 1 :]]
    return None


def _marked_message(message: Message, mark: JSONObject) -> Message | None:
    """A copy of the message with a mark on its last block; ``None`` where that has one, or none can have it."""
    end = _end_of(message)
    if end is None or message.additional_kwargs.get("cache_control"):
        return None
    blocks: list[Any] = [message.content] if isinstance(message.content, str) else list(message.content)
    last = blocks[end]
    block = {"type": "text", "text": last} if isinstance(last, str) else last
    if _has_mark(block):
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
