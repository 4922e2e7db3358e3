"""What ``Gumloop.as_structured_llm`` gives: an LLM that answers with objects of one class."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    MessageRole,
    TextBlock,
)
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictInProgressEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.prompts import ChatPromptTemplate
from llama_index_instrumentation import get_dispatcher

from llama_index_gumloop.call_checks import checks_calls
from llama_index_gumloop.from_wire.answers import is_last, to_completion_response
from llama_index_gumloop.from_wire.streamed_answers import aconverted, converted
from llama_index_gumloop.hidden_headers import hides_headers
from llama_index_gumloop.structured.output_format import StreamedObjects, chat_options, output_format

# The dispatcher on which the framework raises these events, so that whoever listens there hears ours too.
_dispatcher = get_dispatcher("llama_index.core.llms.llm")


@checks_calls
@hides_headers
class ProgramStructuredLLM(StructuredLLM):
    """The framework's own, which has the model predict objects by a program."""


@checks_calls
@hides_headers
class GumloopStructuredLLM(StructuredLLM):
    """Answers with objects of one class.

    ``raw`` of a response is the object, while it streams a partial one; the message's text is its JSON;
    ``additional_kwargs`` has the usage and what else is known of the answer. The call is reported once, by the model
    itself, with the server's token counts.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "callback_manager":
            # Synthesizers set theirs on the LLM they use, and the model is what reports.
            self.llm.callback_manager = value

    @classmethod
    def class_name(cls) -> str:
        """The name under which it is serialized."""
        return "gumloop_structured_llm"

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation with an object.

        Raises:
            StructuredOutputError: If the answer is none; see :mod:`llama_index_gumloop.errors`.
        """
        extended = self._begin(messages)
        response = self.llm.chat(extended, **chat_options(kwargs, self.output_cls))
        return self._finish(response)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation with an object; see :meth:`chat`."""
        extended = self._begin(messages)
        response = await self.llm.achat(extended, **chat_options(kwargs, self.output_cls))
        return self._finish(response)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation with an object that grows; see :meth:`chat`."""
        extended = self._begin(messages)
        feed = _Progress(self.output_cls).feed
        with closing(self.llm.stream_chat(extended, **chat_options(kwargs, self.output_cls))) as responses:
            for response in responses:
                yield feed(response)

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Answer a conversation with an object that grows; see :meth:`chat`."""
        responses = await self.llm.astream_chat(self._begin(messages), **chat_options(kwargs, self.output_cls))
        return aconverted(responses, _Progress(self.output_cls).feed)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a prompt with an object; see :meth:`chat`."""
        return to_completion_response(self.chat(_as_messages(prompt), **kwargs))

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a prompt with an object; see :meth:`chat`."""
        return to_completion_response(await self.achat(_as_messages(prompt), **kwargs))

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """Answer a prompt with an object that grows; see :meth:`chat`."""
        return converted(self.stream_chat(_as_messages(prompt), **kwargs), to_completion_response)

    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        """Answer a prompt with an object that grows; see :meth:`chat`."""
        return aconverted(await self.astream_chat(_as_messages(prompt), **kwargs), to_completion_response)

    def _begin(self, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
        template = ChatPromptTemplate(message_templates=list(messages))
        _dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=self.output_cls, template=template, template_args={})
        )
        return self.llm._extend_messages(list(messages))

    def _finish(self, response: ChatResponse) -> ChatResponse:
        output = output_format(self.output_cls).read(response)
        _dispatcher.event(LLMStructuredPredictEndEvent(output=output))
        message = ChatMessage(
            role=MessageRole.ASSISTANT,
            blocks=[TextBlock(text=output.model_dump_json())],
            additional_kwargs=response.message.additional_kwargs,
        )
        return response.model_copy(update={"raw": output, "message": message})


class _Progress:
    """The responses of one streamed answer, with the object in place of the chunk."""

    def __init__(self, output_cls: Any) -> None:
        self._objects = StreamedObjects(output_format(output_cls))
        self._latest: Any = None

    def feed(self, response: ChatResponse) -> ChatResponse:
        output = self._objects.feed(response)
        if output is not None:
            self._latest = output
            _dispatcher.event(LLMStructuredPredictInProgressEvent(output=output))
            if is_last(response):
                _dispatcher.event(LLMStructuredPredictEndEvent(output=output))
        return response.model_copy(update={"raw": self._latest})


def _as_messages(prompt: str) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, blocks=[TextBlock(text=prompt)])]
