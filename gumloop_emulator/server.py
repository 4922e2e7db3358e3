"""The emulator: who may ask what, and where the answers come from."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeAlias

from gumloop_emulator import models
from gumloop_emulator.access import TOKEN_PREFIX, Credentials, Limits
from gumloop_emulator.failures import Refused
from gumloop_emulator.http11 import PREFIX, LocalServer, Response
from gumloop_emulator.reasoning import check_returned
from gumloop_emulator.recording import Recording
from gumloop_emulator.request import ChatRequest, parse_chat, parse_object
from gumloop_emulator.script import Answer, Answering, Json, Script, Scripted
from gumloop_emulator.stand_in import stand_in
from gumloop_emulator.traffic import ReceivedRequest
from gumloop_emulator.usage import check_context
from gumloop_emulator.wire import render

Predicate: TypeAlias = Callable[[ReceivedRequest], bool]

_ROUTES = {"/chat/completions": "POST", "/models": "GET", "/models/route": "POST"}
_RETRY_ELSEWHERE = frozenset({408, 429, 500, 502, 503, 504})


class Emulator(LocalServer):
    """A local endpoint that speaks Gumloop's wire.

    Use it as a context manager, or call `start` and `stop`:

        with Emulator() as server:
            client = Gumloop(server.api_key, user_id=server.user_id, base_url=server.base_url)

    An answer comes from the first of these that has one: what was queued, the rules of `reply`, `answer_with`, what
    was recorded, and a stand-in that calls the offered tools, fills the format, joins the results, or echoes.

    Args:
        credentials: The credentials to accept.
        limits: How much may be asked; without limits by default.
        strict: Whether to refuse bodies that break the vendor's contract.
        chunk_delay: Seconds between the chunks of a stream.
        answer_with: Answers what nothing else was scripted for.
        listening: `host`, `port`, `keep_requests`, `tls`, `on_connect`.
    """

    def __init__(
        self,
        *,
        credentials: Credentials | None = None,
        limits: Limits | None = None,
        strict: bool = True,
        chunk_delay: float = 0.0,
        answer_with: Answering | None = None,
        **listening: Any,
    ) -> None:
        super().__init__(**listening)
        self.credentials = known = credentials or Credentials()
        self.api_key, self.user_id, self.team_id = known.api_key, known.user_id, known.team_id
        self.access_token = TOKEN_PREFIX + "emulator"  # accepted by itself
        self.strict, self.chunk_delay, self.answer_with = strict, chunk_delay, answer_with
        self.limits = limits or Limits()
        self._scripts = threading.Lock()
        self._queue: list[tuple[Script, Predicate, bool]] = []
        self._rules: list[tuple[Script, Predicate]] = []
        self._recording: Recording | None = None
        self._served = 0

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point a client here."""
        hosts = dict.fromkeys(("GUMLOOP_BASE_URL", "GUMLOOP_STREAM_BASE_URL"), self.base_url)
        return {"GUMLOOP_API_KEY": self.api_key, "GUMLOOP_USER_ID": self.user_id, **hosts}

    # What it shall answer.

    def queue(self, *scripts: Script, when: Predicate | None = None, unchecked: bool = False) -> None:
        """Queue answers that are given once each, in order.

        Args:
            scripts: Texts, answers, exact bodies or streams, failures, drops, or functions that answer.
            when: Serve them only to requests for which this holds; chat requests by default.
            unchecked: Serve them without checking credentials, limits and body.
        """
        with self._scripts:
            self._queue += [(script, when or attrgetter("is_chat"), unchecked) for script in scripts]

    def reply(
        self, script: Script, *, to: str | None = None, after: str | None = None, when: Predicate | None = None
    ) -> None:
        """Answer every chat request that meets all conditions given; of several such rules the first one counts.

        Args:
            script: As for `queue`.
            to: What the last user message must contain. Unless `after` is given too, the rule then counts until a
                tool has answered that message.
            after: The tool that must have answered since the last user message.
            when: What must hold for the request.
        """

        def matches(request: ReceivedRequest) -> bool:
            tools = [name for name, _ in request.tool_results]
            meant = to is None or (to in request.user_text and (after is not None or not tools))
            return request.is_chat and meant and (after is None or after in tools) and (when is None or when(request))

        with self._scripts:
            self._rules.append((script, matches))

    def replay(self, path: str | Path, **options: Any) -> None:
        """Answer as was recorded (see `Recorder`), until `clear`; nothing else is checked then.

        Args:
            path: The file of recorded exchanges.
            options: `ignore`, `pace` and `refuse` of `Recording`.
        """
        self._recording = Recording.load(path, **options)

    @property
    def queued(self) -> int:
        """How many queued answers have not been given yet."""
        return len(self._queue)

    def clear(self) -> None:
        """Forget requests, totals, and all that was queued, ruled and recorded."""
        super().clear()
        with self._scripts:
            self._queue.clear()
            self._rules.clear()
            self._recording = None

    # How it answers.

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        try:
            script = self._next(request, unchecked=True)
            if script is not None:
                chat = _read_leniently(request)
                return self._render(await _answered(script, request) or stand_in(chat), chat)
            if self._recording is not None:
                return await self._replayed(request, self._recording)
            self._check_access(request)
            if not request.is_chat:
                return await self._checked(request)
            self.limits.enter()
            try:
                return replace(await self._checked(request), finished=self.limits.leave)
            except BaseException:
                self.limits.leave()
                raise
        except Refused as refusal:
            return self._render(refusal.failure, _read_leniently(request))

    async def _replayed(self, request: ReceivedRequest, recording: Recording) -> Response:
        chat = _read_leniently(request)
        answer = await self._scripted(request)
        recorded = recording.respond(request) if answer is None else None
        return recorded or self._render(answer or _unscripted(request, chat), chat)

    async def _checked(self, request: ReceivedRequest) -> Response:
        strict = self.strict and request.is_chat
        chat = parse_chat(parse_object(request.body)) if strict else _read_leniently(request)
        return self._render(await self._scripted(request) or _unscripted(request, chat), chat)

    def _check_access(self, request: ReceivedRequest) -> None:
        path = request.path.rstrip("/").removeprefix(PREFIX)
        method = _ROUTES.get(path)
        if method is None:
            raise Refused(404, f"There is nothing at {request.path}.")
        if request.method != method:
            raise Refused(405, f"{path} answers {method} only.")
        body = request.json if isinstance(request.json, dict) and not request.is_chat else {}
        team = body.get("team_id") or request.query.get("team_id")
        self.credentials.check(request.headers, str(team) if team else None, api_host=not request.is_chat)

    def _next(self, request: ReceivedRequest, *, unchecked: bool) -> Script | None:
        """Return the first queued answer that is meant for a request, and remove it from the queue."""
        with self._scripts:
            place = next((place for place, (_, when, _) in enumerate(self._queue) if when(request)), None)
            # An answer further back must not overtake the one that is next.
            if place is None or self._queue[place][2] != unchecked:
                return None
            return self._queue.pop(place)[0]

    async def _scripted(self, request: ReceivedRequest) -> Scripted | None:
        queued = self._next(request, unchecked=False)
        with self._scripts:
            scripts = [queued, *(script for script, matches in self._rules if matches(request))]
        if request.is_chat:
            scripts.append(self.answer_with)
        for script in scripts:
            if script is not None and (answer := await _answered(script, request)) is not None:
                return answer
        return None

    def _render(self, answer: Scripted, chat: ChatRequest) -> Response:
        self._served += 1
        return render(answer, chat, self._served, self.chunk_delay)


def _unscripted(request: ReceivedRequest, chat: ChatRequest) -> Scripted:
    """Return an answer of the emulator's own; a model that fails is replaced by the next one of `models`."""
    if not request.is_chat:
        return Json(models.route(parse_object(request.body)) if request.method == "POST" else models.groups())
    model, *others = chat.model, *chat.fallbacks
    while others and model.failure is not None and model.failure.status in _RETRY_ELSEWHERE:
        model, *others = others
    if model.failure is not None:
        return model.failure
    chat = replace(chat, model=model)
    check_context(chat)
    check_returned(chat)
    return replace(stand_in(chat), model=model.value)


def _read_leniently(request: ReceivedRequest) -> ChatRequest:
    return parse_chat(request.json if isinstance(request.json, dict) else {}, strict=False)


async def _answered(script: Script, request: ReceivedRequest) -> Scripted | None:
    """Return what a script answers, asking it where it is a function."""
    answer: Any = script(request) if callable(script) else script
    answer = await answer if inspect.isawaitable(answer) else answer
    return Answer(answer) if isinstance(answer, str) else answer
