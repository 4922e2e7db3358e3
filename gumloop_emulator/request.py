"""The chat request as the vendor's contract has it: read from a body, checked and typed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field, ValidationError
from typing_extensions import NotRequired

from gumloop_core.wire import JSONObject
from gumloop_emulator import models
from gumloop_emulator.contract import Contract, Name, Text, Whole, by_type, checked, choose, optional, read, shape
from gumloop_emulator.failures import Refused, invalid
from gumloop_emulator.messages import CACHE_CONTROL, Message, check_turns
from gumloop_emulator.models import Model
from gumloop_emulator.schemas import check_schema
from gumloop_emulator.traffic import text_of

# Tools that run at the provider; the vendor's SDK lets these types through.
_SERVER_TOOL = re.compile(r"^(?:openrouter:[a-z_]+|web_search(?:_[a-z0-9_]+)?)$")


def _tool_form(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    kind = value.get("type")
    if kind is None:  # a provider's own tool is named by its only key: {"google_search": {}}
        named = len(value) == 1 and "function" not in value and isinstance(next(iter(value.values())), dict)
        return "server" if named else None
    return "function" if kind == "function" else "server" if _SERVER_TOOL.match(str(kind)) else None


def _choice_form(value: Any) -> str | None:
    if isinstance(value, dict):
        return "named" if value.get("type") == "function" else None
    return "mode" if isinstance(value, str) else None


_Tokens = Annotated[Whole, Field(ge=1, le=10_000_000)]
_Texts = list[Text]
_FUNCTION = shape(name=Name, description=optional(str), parameters=optional(JSONObject), strict=optional(bool))
_TOOL = choose(
    _tool_form,
    "a tool is a function or one of the provider's own",
    "type",
    function=shape(function=_FUNCTION),
    server=JSONObject,
)
_TOOL_CHOICE = choose(
    _choice_form,
    "tool_choice is auto, none, required or a function",
    mode=Literal["auto", "none", "required"],
    named=shape(function=shape(name=Text)),
)
_JSON_SCHEMA = shape(name=Name, schema=JSONObject, description=optional(str), strict=optional(bool))
_RESPONSE_FORMAT = shape(
    type=Literal["text", "json_object", "json_schema", "grammar", "python"], json_schema=NotRequired[_JSON_SCHEMA]
)
_REASONING = shape(
    effort=optional(Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    summary=optional(Literal["auto", "concise", "detailed"]),
    max_tokens=optional(_Tokens),
    enabled=optional(bool),
    exclude=optional(bool),
)
_PROVIDER = shape(
    **dict.fromkeys(("order", "only", "ignore", "quantizations"), optional(_Texts)),
    **dict.fromkeys(("allow_fallbacks", "require_parameters", "zdr"), optional(bool)),
)


class ImageConfig(Contract):
    """What a picture shall be like."""

    size: Annotated[str, Field(pattern=r"^(?:auto|\d{1,4}x\d{1,4}|[124]K)$")] | None = None
    aspect_ratio: Annotated[str, Field(pattern=r"^[1-9]\d?:[1-9]\d?$")] | None = None
    partial_images: Annotated[Whole, Field(ge=0, le=3)] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    quality: str | None = None
    background: str | None = None


class ChatBody(Contract):
    """The body of `POST /chat/completions`."""

    model: Text
    models: _Texts | None = None
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool = False
    stream_options: Annotated[JSONObject, checked(shape(include_usage=optional(bool)))] | None = None
    tools: Annotated[list[Annotated[JSONObject, checked(_TOOL)]], Field(min_length=1)] = []
    tool_choice: Annotated[str | JSONObject, checked(_TOOL_CHOICE)] = "auto"
    parallel_tool_calls: bool | None = None
    response_format: Annotated[JSONObject, checked(_RESPONSE_FORMAT)] = {"type": "text"}
    modalities: Annotated[list[Literal["text", "image", "audio"]], Field(min_length=1)] = []
    image_config: JSONObject = {}
    reasoning: Annotated[JSONObject, checked(_REASONING)] = {}
    max_completion_tokens: _Tokens | None = None
    max_tokens: _Tokens | None = None
    stop: Annotated[str | _Texts, checked(by_type("stop is text or a list", str=Text, list=_Texts))] | None = None
    seed: Whole | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[Whole, Field(ge=0, le=20)] | None = None
    service_tier: str | None = None
    provider: Annotated[JSONObject, checked(_PROVIDER)] | None = None
    plugins: list[Annotated[JSONObject, checked(shape(id=Text))]] | None = None
    cache_control: Annotated[JSONObject, checked(CACHE_CONTROL)] | None = None
    user: str | None = None
    session_id: str | None = None
    metadata: dict[str, str] | None = None
    trace: JSONObject | None = None
    debug: JSONObject | None = None


@dataclass(frozen=True)
class ChatRequest:
    """A chat request after the checks.

    Attributes:
        body: What was asked, typed.
        model: The model that answers.
        fallbacks: The models that answer if that one fails.
        image: What a picture shall be like.
        fingerprint: A digest of what was asked: ids are made from it, so that equal requests get equal ids.
    """

    body: ChatBody
    model: Model
    fallbacks: Sequence[Model]
    image: ImageConfig
    fingerprint: str

    @property
    def functions(self) -> list[JSONObject]:
        """The functions that may be called."""
        return [tool["function"] for tool in self.body.tools if tool.get("type") == "function"]

    @property
    def user_text(self) -> str:
        """The text of the last user message."""
        users = (message for message in reversed(self.body.messages) if message["role"] == "user")
        return next((text_of(message["content"]) for message in users), "")

    @property
    def turn(self) -> list[tuple[int, JSONObject]]:
        """The messages behind the last user message, with their places."""
        numbered = list(enumerate(self.body.messages))
        last = max((place for place, message in numbered if message["role"] == "user"), default=-1)
        return numbered[last + 1 :]

    @property
    def draws(self) -> bool:
        """Whether the answer is a picture."""
        return bool(self.model.draws) and self.body.modalities != ["text"]

    @property
    def thinks(self) -> bool:
        """Whether the answer comes with reasoning."""
        asked = self.body.reasoning
        if self.model.draws or asked.get("enabled") is False or asked.get("effort") == "none":
            return False
        return self.model.thinks or any(asked.get(key) for key in ("enabled", "effort", "max_tokens", "summary"))


def parse_object(raw: bytes) -> JSONObject:
    """Return a body as a JSON object, or raise the refusal that says why it is none."""
    try:
        body = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise invalid("The body is not valid JSON.", None) from None
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.", None)
    return body


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and the infinities, which Python's parser lets through


def parse_chat(raw: JSONObject, *, strict: bool = True) -> ChatRequest:
    """Check a chat request and return it typed.

    Args:
        raw: The body.
        strict: Whether to refuse what breaks the contract; otherwise what cannot be read is left out.
    """
    printable = _printable(raw)
    body = read(ChatBody, printable) if strict else _read_leniently(printable)
    known = [models.find(slug) for slug in (body.model, *(body.models or ()))]
    if strict:
        _check_together(body, known)
    model = known[0] or Model(body.model)
    image = read(ImageConfig, body.image_config, "image_config") if model.draws else ImageConfig()
    asked = [raw.get(key) for key in ("model", "messages", "tools", "seed")]
    fingerprint = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return ChatRequest(body, model, [model for model in known[1:] if model is not None], image, fingerprint)


def _printable(raw: JSONObject) -> JSONObject:
    """Return a body that pydantic can read: halves of surrogate pairs, which clients do send, are replaced."""
    text = json.dumps(raw, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return dict(json.loads(text.encode(errors="replace")))
    return raw


def _check_together(body: ChatBody, known: Sequence[Model | None]) -> None:
    """Raise where fields do not go with each other, or with what there is."""
    for place, model in enumerate(known):
        if model is None:
            param = f"models[{place - 1}]" if place else "model"
            raise invalid(f"{param} is unknown. GET /models lists the models.", param)
    _check_tools(body)
    check_turns(body.messages)
    if known[0] is not None:
        _check_formats(body, known[0])
    if body.stream_options is not None and not body.stream:
        raise invalid("stream_options needs stream: true.", "stream_options")
    if body.top_logprobs is not None and not body.logprobs:
        raise invalid("top_logprobs needs logprobs: true.", "top_logprobs")


def _check_tools(body: ChatBody) -> None:
    names: set[str] = set()
    for position, tool in enumerate(body.tools):
        where = f"tools[{position}].function"
        if tool.get("type") != "function":
            continue
        function = tool["function"]
        if function["name"] in names:
            raise invalid(f"Two tools are named {function['name']!r}.", f"{where}.name")
        names.add(function["name"])
        if parameters := function.get("parameters"):
            if parameters.get("type") != "object":
                raise invalid("A tool's parameters must be a schema of type object.", f"{where}.parameters.type")
            check_schema(parameters, f"{where}.parameters", strict=bool(function.get("strict")))
    if "tool_choice" in body.model_fields_set and not body.tools:
        raise invalid("tool_choice needs tools.", "tool_choice")
    if isinstance(body.tool_choice, dict) and body.tool_choice["function"]["name"] not in names:
        raise invalid("tool_choice names a function that is not among the tools.", "tool_choice.function.name")


def _check_formats(body: ChatBody, model: Model) -> None:
    kind = body.response_format["type"]
    if kind in ("grammar", "python"):
        raise Refused(501, f"The resolved provider does not support response_format {kind}.")
    if kind == "json_schema":
        where = "response_format.json_schema"
        asked = body.response_format.get("json_schema")
        if asked is None:
            raise invalid("response_format json_schema needs json_schema.", where)
        check_schema(asked["schema"], f"{where}.schema", strict=bool(asked.get("strict")))
    if "audio" in body.modalities:
        raise Refused(501, "The resolved provider does not answer with audio.")
    if not model.draws and "image" in body.modalities:
        raise invalid(f"{model.value} is a chat model and cannot answer with images.", "modalities")
    if model.draws == "only" and body.modalities == ["text"]:
        raise invalid(f"{model.value} answers with images only.", "modalities")


def _read_leniently(raw: JSONObject) -> ChatBody:
    """Read what can be read; fields that break the contract count as not sent."""
    needed: JSONObject = {"model": "unnamed", "messages": [{"role": "user", "content": ""}]}
    kept = {**needed, **raw}
    while True:
        try:
            return ChatBody.model_validate(kept)
        except ValidationError as error:
            wrong = {detail["loc"][0] for detail in error.errors()}
        kept = {**needed, **{name: value for name, value in kept.items() if name not in wrong}}
