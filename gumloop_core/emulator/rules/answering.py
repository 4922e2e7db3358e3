"""The order of the rules: pictures, tool calls, structured output, text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from gumloop_core.emulator import models
from gumloop_core.emulator.call import Call
from gumloop_core.emulator.reply import Reply, call_body
from gumloop_core.emulator.rules.chat import plain_answer
from gumloop_core.emulator.rules.choosing import Wanted, choose
from gumloop_core.emulator.rules.identity import call_identifier
from gumloop_core.emulator.rules.limits import cut
from gumloop_core.emulator.rules.pictures import draw
from gumloop_core.emulator.rules.prompts import answer_prompt, read_context, standalone_question
from gumloop_core.emulator.rules.react import react_answer
from gumloop_core.emulator.rules.reasoning import (
    check_returned,
    seal_details,
    signed_details,
    thinks,
    visible_text,
)
from gumloop_core.emulator.rules.request import Request, read
from gumloop_core.emulator.rules.results import answer_from_results
from gumloop_core.emulator.rules.structured import fill_schema, json_answer
from gumloop_core.emulator.rules.tasks import special_task
from gumloop_core.emulator.rules.usage import check_context, count_usage

_SHOWN = 120  # characters of a request that the reasoning repeats


def respond(call: Call) -> Reply:
    """Return the answer to a checked request.

    Raises:
        ProviderRejectedError: The prompt is too long, or signed reasoning did not come back intact.
    """
    check_context(call)
    check_returned(call)
    model = models.find(call.model)
    if model is not None and model.kind == "image" and list(call.modalities) != ["text"]:
        reply = _picture(call, draws_only=model.draws_only)
    else:
        reply = _decide(call)
    reply = _special(cut(reply, call), call.model)
    usage = None if call.model == "emulator/no-usage" else count_usage(reply, call)
    return replace(reply, usage=usage)


def text_answer(call: Call) -> str:
    """Return the text answer to a request: a form of its own, results, a context, plain chat."""
    request = read(call)
    user, system = request.text, call.system_text()
    before = [m.text for m in call.messages[: max(call.last_user_index(), 0)] if m.role in ("user", "assistant")]
    rewritten = standalone_question(user, system, before)
    if rewritten is not None:
        return rewritten
    told = answer_from_results(request)
    if told is not None:
        return told
    task = special_task(user)
    if task is not None:
        return task
    prompt = read_context(user, system)
    answer = answer_prompt(prompt) if prompt is not None else None
    return answer if answer is not None else plain_answer(call, request)


def _decide(call: Call) -> Reply:
    request = read(call)
    if call.model == "emulator/echo":
        return Reply(text=request.text)

    def answer() -> str:
        return text_answer(call)

    wanted = choose(call, request, answer)
    if wanted:
        return _calls(call, request, _shaped(call, request, wanted))
    text = react_answer(call, text_answer)
    if text is None:
        text = json_answer(call, request, answer)
    if text is None:
        text = answer()
    reply = Reply(text=text, extensions=_extensions(call, request))
    return _with_reasoning(reply, call, request, "I can answer this directly.")


def _shaped(call: Call, request: Request, wanted: Sequence[Wanted]) -> list[Wanted]:
    """Fill the arguments of selector tools by what the selector prompt wants chosen."""
    tools = {tool.name: tool for tool in call.tools}
    shaped = []
    for one in wanted:
        properties = tools[one.name].parameters.get("properties", {})
        if {"index", "reason"} <= set(properties) or "selections" in properties:
            value = fill_schema(tools[one.name].parameters, request, lambda: text_answer(call))
            one = replace(one, arguments=value) if isinstance(value, dict) else one
        shaped.append(one)
    return shaped


def _calls(call: Call, request: Request, wanted: Sequence[Wanted]) -> Reply:
    names = ", ".join(dict.fromkeys(one.name for one in wanted))
    reply = _with_reasoning(Reply(), call, request, f"I will call {names}.")
    seal = seal_details(reply.reasoning_details)
    bodies = [
        call_body(
            call_identifier(call.fingerprint, position, one.name, seal),
            one.name,
            json.dumps(one.arguments, ensure_ascii=False),
        )
        for position, one in enumerate(wanted)
    ]
    interleaved = call.model == "emulator/interleaved-calls"
    return replace(reply, tool_calls=bodies, finish_reason="tool_calls", interleaved=interleaved)


def _with_reasoning(reply: Reply, call: Call, request: Request, plan: str) -> Reply:
    if not thinks(call):
        return reply
    text = request.text if len(request.text) <= _SHOWN else request.text[:_SHOWN].rsplit(" ", 1)[0] + " …"
    known = f" I have {len(request.answered)} tool results." if request.answered else ""
    details = signed_details(f"The user wrote: {text}.{known} {plan}", call.model)
    return replace(reply, reasoning=visible_text(details), reasoning_details=details)


def _picture(call: Call, *, draws_only: bool) -> Reply:
    prompt = call.last_user_text()
    frames, picture = draw(prompt, call.image_config)
    text = None if draws_only or list(call.modalities) == ["image"] else "Here is the picture."
    return Reply(text=text, images=[picture], partial_images=frames)


def _extensions(call: Call, request: Request) -> dict[str, object] | None:
    """Return the citations that a provider's own search would bring."""
    searched = next((name for name in call.server_tools if "web" in name), None)
    if searched is None:
        return None
    citation = {"url": "https://example.com/search", "title": "A search result", "query": request.text}
    return {"tool_results": [{"tool": searched, "citations": [citation]}]}


def _special(reply: Reply, model: str) -> Reply:
    """Give an answer the trait that a model of the emulator shows."""
    if model == "emulator/refusal":
        return Reply(text=None, refusal="I cannot help with that.", finish_reason="stop")
    if model == "emulator/content-filter":
        return replace(reply, text=(reply.text or "")[:10], finish_reason="content_filter")
    if model == "emulator/stream-error":
        return replace(reply, error=(402, "budget exceeded"))
    if model == "emulator/stream-truncated":
        return replace(reply, truncated=True)
    return reply
