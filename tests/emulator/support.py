"""What the emulator's tests share: bodies, tools, and asking over HTTP or without it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import httpx

from gumloop_core.emulator import Emulator
from gumloop_core.emulator.checks import parse_call
from gumloop_core.emulator.reply import Reply
from gumloop_core.emulator.rules import respond

MODEL = "claude-sonnet-4-5"
STRING = {"type": "string"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def tool(name: str, description: str = "", /, *, optional: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key not in optional],
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


WEATHER = tool(
    "get_weather",
    "Get the current weather for a city.",
    city=STRING,
    unit={"type": "string", "enum": ["celsius", "fahrenheit"]},
    optional=["unit"],
)
POPULATION = tool("get_population", "The population of a city.", city=STRING)


def body(messages: str | list[dict[str, Any]] = "Hello", **fields: Any) -> dict[str, Any]:
    listed = [user(messages)] if isinstance(messages, str) else messages
    return {"model": MODEL, "messages": listed, **fields}


def ask(messages: str | list[dict[str, Any]], **fields: Any) -> Reply:
    """Ask the rules, without HTTP."""
    return respond(parse_call(json.loads(json.dumps(body(messages, **fields)))))


def calls_of(reply: Reply) -> list[tuple[str, Any]]:
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in reply.tool_calls]


def assistant(reply: Reply) -> dict[str, Any]:
    """Return a reply as the message that a client sends back."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.tool_calls:
        message["tool_calls"] = list(reply.tool_calls)
    if reply.reasoning_details:
        message["reasoning_details"] = [dict(detail) for detail in reply.reasoning_details]
    return message


def run_agent(
    question: str, tools: list[dict[str, Any]], functions: dict[str, Callable[..., object]], **fields: Any
) -> tuple[list[tuple[str, Any]], str]:
    """Let the rules call tools until they answer; return the calls and the answer."""
    messages = [user(question)]
    made: list[tuple[str, Any]] = []
    for _ in range(8):
        reply = ask(messages, tools=tools, **fields)
        if not reply.tool_calls:
            return made, reply.text or ""
        messages.append(assistant(reply))
        for call, (name, arguments) in zip(reply.tool_calls, calls_of(reply), strict=True):
            made.append((name, arguments))
            result = functions[name](**arguments)
            content = result if isinstance(result, str) else json.dumps(result)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    raise AssertionError(f"no answer after eight turns: {made}")


@lru_cache(maxsize=1)
def http() -> httpx.Client:
    """Return the client of all tests: making one takes longer than most of them."""
    return httpx.Client(timeout=20, trust_env=False)


def headers(server: Emulator) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.api_key}", "x-auth-key": server.user_id}


def post(server: Emulator, content: object, **options: Any) -> httpx.Response:
    """Post a chat request; bytes are sent as they are."""
    sent = {"content": content} if isinstance(content, bytes) else {"json": content}
    sent_headers = {**headers(server), **options.pop("headers", {})}
    url = f"{server.base_url}/chat/completions"
    return http().post(url, headers=sent_headers, **sent, **options)


def refusal(server: Emulator, content: object) -> tuple[str | None, str]:
    """Return the `param` and the message of the 400 that a body is refused with."""
    response = post(server, content)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["code"] in ("invalid_request", "provider_rejected")
    return error["param"], error["message"]


def events(response: httpx.Response) -> list[Any]:
    """Return the events of a streamed answer; the last one must be [DONE]."""
    found = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert found[-1] == "[DONE]"
    return [json.loads(item) for item in found[:-1]]


def deltas(chunks: list[Any], key: str) -> Iterator[Any]:
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["delta"].get(key) is not None:
                yield choice["delta"][key]


def text_of(chunks: list[Any]) -> str:
    return "".join(deltas(chunks, "content"))
