"""``with_structured_output``: a model that is asked for an object, and the parser that makes it of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import is_dataclass
from typing import Any, Generic, Literal, TypeAlias, TypedDict, TypeVar, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import AddableDict, Runnable, RunnableConfig, RunnableGenerator, RunnableMap

from gumloop_core.errors import InvalidRequestError
from gumloop_core.http.sending_options import settle_names
from gumloop_core.writing.body import merge_options
from gumloop_core.writing.thinking import cannot_force_a_call
from langchain_gumloop.structured.output_format import answer_schema, can_be_traced, response_format_of, strict_schema
from langchain_gumloop.structured.parser import StructuredAnswerParser
from langchain_gumloop.structured.partial_objects import whole_answer
from langchain_gumloop.tools import AnyTool

_T = TypeVar("_T")

Method: TypeAlias = Literal["json_schema", "function_calling", "json_mode"]
"""How the answer is held to the schema: by the endpoint, as the arguments of a tool, or by asking for JSON alone."""

METHODS = ("json_schema", "function_calling", "json_mode")


class StructuredAnswer(TypedDict, Generic[_T]):
    """What comes with ``include_raw=True``.

    Attributes:
        raw: The answer as it came.
        parsed: The object; ``None`` if it could not be made.
        parsing_error: Why it could not; ``None`` if it could.
    """

    raw: AIMessage
    parsed: _T | None
    parsing_error: BaseException | None


def structured_output(
    llm: BaseChatModel,
    schema: Any,
    method: str,
    *,
    include_raw: bool,
    strict: bool | None,
    tools: Sequence[AnyTool] | None,
    options: dict[str, Any],
) -> Runnable[Any, Any]:
    """The runnable of ``with_structured_output``, whose arguments these are.

    Args:
        llm: The model.
        schema: What the answer is to be; ``None`` for any JSON.
        method: One of :data:`METHODS`.
        include_raw: Whether to hand out the message and the parsing error beside the object.
        strict: Whether the endpoint must keep to the schema to the letter.
        tools: Tools that the model may call before it answers.
        options: Other options of a call.

    Raises:
        InvalidRequestError: If these make no sense together, or the schema cannot be asked for.
    """
    if method not in METHODS:
        raise InvalidRequestError(f"method must be one of {', '.join(METHODS)}, not {method!r}.")
    if schema is None and method != "json_mode":
        raise InvalidRequestError(f"The method {method!r} needs a schema.")
    if strict is not None and method == "json_mode":
        raise InvalidRequestError("strict has no meaning with the method 'json_mode', which sends no schema.")
    given: Any = tools or []
    wanted = None if schema is None else answer_schema(schema)
    parser = StructuredAnswerParser(answer_schema=wanted)
    traced = wanted.schema if wanted is not None and is_dataclass(schema) else schema  # LangChain reads no dataclass
    if can_be_traced(traced):
        options["ls_structured_output_format"] = {"kwargs": {"method": method, "strict": strict}, "schema": traced}
    if wanted is None or method == "json_mode":
        model = llm.bind_tools(given, response_format={"type": "json_object"}, strict=strict, **options)
    elif method == "json_schema":
        sent = strict_schema(wanted, strict)
        parser.strict = sent is not None
        response_format = response_format_of(wanted, sent)
        model = llm.bind_tools(given, response_format=response_format, strict=strict, **options)
    else:
        sent = strict_schema(wanted, strict) if strict else None
        parser.strict, parser.tool_name = sent is not None, wanted.name
        parser.is_unforced = _cannot_force_a_call(llm, options)
        function = {
            "name": wanted.name,
            "description": wanted.description or "",
            "parameters": sent or wanted.schema,
        }
        choice = "any" if tools else wanted.name
        model = llm.bind_tools([function, *given], tool_choice=choice, strict=strict, **options)
    return with_raw(model, parser) if include_raw else model | parser


def _cannot_force_a_call(llm: BaseChatModel, options: dict[str, Any]) -> bool:
    fields = dict(llm._identifying_params)
    model = fields.pop("model")
    call = dict(options)
    settle_names(call)
    merged = merge_options(fields, call)
    return cannot_force_a_call(str(merged.get("model", model)), merged)


def with_raw(model: Runnable[Any, Any], parser: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The runnable for ``include_raw``: the message, the object, and the error in place of raising it."""
    parsing = _RawParsing(parser)
    # Functions that stream: LangChain's own fallbacks only hold up to the first part of a streamed answer.
    transforms = cast("Any", parsing.parsed), cast("Any", parsing.aparsed)
    return RunnableMap(raw=model) | RunnableGenerator[Any, Any](*transforms)


class _RawParsing:
    """Parses a message that is kept. Of a class, so that it can be pickled, which functions in functions cannot.

    Args:
        parser: Makes the object.
    """

    def __init__(self, parser: Runnable[Any, Any]) -> None:
        self._parser = parser

    def parsed(self, answers: Iterator[Any], config: RunnableConfig) -> Iterator[AddableDict]:
        """The message, then the object or the error."""
        raw = whole_answer([answer["raw"] for answer in answers])
        yield AddableDict(raw=raw)
        try:
            made = self._parser.invoke(raw, config)
        except Exception as error:  # also what a class's own validators raise
            yield AddableDict(parsed=None, parsing_error=error)
        else:
            yield AddableDict(parsed=made, parsing_error=None)

    async def aparsed(self, answers: AsyncIterator[Any], config: RunnableConfig) -> AsyncIterator[AddableDict]:
        """As :meth:`parsed`, asynchronously."""
        raw = whole_answer([answer["raw"] async for answer in answers])
        yield AddableDict(raw=raw)
        try:
            made = await self._parser.ainvoke(raw, config)
        except Exception as error:
            yield AddableDict(parsed=None, parsing_error=error)
        else:
            yield AddableDict(parsed=made, parsing_error=None)
