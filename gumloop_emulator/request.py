"""The chat request: read from a body, checked by the contract, and asked for what it wants."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ValidationError

from gumloop_core.wire import JSONObject
from gumloop_emulator import models
from gumloop_emulator.contract import check_schema, read, validator
from gumloop_emulator.failures import Refused, invalid
from gumloop_emulator.models import Model
from gumloop_emulator.traffic import last_turn

# Tools that run at the provider; the vendor's SDK lets these types through.
_SERVER_TOOL = re.compile(r"openrouter:[a-z_]+|web_search(?:_[a-z0-9_]+)?")


@dataclass(frozen=True)
class ChatRequest:
    """A chat request after the checks."""

    body: JSONObject
    model: Model
    fallbacks: Sequence[Model]  # the models that answer if that one fails
    fingerprint: str  # a digest of what was asked; ids are made from it, so that equal requests get equal ids

    @property
    def functions(self) -> list[JSONObject]:
        """The functions that may be called."""
        functions = (tool.get("function") for tool in self.body.get("tools", ()) if tool.get("type") == "function")
        return [function for function in functions if isinstance(function, dict) and "name" in function]

    @property
    def user_text(self) -> str:
        """The text of the last user message."""
        return last_turn(self.body["messages"])[0]

    @property
    def turn(self) -> list[tuple[int, JSONObject]]:
        """The messages behind the last user message, with their places."""
        return last_turn(self.body["messages"])[1]

    @property
    def draws(self) -> bool:
        """Whether the answer is a picture."""
        return bool(self.model.draws) and self.body.get("modalities") != ["text"]

    @property
    def thinks(self) -> bool:
        """Whether the answer comes with reasoning."""
        asked = self.body.get("reasoning", {})
        if self.model.draws or asked.get("enabled") is False or asked.get("effort") == "none":
            return False
        return self.model.thinks or any(asked.get(key) for key in ("enabled", "effort", "max_tokens", "summary"))


def parse_object(raw: bytes) -> JSONObject:
    """Return a body as a JSON object, or raise the refusal that says why it is none."""
    try:
        body = json.loads(raw, parse_constant=int)  # NaN and the infinities are no JSON, and no integers
    except (ValueError, RecursionError):
        raise invalid("The body is not valid JSON.", None) from None
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.", None)
    return body


def parse_chat(raw: JSONObject, *, strict: bool = True) -> ChatRequest:
    """Check a chat request; if not strictly, what breaks the contract counts as not sent."""
    asked = [raw.get(key) for key in ("model", "messages", "tools", "seed")]
    fingerprint = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    # pydantic reads no halves of surrogate pairs, which clients do send.
    printable = json.loads(json.dumps(raw, ensure_ascii=False).encode(errors="replace"))
    body: JSONObject = read("Chat", printable) if strict else _read_leniently(printable)
    known = [models.find(slug) for slug in (body["model"], *(body.get("models") or ()))]
    if strict:
        _check_together(body, known)
    return ChatRequest(body, known[0] or Model(body["model"]), list(filter(None, known[1:])), fingerprint)


def _read_leniently(raw: JSONObject) -> Any:
    needed: JSONObject = {"model": "unnamed", "messages": [{"role": "user", "content": ""}]}
    kept = {**needed, **raw}
    while True:
        try:
            return validator("Chat").validate_python(kept, strict=True)
        except ValidationError as error:
            wrong = {detail["loc"][0] for detail in error.errors()}
        kept = {**needed, **{name: value for name, value in kept.items() if name not in wrong}}


def _check_together(body: JSONObject, known: Sequence[Model | None]) -> None:
    """Raise where fields do not go with each other, or with what there is."""
    for place, model in enumerate(known):
        if model is None:
            param = f"models[{place - 1}]" if place else "model"
            raise invalid(f"{param} is unknown. GET /models lists the models.", param)
        if not place:
            _check_formats(body, model)
    _check_tools(body)
    _check_turns(body["messages"])
    if body.get("stream_options") is not None and not body.get("stream"):
        raise invalid("stream_options needs stream: true.", "stream_options")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise invalid("top_logprobs needs logprobs: true.", "top_logprobs")


def _check_tools(body: JSONObject) -> None:
    names: set[str] = set()
    for position, tool in enumerate(body.get("tools", ())):
        where, kind = f"tools[{position}]", tool.get("type")
        # A provider's own tool is named by its only key: {"google_search": {}}
        own = len(tool) == 1 and "function" not in tool and all(isinstance(value, dict) for value in tool.values())
        if own or _SERVER_TOOL.fullmatch(str(kind)):
            continue
        if kind != "function":
            raise invalid(f"{where} is no function and no tool of a provider's.", f"{where}.type")
        function = read("FunctionTool", tool, where)["function"]
        if function["name"] in names:
            raise invalid(f"Two tools are named {function['name']!r}.", f"{where}.function.name")
        names.add(function["name"])
        where, parameters = f"{where}.function.parameters", function.get("parameters")
        if parameters and parameters.get("type") != "object":
            raise invalid("A tool's parameters must be a schema of type object.", f"{where}.type")
        if parameters:
            check_schema(parameters, where, strict=bool(function.get("strict")))
    choice = body.get("tool_choice")
    if choice is not None and "tools" not in body:
        raise invalid("tool_choice needs tools.", "tool_choice")
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise invalid("tool_choice names a function that is not among the tools.", "tool_choice.function.name")


def _check_formats(body: JSONObject, model: Model) -> None:
    form, modalities = body.get("response_format", {}), body.get("modalities", [])
    kind, where = form.get("type"), "response_format.json_schema"
    if kind in ("grammar", "python"):
        raise Refused(501, f"The resolved provider does not support response_format {kind}.")
    if kind == "json_schema" and "json_schema" not in form:
        raise invalid("response_format json_schema needs json_schema.", where)
    if kind == "json_schema":
        asked = form["json_schema"]
        check_schema(asked["schema"], f"{where}.schema", strict=bool(asked.get("strict")))
    if "audio" in modalities:
        raise Refused(501, "The resolved provider does not answer with audio.")
    if not model.draws and "image" in modalities:
        raise invalid(f"{model.value} is a chat model and cannot answer with images.", "modalities")
    if model.draws == "only" and modalities == ["text"]:
        raise invalid(f"{model.value} answers with images only.", "modalities")
    if model.draws:  # chat models ignore what it says
        body["image_config"] = read("ImageConfig", body.get("image_config", {}), "image_config")


def _check_turns(messages: Sequence[JSONObject]) -> None:
    """Raise unless every call is answered once, right after the message that made it."""
    known: set[str] = set()
    pending: dict[str, str] = {}  # call id -> where the call is
    for index, message in enumerate([*messages, {"role": "end"}]):
        if message["role"] == "tool":
            identifier = message["tool_call_id"]
            if pending.pop(identifier, None) is None:
                says = "no call of the assistant message before it has that id and waits for a result"
                raise invalid(f"{identifier!r} is answered, but {says}.", f"messages[{index}].tool_call_id")
            continue
        for identifier, place in pending.items():
            raise invalid(f"The tool call {identifier!r} has no tool message with its result right after it.", place)
        for position, call in enumerate(message.get("tool_calls") or ()):
            place = f"messages[{index}].tool_calls[{position}].id"
            if call["id"] in known:
                raise invalid(f"The tool call id {call['id']!r} is used twice.", place)
            known.add(call["id"])
            pending[call["id"]] = place
