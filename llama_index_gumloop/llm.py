"""Gumloop's models as a LlamaIndex LLM."""

from __future__ import annotations

import logging
import pickle
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import Any, Self, cast

from llama_index.core.base.llms.generic_utils import messages_to_prompt
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
    TextBlock,
)
from llama_index.core.callbacks import CallbackManager
from llama_index.core.chat_engine.types import AgentChatResponse
from llama_index.core.llms.callbacks import dispatcher, llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import ToolSelection, default_completion_to_prompt
from llama_index.core.types import PydanticProgramMode
from pydantic import Field

from gumloop_core.boundary import Boundary
from gumloop_core.chat_model import ChatModelFields
from gumloop_core.http.sending_options import sending_options
from gumloop_core.json_text import positive_count
from gumloop_core.options import SecretSource
from gumloop_core.shown import shown
from gumloop_core.wire import ChatBody
from gumloop_core.writing.body import (
    build_body,
    merge_options,
    server_tool_names,
    tool_choice,
    tool_names,
)
from llama_index_gumloop.call_checks import checked_chat, checked_completion, checks_predictions
from llama_index_gumloop.context_window import window_of
from llama_index_gumloop.costs import observers_of
from llama_index_gumloop.errors import NoToolCallError, prediction_error
from llama_index_gumloop.events import (
    reported_astream_chat,
    reported_astream_complete,
    reported_stream_chat,
    reported_stream_complete,
)
from llama_index_gumloop.from_wire.answers import to_completion_response, to_response
from llama_index_gumloop.from_wire.streamed_answers import aconverted, ato_responses, converted, to_responses
from llama_index_gumloop.from_wire.tool_calls import keep_first_call, refuse_broken_calls, tool_selections
from llama_index_gumloop.hidden_headers import hides_headers
from llama_index_gumloop.structured.output_format import as_response_format
from llama_index_gumloop.structured.prediction import StructuredPrediction
from llama_index_gumloop.to_wire.messages import check_messages, to_messages, without_empty_answers
from llama_index_gumloop.tools import are_of_a_program, tool_params

logger = logging.getLogger(__name__)

# What users hang on a model, and what a copy in another process has in its place if that cannot travel.
_OFTEN_UNPICKLABLE: dict[str, Callable[[], Any]] = {
    "callback_manager": lambda: CallbackManager([]),
    "rate_limiter": lambda: None,
    "messages_to_prompt": lambda: messages_to_prompt,
    "completion_to_prompt": lambda: default_completion_to_prompt,
    "output_parser": lambda: None,
    "query_wrapper_prompt": lambda: None,
}


@checks_predictions
@hides_headers
class Gumloop(ChatModelFields, StructuredPrediction):
    """A model behind Gumloop's endpoint.

    Fields that are ``None`` are not sent. A keyword of a call wins over the field of the same name; ``timeout`` and
    ``extra_headers`` are understood there too.

    ``system_prompt`` is the framework's field, and works where the framework adds it: in ``predict``, ``stream`` and
    structured prediction, not in ``chat`` and ``complete``. There, send a message with the role ``system``; agents and
    chat engines have a ``system_prompt`` of their own.

    Example:
        >>> from llama_index_gumloop import Gumloop
        >>> llm = Gumloop(model="claude-sonnet-4-5")  # credentials from GUMLOOP_API_KEY and GUMLOOP_USER_ID
        >>> print(llm.complete("Capital of Canada?"))  # doctest: +SKIP
    """

    api_key: SecretSource | None = Field(default=None, repr=False, exclude=True)
    """A personal or team API key. From ``GUMLOOP_API_KEY`` if neither this nor ``access_token`` is given."""

    context_window: int | None = Field(default=None, gt=0)
    """Tokens that prompt and answer may have together, as ``metadata`` says. ``None`` for what is known of the
    model, or else 128,000, with a warning the first time."""

    is_function_calling_model: bool | None = None
    """Whether ``metadata`` says that the model calls tools. ``None`` for what is known of the model, or else yes."""

    @classmethod
    def class_name(cls) -> str:
        """The name under which it is serialized."""
        return "gumloop_llm"

    @property
    def metadata(self) -> LLMMetadata:
        """What pipelines need to know of the model. Never raises."""
        facts = self._known_facts() or {}
        # Fields that were set after the model was made can hold anything. A call refuses what it cannot send.
        name = self.model if isinstance(self.model, str) else shown(self.model)
        window = window_of(name, self.context_window, facts.get("context_window"))
        length = positive_count(self.max_completion_tokens)
        calls_tools = self.is_function_calling_model
        if not isinstance(calls_tools, bool):
            calls_tools = facts.get("tool_calling", True)
        return LLMMetadata(
            context_window=window,
            # A prompt helper takes the answer's length off the window, and fails where nothing is left.
            num_output=-1 if length is None else min(length, window // 2),
            is_chat_model=True,
            is_function_calling_model=calls_tools,
            model_name=name,
            system_role=MessageRole.SYSTEM,
        )

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        fields = state["__dict__"]
        for name, left_out in _OFTEN_UNPICKLABLE.items():
            if name in fields and not _can_be_pickled(fields[name]):
                logger.warning("%s cannot be pickled and is left out of the copy.", name)
                fields[name] = left_out()
        return state

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        for shared in (self.callback_manager, getattr(self, "rate_limiter", None)):
            memo[id(shared)] = shared  # a copy that counts and waits for itself would do neither
        return super().__deepcopy__(memo)

    def _uses_response_format(self) -> bool:
        if self.pydantic_program_mode != PydanticProgramMode.DEFAULT:
            return False
        return (self._known_facts() or {}).get("structured_output", True)

    def to_payload(self) -> dict[str, Any]:
        """What events tell of the model: its metadata, and what OpenLLMetry and MLflow look for. No secret."""
        metadata = self.metadata
        set_here = {"temperature": self.temperature, "max_tokens": self.max_completion_tokens}
        return {
            "class_name": self.class_name(),
            **metadata.model_dump(),
            "model": metadata.model_name,
            **{name: value for name, value in set_here.items() if value is not None},
        }

    # -- chat ----------------------------------------------------------------------------------------------------

    @checked_chat
    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation.

        Args:
            messages: The conversation.
            **kwargs: Fields of the body for this call, ``timeout``, ``extra_headers``.

        Raises:
            GumloopError: See :mod:`gumloop_core.errors`.
        """
        return self._chat(messages, kwargs)

    @checked_chat
    @reported_stream_chat
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation piece by piece; see :meth:`chat`. Each response holds all that has arrived."""
        return self._stream_chat(messages, kwargs)

    @checked_chat
    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation; see :meth:`chat`."""
        return await self._achat(messages, kwargs)

    @checked_chat
    @reported_astream_chat
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Answer a conversation piece by piece; see :meth:`stream_chat`."""
        return self._astream_chat(messages, kwargs)

    # -- complete ------------------------------------------------------------------------------------------------

    @checked_completion
    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a prompt, as one user message; see :meth:`chat`.

        Args:
            prompt: The prompt.
            formatted: Whether ``completion_to_prompt`` was applied to it already.
            **kwargs: As for :meth:`chat`.
        """
        return to_completion_response(self._chat(self._prompt_messages(prompt, formatted), kwargs))

    @checked_completion
    @reported_stream_complete
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """Answer a prompt piece by piece; see :meth:`complete`."""
        return converted(self._stream_chat(self._prompt_messages(prompt, formatted), kwargs), to_completion_response)

    @checked_completion
    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a prompt; see :meth:`complete`."""
        return to_completion_response(await self._achat(self._prompt_messages(prompt, formatted), kwargs))

    @checked_completion
    @reported_astream_complete
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        """Answer a prompt piece by piece; see :meth:`complete`."""
        return aconverted(self._astream_chat(self._prompt_messages(prompt, formatted), kwargs), to_completion_response)

    # -- tools ---------------------------------------------------------------------------------------------------

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[Any],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: Any = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The arguments of a chat call with tools. A ``tool_choice`` of ``None`` means that none was made."""
        if chat_history:
            check_messages(chat_history)
        messages = list(chat_history or ())
        if user_msg is not None:
            messages.append(
                ChatMessage(role=MessageRole.USER, content=user_msg) if isinstance(user_msg, str) else user_msg
            )
        prepared: dict[str, Any] = {"messages": messages, **kwargs}
        if tools:
            prepared["tools"] = tool_params(tools)
            # Agents allow several calls unless told otherwise; a model that was told to make one at a time still does.
            several = allow_parallel_tool_calls and self.parallel_tool_calls is not False
            prepared.setdefault("parallel_tool_calls", several)
            choice = "required" if tool_choice is None and tool_required else tool_choice
            if choice is not None:
                prepared["tool_choice"] = choice
        return prepared

    def _prepare_chat_with_tools_compat(self, tools: Sequence[Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        with Boundary():
            return self._prepare_chat_with_tools(tools, *args, **kwargs)

    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[Any],
        allow_parallel_tool_calls: bool = False,
        **kwargs: Any,
    ) -> ChatResponse:
        """Leave one call where only one may be made: some models ask for more all the same."""
        if not allow_parallel_tool_calls:
            keep_first_call(response)
        return response

    def stream_chat_with_tools(self, tools: Sequence[Any], *args: Any, **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation piece by piece, with tools; see the framework's method for the arguments.

        Raises:
            InvalidResponseError: Where a program asks for an object by tool call, and the call turns out to be no JSON
                object, or was cut off. The program would take what had arrived of it for the object.
        """
        responses = super().stream_chat_with_tools(tools, *args, **kwargs)
        return converted(responses, refuse_broken_calls) if are_of_a_program(tools) else responses

    async def astream_chat_with_tools(self, tools: Sequence[Any], *args: Any, **kwargs: Any) -> ChatResponseAsyncGen:
        """Answer a conversation piece by piece, with tools; see :meth:`stream_chat_with_tools`."""
        responses = await super().astream_chat_with_tools(tools, *args, **kwargs)
        return aconverted(responses, refuse_broken_calls) if are_of_a_program(tools) else responses

    def predict_and_call(self, tools: Sequence[Any], *args: Any, **kwargs: Any) -> AgentChatResponse:
        """Ask for a tool call and run it; see the framework's method for the arguments.

        Raises:
            GumloopError: See :mod:`gumloop_core.errors` and :mod:`llama_index_gumloop.errors`. A call whose arguments
                are not a JSON object, or were cut off, is an ``InvalidResponseError`` and runs nothing.
            ValueError: Where the framework says so, of a tool that failed for example.
        """
        try:
            return super().predict_and_call(tools, *args, **kwargs)
        except Exception as error:
            raised = prediction_error(error)
            raise raised from raised.__cause__

    async def apredict_and_call(self, tools: Sequence[Any], *args: Any, **kwargs: Any) -> AgentChatResponse:
        """Ask for a tool call and run it; see :meth:`predict_and_call`."""
        try:
            return await super().apredict_and_call(tools, *args, **kwargs)
        except Exception as error:
            raised = prediction_error(error)
            raise raised from raised.__cause__

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """The tool calls that a response asks for.

        Args:
            response: A response, of a stream also.
            error_on_no_tool_call: Whether it is an error if there is none.
            **kwargs: Not used.

        Returns:
            The calls. Where the answer is whole and a call's arguments are not a JSON object, or were cut off, agents,
            which ask with ``error_on_no_tool_call=False``, get one that runs no tool but fails with the reason, so that
            the model hears of it.

        Raises:
            NoToolCallError: If there is no call and there should be one. It is a ``ValueError`` too.
            InvalidResponseError: If there is such a call otherwise.
            InvalidRequestError: If it is no response.
        """
        with Boundary():
            selections = tool_selections(response, refuse=not error_on_no_tool_call)
        if error_on_no_tool_call and not selections:
            raise NoToolCallError("Expected at least one tool call, but got 0 tool calls.")
        return selections

    # -- the request ---------------------------------------------------------------------------------------------

    def _chat(self, messages: Sequence[ChatMessage], given: dict[str, Any]) -> ChatResponse:
        with Boundary():
            body, sending = self._request(messages, given, stream=False)
            return to_response(self._sync().complete(body, **sending))

    async def _achat(self, messages: Sequence[ChatMessage], given: dict[str, Any]) -> ChatResponse:
        with Boundary():
            body, sending = self._request(messages, given, stream=False)
            return to_response(await self._async().complete(body, **sending))

    def _stream_chat(
        self, messages: Sequence[ChatMessage], given: dict[str, Any]
    ) -> Generator[ChatResponse, None, None]:
        with Boundary():
            body, sending = self._request(messages, given, stream=True)
            return to_responses(self._sync().stream(body, **sending))

    def _astream_chat(
        self, messages: Sequence[ChatMessage], given: dict[str, Any]
    ) -> AsyncGenerator[ChatResponse, None]:
        with Boundary():
            body, sending = self._request(messages, given, stream=True)
            return ato_responses(self._async().stream(body, **sending))

    def _request(
        self, messages: Sequence[ChatMessage], given: dict[str, Any], *, stream: bool
    ) -> tuple[ChatBody, dict[str, Any]]:
        """The body of a call, and what the client is told beside it."""
        given = dict(given)
        sending = sending_options(given)
        options = merge_options(self._body_options(), given)
        tools = options.get("tools")
        if tools:
            options["tools"] = tool_params(tools)
            choice = tool_choice(
                options.pop("tool_choice", None), tool_names(options["tools"]), server_tool_names(options["tools"])
            )
            if choice is not None:
                options["tool_choice"] = choice
        if options.get("response_format") is not None:
            options["response_format"] = as_response_format(options["response_format"])
        wire, caller_indices = without_empty_answers(to_messages(messages, replay_reasoning=self.replay_reasoning))
        if caller_indices is not None:
            sending["caller_indices"] = caller_indices
        observers = observers_of(dispatcher)
        if observers:
            sending["observers"] = observers
        return build_body(options.pop("model", self.model), wire, options, stream=stream), sending

    def _prompt_messages(self, prompt: str, formatted: bool) -> list[ChatMessage]:
        to_prompt = self.completion_to_prompt
        text = prompt if formatted or to_prompt is None else cast("Any", to_prompt)(prompt)
        return [ChatMessage(role=MessageRole.USER, blocks=[TextBlock(text=text)])]


def _can_be_pickled(value: Any) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # whatever a foreign object raises
        return False
    return True
