"""``ChatGumloop``: Gumloop's chat models for LangChain."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, overload

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field, model_validator

from gumloop_core.boundary import Boundary
from gumloop_core.chat_model import ChatModelFields
from gumloop_core.errors import ConfigurationError, GumloopError, InvalidRequestError
from gumloop_core.http.sending_options import sending_options, with_hidden_headers
from gumloop_core.options import SecretSource
from gumloop_core.secrets.credentials import EnvironmentKey
from gumloop_core.version import __version__
from gumloop_core.wire import ChatBody
from gumloop_core.writing.body import (
    build_body,
    check_form,
    merge_options,
    server_tool_names,
    tool_names,
)
from gumloop_core.writing.body import tool_choice as wire_tool_choice
from langchain_gumloop.costs import observers_of
from langchain_gumloop.errors import as_langchain
from langchain_gumloop.from_wire.answers import chat_result, combined_llm_output
from langchain_gumloop.profiles import KnownProfile, known_profile
from langchain_gumloop.to_wire.messages import asks_for_images, refuse_odd_blocks, to_messages
from langchain_gumloop.tools import AnyTool, tool_params
from langchain_gumloop.tracing import Traced
from langchain_gumloop.turns import TakesTurns

if TYPE_CHECKING:
    from langchain_protocol.protocol import MessagesData

    from langchain_gumloop.events import EventMaker
    from langchain_gumloop.from_wire.streamed_answers import ChunkMaker
    from langchain_gumloop.structured.structured_output import Method, StructuredAnswer

_T = TypeVar("_T")


def _environment_key() -> EnvironmentKey | None:
    key = os.environ.get("GUMLOOP_API_KEY")
    return EnvironmentKey(key) if key else None


class ChatGumloop(ChatModelFields, Traced, TakesTurns, BaseChatModel):
    """Gumloop's chat models.

    Credentials that are not passed come from the environment: ``GUMLOOP_API_KEY`` with ``GUMLOOP_USER_ID``, or
    ``GUMLOOP_ACCESS_TOKEN``. They are first needed by a request. Fields left at ``None`` are not sent; a call's own
    keyword wins over a field: ``llm.invoke("Hi", temperature=0)``. Errors are those of ``langchain_gumloop.errors``.

    A call of a tool that was cut off, or whose arguments are not a JSON object, is in ``invalid_tool_calls`` and is
    never run. An agent of ``create_agent`` takes an answer of such calls alone for its last one; with
    ``middleware=[langchain_gumloop.InvalidToolCallMiddleware()]`` they go back to the model instead.

    Whoever leaves ``astream_events(version="v3")`` before its end closes its connection by ``async with`` or
    ``aclose()``: LangChain reads on in a task of its own otherwise.

    Example:
        .. code-block:: python

            from langchain_gumloop import ChatGumloop

            llm = ChatGumloop(model="claude-sonnet-4-5", temperature=0, max_tokens=500)
            answer = llm.invoke("Capital of Canada?")
            print(answer.text, answer.usage_metadata, answer.response_metadata["finish_reason"])

            for chunk in llm.stream("Capital of Canada?"):
                print(chunk.text, end="")
    """

    model_config = ConfigDict(defer_build=False)

    api_key: SecretSource | None = Field(default_factory=_environment_key, repr=False)
    """A personal or team API key. Left out, it is ``GUMLOOP_API_KEY``, and a token from ``GUMLOOP_ACCESS_TOKEN``
    wins over it."""

    streaming: bool = False
    """Whether ``invoke`` streams underneath, for callbacks that show tokens as they come."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with Boundary(as_langchain):
            body, sending = self._request(messages, stop, kwargs, run_manager, stream=False)
            completion = self._sync().complete(body, **sending)
            return chat_result(completion, in_blocks=asks_for_images(body), output_version=self.output_version)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with Boundary(as_langchain):
            body, sending = self._request(messages, stop, kwargs, run_manager, stream=False)
            completion = await self._async().complete(body, **sending)
            return chat_result(completion, in_blocks=asks_for_images(body), output_version=self.output_version)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with Boundary(as_langchain):
            body, sending = self._request(messages, stop, kwargs, run_manager, stream=True)
            chunks = self._chunk_maker(body)
            chunk = chunks.chunk
            with closing(self._sync().stream(body, **sending)) as deltas:
                for delta in deltas:
                    if delta.completion is None:
                        yield chunk(delta)
                    else:
                        yield from chunks.last_chunks(delta)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with Boundary(as_langchain):
            body, sending = self._request(messages, stop, kwargs, run_manager, stream=True)
            chunks = self._chunk_maker(body)
            chunk = chunks.chunk
            async with aclosing(self._async().stream(body, **sending)) as deltas:
                async for delta in deltas:
                    if delta.completion is None:
                        yield chunk(delta)
                    else:
                        for last_chunk in chunks.last_chunks(delta):
                            yield last_chunk

    def _stream_chat_model_events(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[MessagesData]:
        """What LangChain looks for to stream protocol events without a detour over chunks."""
        with Boundary(as_langchain):
            body, sending = self._request(messages, stop, kwargs, run_manager, stream=True)
            events = _event_maker(run_manager).events
            with closing(self._sync().stream(body, **sending)) as deltas:
                for delta in deltas:
                    yield from events(delta)

    async def _astream_chat_model_events(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[MessagesData]:
        """The same for asynchronous calls."""
        with Boundary(as_langchain):
            body, sending = self._request(messages, stop, kwargs, run_manager, stream=True)
            events = _event_maker(run_manager).events
            async with aclosing(self._async().stream(body, **sending)) as deltas:
                async for delta in deltas:
                    for event in events(delta):
                        yield event

    def _chunk_maker(self, body: ChatBody) -> ChunkMaker:
        from langchain_gumloop.from_wire.streamed_answers import ChunkMaker  # with the first stream, to import less

        return ChunkMaker(in_blocks=asks_for_images(body), output_version=self.output_version)

    def _request(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        run_manager: Any,
        *,
        stream: bool,
    ) -> tuple[ChatBody, dict[str, Any]]:
        """The body of a request, and how it is to be sent."""
        params, caller_indices = to_messages(messages, replay_reasoning=self.replay_reasoning)
        sending: dict[str, Any] = {}
        if caller_indices is not None:
            sending["caller_indices"] = caller_indices
        observers = observers_of(run_manager)
        if observers:
            sending["observers"] = observers
        call = dict(kwargs)
        if call:
            for name in _NOT_FOR_THE_WIRE:
                call.pop(name, None)
            sending.update(sending_options(call))
            if call.get("tools"):
                _settle_tools(call)
            if call.get("response_format") is not None:
                from langchain_gumloop.structured.output_format import as_response_format

                call["response_format"] = as_response_format(call["response_format"])
        if stop is not None:
            call["stop"] = stop
        options = merge_options(self._body_options(), call)
        model = options.pop("model", self.model)
        return build_body(model, params, options, stream=stream), sending

    def bind_tools(
        self,
        tools: Sequence[AnyTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Give the model tools.

        Args:
            tools: Functions, ``BaseTool`` objects, Pydantic or TypedDict classes, or dicts in the form of OpenAI,
                Anthropic or Bedrock, or a JSON Schema with a title.
            tool_choice: A tool's name; ``"auto"``; ``"none"``; ``"any"``, ``"required"`` or ``True`` for some tool;
                the wire's dict.
            strict: Whether the endpoint is asked to keep to the tools' schemas to the letter.
            parallel_tool_calls: Whether the model may ask for several calls at once.
            response_format: A schema that an answer without tool calls must fit: the wire's dict, a class, or a JSON
                Schema. Where the dict asks for strictness, its schema is made strict-safe.
            **kwargs: Any other option of a call.

        Raises:
            InvalidRequestError: If something is not a tool, or ``tool_choice`` names none of them.
        """
        with Boundary(as_langchain):
            params = tool_params(tools, strict=strict)
            choice = wire_tool_choice(tool_choice, tool_names(params), server_tool_names(params))
            if response_format is not None:
                from langchain_gumloop.structured.output_format import as_response_format

                kwargs["response_format"] = as_response_format(response_format)
        if params:
            kwargs["tools"] = params
            if choice is not None:
                kwargs["tool_choice"] = choice
            if parallel_tool_calls is not None:
                kwargs["parallel_tool_calls"] = parallel_tool_calls
        return cast("Runnable[LanguageModelInput, AIMessage]", self.bind(**kwargs))

    def bind(self, **kwargs: Any) -> Any:
        """Fix keywords of a call; headers among them show to nobody who asks what is bound."""
        with Boundary(as_langchain):
            kwargs = with_hidden_headers(kwargs)
        return super().bind(**kwargs)

    @overload
    def with_structured_output(
        self,
        schema: type[_T],
        *,
        method: Method = ...,
        include_raw: Literal[False] = ...,
        strict: bool | None = ...,
        tools: Sequence[AnyTool] | None = ...,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, _T]: ...

    @overload
    def with_structured_output(
        self,
        schema: type[_T],
        *,
        method: Method = ...,
        include_raw: Literal[True],
        strict: bool | None = ...,
        tools: Sequence[AnyTool] | None = ...,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, StructuredAnswer[_T]]: ...

    @overload
    def with_structured_output(
        self,
        schema: dict[str, Any],
        *,
        method: Method = ...,
        include_raw: Literal[False] = ...,
        strict: bool | None = ...,
        tools: Sequence[AnyTool] | None = ...,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any]]: ...

    @overload
    def with_structured_output(
        self,
        schema: dict[str, Any],
        *,
        method: Method = ...,
        include_raw: Literal[True],
        strict: bool | None = ...,
        tools: Sequence[AnyTool] | None = ...,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, StructuredAnswer[dict[str, Any]]]: ...

    @overload
    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = ...,
        *,
        method: Method = ...,
        include_raw: bool = ...,
        strict: bool | None = ...,
        tools: Sequence[AnyTool] | None = ...,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]: ...

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[AnyTool] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Have the answer as an object.

        Args:
            schema: A Pydantic class, to get objects of it; or a TypedDict, a JSON Schema or an OpenAI function, to get
                dicts. With ``method="json_mode"`` it may be left out.
            method: ``"json_schema"`` has the endpoint hold the answer to the schema; ``"function_calling"`` takes it
                from a tool call's arguments; ``"json_mode"`` asks for some JSON, which the prompt must describe.
            include_raw: Whether to return ``{"raw": AIMessage, "parsed": …, "parsing_error": …}`` and raise no
                parsing error.
            strict: Whether the endpoint must keep to the schema to the letter. With ``json_schema`` it does by
                itself wherever the schema allows.
            tools: Tools that the model may call before it answers.
            **kwargs: Any other option of a call.

        Raises:
            InvalidRequestError: If the schema is none of these, or cannot be strict although it should be.
        """
        with Boundary(as_langchain):
            from langchain_gumloop.structured.structured_output import structured_output

            return structured_output(
                self, schema, method, include_raw=include_raw, strict=strict, tools=tools, options=kwargs
            )

    def _combine_llm_outputs(self, _llm_outputs: list[dict[str, Any] | None], /) -> dict[str, Any]:
        with Boundary(as_langchain):
            return combined_llm_output(_llm_outputs)

    @property
    def _llm_type(self) -> str:
        return "gumloop-chat"

    def _convert_input(self, model_input: LanguageModelInput) -> PromptValue:
        try:
            prompt = super()._convert_input(model_input)
        except (LookupError, TypeError, AttributeError, RecursionError, ValueError) as error:
            if type(error) is ValueError:  # LangChain's own word on what is no message, which it documents
                raise
            reason = f"{type(error).__name__}: {error}"[:500]
            refused = InvalidRequestError(f"The input cannot be read as messages: {reason}")
            raise as_langchain(refused) from error
        with Boundary(as_langchain):
            refuse_odd_blocks(prompt)
        return prompt

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Which fields a serialized model leaves to the environment."""
        return {"api_key": "GUMLOOP_API_KEY"}

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether ``langchain_core.load`` can write it down."""
        return True

    def to_json(self) -> Any:
        """What ``langchain_core.load`` writes down; read again, a default is one again."""
        written: Any = super().to_json()
        if not self._has_idle_timeout():
            written.get("kwargs", {}).pop("stream_idle_timeout", None)
        return written

    def _resolve_model_profile(self) -> ModelProfile | None:
        return known_profile(self._known_facts())

    @model_validator(mode="before")
    @classmethod
    def _leave_out_a_looked_up_profile(cls, values: Any) -> Any:
        """A configurable model is made again of all its fields, and this one follows from another."""
        profile = values.get("profile") if isinstance(values, dict) else None
        if isinstance(profile, KnownProfile) and profile.is_untouched:
            return {name: value for name, value in values.items() if name != "profile"}
        return values

    def _follow_model(self) -> None:
        profile = self.profile
        if profile is None or (isinstance(profile, KnownProfile) and profile.is_untouched):
            self.profile = known_profile(self._known_facts())

    def _as_left(self, error: GumloopError) -> GumloopError:
        return as_langchain(error)

    @classmethod
    def _as_raised(cls, error: Exception) -> Exception:
        raised = super()._as_raised(error)
        return as_langchain(raised) if isinstance(raised, GumloopError) else raised

    @model_validator(mode="after")
    def _note_gumloop_version(self) -> Self:
        self._add_version("langchain-gumloop", __version__)
        return self

    def get_token_ids(self, text: str) -> list[int]:
        """Split a text into tokens, by the function that was passed as ``custom_get_token_ids``.

        Raises:
            ConfigurationError: If none was: the models behind the endpoint have different tokenizers, which it does
                not offer.
        """
        with Boundary(as_langchain):
            if self.custom_get_token_ids is None:
                raise ConfigurationError(
                    "There is no tokenizer for this model. Pass one as custom_get_token_ids, or use get_num_tokens, "
                    "which estimates."
                )
            return self.custom_get_token_ids(text)

    def get_num_tokens(self, text: str) -> int:
        """Estimate the tokens of a text; the endpoint has no way to count them."""
        with Boundary(as_langchain):
            from langchain_gumloop.tokens import tokens_of_text

            return tokens_of_text(text) if self.custom_get_token_ids is None else len(self.get_token_ids(text))

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Estimate the tokens of messages and tools; the endpoint has no way to count them."""
        with Boundary(as_langchain):
            from langchain_gumloop.tokens import tokens_of_messages

            return tokens_of_messages(messages, tools)


# LangChain asks for these signatures at each call, and making them takes longer than our limiter.
_method: Any
for _method in (ChatGumloop._generate, ChatGumloop._agenerate):
    _method.__signature__ = inspect.signature(_method)

_NOT_FOR_THE_WIRE = ("stream", "ls_structured_output_format", "structured_output_format")


def _event_maker(run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None) -> EventMaker:
    from langchain_gumloop.events import EventMaker

    return EventMaker(run_manager.run_id if run_manager is not None else None)


def _settle_tools(call: dict[str, Any]) -> None:
    """Convert tools that were passed with a call rather than by ``bind_tools``."""
    check_form("tools", call["tools"])
    tools = call["tools"] = tool_params(call["tools"])
    if call.get("tool_choice") is not None:
        call["tool_choice"] = wire_tool_choice(call["tool_choice"], tool_names(tools), server_tool_names(tools))
