"""Structured prediction: natively by the endpoint's ``response_format``, or by one of the framework's programs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing, closing, contextmanager
from typing import Any, NamedTuple, cast

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.program.utils import get_program_for_llm
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import Model, PydanticProgramMode
from llama_index_instrumentation import get_dispatcher
from pydantic import BaseModel, ConfigDict

from gumloop_core.errors import GumloopError, InvalidRequestError
from llama_index_gumloop.errors import StructuredOutputError
from llama_index_gumloop.structured.output_format import (
    AnswerFormat,
    StreamedObjects,
    TextFormat,
    ToolCallFormat,
    chat_options,
    output_format,
    pydantic_class,
    without_tool_options,
)

# The dispatcher on which the framework raises these events, so that whoever listens there hears ours too.
_dispatcher = get_dispatcher("llama_index.core.llms.llm")


class _ObjectRequest(NamedTuple):
    """What is sent for an object.

    Attributes:
        messages: The conversation.
        options: The keywords of the chat call.
        answer_format: How the object is read from the answer.
    """

    messages: list[ChatMessage]
    options: dict[str, Any]
    answer_format: AnswerFormat


class StructuredPrediction(FunctionCallingLLM):
    """The structured calls of an LLM."""

    # Building a validator takes milliseconds: not for a class that no object is made of, and not at import.
    model_config = ConfigDict(defer_build=True)

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Answer a prompt with an object.

        With the default ``pydantic_program_mode`` the endpoint is given the class's JSON Schema as
        ``response_format``. With ``"function"`` the object is taken from the arguments of a tool call, with ``"llm"``
        from a text that the prompt asks for; the other modes are the framework's own.

        Args:
            output_cls: A pydantic class.
            prompt: The prompt's template.
            llm_kwargs: Keywords of the chat call.
            **prompt_args: What the template asks for.

        Raises:
            StructuredOutputError: If the answer is no such object; see :mod:`llama_index_gumloop.errors`.
        """
        _report_start(output_cls, prompt, prompt_args)
        request = self._object_request(output_cls, prompt, prompt_args, llm_kwargs)
        if request is None:
            with _program_errors(output_cls):
                output = _program(self, output_cls, prompt)(llm_kwargs=dict(llm_kwargs or {}), **prompt_args)
        else:
            response = self.chat(request.messages, **request.options)
            output = request.answer_format.read(response)
        return _report_end(output, output_cls)

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Answer a prompt with an object; see :meth:`structured_predict`."""
        _report_start(output_cls, prompt, prompt_args)
        request = self._object_request(output_cls, prompt, prompt_args, llm_kwargs)
        if request is None:
            with _program_errors(output_cls):
                program = _program(self, output_cls, prompt)
                output = await program.acall(llm_kwargs=dict(llm_kwargs or {}), **prompt_args)
        else:
            response = await self.achat(request.messages, **request.options)
            output = request.answer_format.read(response)
        return _report_end(output, output_cls)

    def _structured_stream_call(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        """The objects of :meth:`stream_structured_predict`: growing partial ones, and the valid one."""
        request = self._object_request(output_cls, prompt, prompt_args, llm_kwargs)
        if request is None:
            with _program_errors(output_cls):
                program = _program(self, output_cls, prompt)
                yield from program.stream_call(llm_kwargs=dict(llm_kwargs or {}), **prompt_args)
            return
        objects = StreamedObjects(request.answer_format)
        with closing(self.stream_chat(request.messages, **request.options)) as responses:
            for response in responses:
                output = objects.feed(response)
                if output is not None:
                    yield output

    async def _structured_astream_call(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        """The objects of :meth:`astream_structured_predict`."""
        request = self._object_request(output_cls, prompt, prompt_args, llm_kwargs)
        if request is None:
            with _program_errors(output_cls):
                program = _program(self, output_cls, prompt)
                stream = await program.astream_call(llm_kwargs=dict(llm_kwargs or {}), **prompt_args)
            return _objects_of(stream, output_cls)
        responses = await self.astream_chat(request.messages, **request.options)

        async def objects_of_responses() -> AsyncGenerator[Any, None]:
            objects = StreamedObjects(request.answer_format)
            async with aclosing(responses):
                async for response in responses:
                    output = objects.feed(response)
                    if output is not None:
                        yield output

        return objects_of_responses()

    def as_structured_llm(self, output_cls: type[BaseModel], **kwargs: Any) -> StructuredLLM:
        """An LLM that answers with objects of a class.

        Args:
            output_cls: A pydantic class.
            **kwargs: Fields of :class:`llama_index.core.llms.structured_llm.StructuredLLM`.

        Raises:
            InvalidRequestError: If it is no pydantic class.
        """
        from llama_index_gumloop.structured.structured_llm import GumloopStructuredLLM, ProgramStructuredLLM

        pydantic_class(output_cls)
        kind = GumloopStructuredLLM if self._uses_response_format() else ProgramStructuredLLM
        return kind(llm=self, output_cls=output_cls, **{"callback_manager": self.callback_manager, **kwargs})

    def _uses_response_format(self) -> bool:
        """Whether the model is asked for objects by schema, rather than the framework's way."""
        # Not marked abstract: the framework opens a span for every method that stands in for an abstract one.
        raise NotImplementedError

    def _predicts_by_tool(self) -> bool:
        mode = self.pydantic_program_mode
        return mode == PydanticProgramMode.FUNCTION or (
            mode == PydanticProgramMode.DEFAULT and self.metadata.is_function_calling_model
        )

    def _predicts_by_text(self) -> bool:
        mode = self.pydantic_program_mode
        return mode == PydanticProgramMode.LLM or (
            mode == PydanticProgramMode.DEFAULT and not self.metadata.is_function_calling_model
        )

    def _object_request(
        self,
        output_cls: Any,
        prompt: BasePromptTemplate,
        prompt_args: dict[str, Any],
        llm_kwargs: dict[str, Any] | None,
    ) -> _ObjectRequest | None:
        """What is sent for an object; ``None`` where one of the framework's programs asks."""
        pydantic_class(output_cls)
        given = dict(llm_kwargs or {})
        if self._uses_response_format():
            options = chat_options(given, output_cls)
            return _ObjectRequest(self._structured_messages(prompt, prompt_args), options, output_format(output_cls))
        if self._predicts_by_tool():
            from gumloop_core.writing.thinking import cannot_force_a_call

            answer_format = ToolCallFormat(
                output_cls, is_unforced=cannot_force_a_call(self.metadata.model_name, self._body_options())
            )
            options = self._prepare_chat_with_tools(
                cast("Any", [answer_format.tool]),
                chat_history=self._structured_messages(prompt, prompt_args),
                tool_required=True,
                **without_tool_options(given),
            )
            return _ObjectRequest(options.pop("messages"), options, answer_format)
        if self._predicts_by_text():
            with _program_errors(output_cls):
                prompt = _program(self, output_cls, prompt).prompt  # which describes the class
            return _ObjectRequest(self._structured_messages(prompt, prompt_args), given, TextFormat(output_cls))
        return None

    def _body_options(self) -> dict[str, Any]:
        """The fields of the model that go into the body, where set."""
        raise NotImplementedError

    def _structured_messages(self, prompt: BasePromptTemplate, prompt_args: dict[str, Any]) -> list[ChatMessage]:
        try:
            messages = prompt.format_messages(llm=self, **prompt_args)
        except Exception as error:
            raise InvalidRequestError(
                f"The prompt cannot be made of what was passed for it ({', '.join(prompt_args) or 'nothing'}): "
                f"{type(error).__name__}: {error}"
            ) from error
        return self._extend_messages(messages)


@contextmanager
def _program_errors(output_cls: type[BaseModel]) -> Iterator[None]:
    """Raises what the framework's programs raise as the errors of this module."""
    try:
        yield
    except GumloopError:
        raise
    except Exception as error:
        raise StructuredOutputError(
            f"No {output_cls.__name__} could be made of the answer: {type(error).__name__}: {error}"
        ) from error


async def _objects_of(stream: AsyncGenerator[Any, None], output_cls: type[BaseModel]) -> AsyncGenerator[Any, None]:
    with _program_errors(output_cls):
        async with aclosing(stream):
            async for output in stream:
                yield output


def _program(llm: StructuredPrediction, output_cls: type[Model], prompt: BasePromptTemplate) -> Any:
    return get_program_for_llm(output_cls, prompt, llm, pydantic_program_mode=llm.pydantic_program_mode)


def _report_start(output_cls: Any, prompt: Any, prompt_args: dict[str, Any]) -> None:
    _dispatcher.event(LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args))


def _report_end(output: Any, output_cls: type[Model]) -> Model:
    if not isinstance(output, output_cls):
        raise StructuredOutputError(f"The answer is not the {output_cls.__name__} that was asked for: {output!r}.")
    _dispatcher.event(LLMStructuredPredictEndEvent(output=output))
    return output
