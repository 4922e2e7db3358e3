"""The object of a structured answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatResponse
from pydantic import BaseModel

from gumloop_core.json_text import encode
from llama_index_gumloop.errors import LengthLimitError, RefusalError, StructuredOutputError

if TYPE_CHECKING:
    from gumloop_core.structured import Problem

_PROBLEMS: dict[Problem, type[StructuredOutputError]] = {
    "refusal": RefusalError,
    "content_filter": RefusalError,
    "length": LengthLimitError,
}

_ADVICE: dict[Problem, str] = dict.fromkeys(
    ("empty", "not_json"), " Choose a model that keeps to schemas, or pydantic_program_mode='function'."
)


def read_object(output_cls: type[BaseModel], response: ChatResponse, text: str) -> Any:
    """The JSON document of an object in a text of a response.

    Raises:
        RefusalError: If the model refused, or a filter stopped it.
        LengthLimitError: If the answer was cut off.
        StructuredOutputError: If there is none otherwise.
    """
    from gumloop_core.structured import read_document

    document = read_document(
        text,
        response.additional_kwargs.get("finish_reason"),
        refusal=response.message.additional_kwargs.get("refusal"),
        root_type="object",
    )
    if document.problem is None:
        return document.value
    raise _PROBLEMS.get(document.problem, StructuredOutputError)(
        f"The answer is not the {output_cls.__name__} that was asked for. "
        f"{document.reason}{_ADVICE.get(document.problem, '')}",
        response=response,
    )


def make_object(output_cls: type[BaseModel], response: ChatResponse, value: Any) -> BaseModel:
    """Make an object of a document.

    Raises:
        StructuredOutputError: If it does not fit the class.
    """
    try:
        return output_cls.model_validate_json(encode(value))
    except Exception as error:  # a class's own validators raise what they like
        raise StructuredOutputError(
            f"The answer does not make a valid {output_cls.__name__}: {error}", response=response
        ) from error
