"""The emulator: who may ask what, and where the answers come from."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from gumloop_emulator import models
from gumloop_emulator.access import TOKEN_PREFIX, Credentials, Limits, Turnstile
from gumloop_emulator.failures import Refused, refused
from gumloop_emulator.http11 import Response
from gumloop_emulator.local_server import PREFIX, LocalServer
from gumloop_emulator.reasoning import check_returned
from gumloop_emulator.recording import Recording
from gumloop_emulator.rendering import render
from gumloop_emulator.request import ChatRequest, parse_chat, parse_object
from gumloop_emulator.routing import route
from gumloop_emulator.script import Answer, Answering, Failure, Json, Script, Scripted
from gumloop_emulator.stand_in import stand_in
from gumloop_emulator.traffic import ReceivedRequest
from gumloop_emulator.usage import check_context

Predicate = Callable[[ReceivedRequest], bool]

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
        self.credentials = credentials or Credentials()
        self.strict = strict
        self.chunk_delay = chunk_delay
        self.answer_with = answer_with
        self._turnstile = Turnstile(limits or Limits())
        self._scripts = threading.Lock()
        self._queue: list[tuple[Script, Predicate | None, bool]] = []
        self._rules: list[tuple[Predicate, Script]] = []
        self._recording: Recording | None = None
        self._served = 0

    @property
    def api_key(self) -> str:
        """An API key that is accepted together with `user_id`."""
        return self.credentials.api_key

    @property
    def access_token(self) -> str:
        """An OAuth access token that is accepted by itself."""
        return f"{TOKEN_PREFIX}emulator"

    @property
    def user_id(self) -> str:
        """The user id that goes with the keys."""
        return self.credentials.user_id

    @property
    def team_id(self) -> str:
        """The team of the team key."""
        return self.credentials.team_id

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point a client here."""
        return {
            "GUMLOOP_API_KEY": self.api_key,
            "GUMLOOP_USER_ID": self.user_id,
            "GUMLOOP_BASE_URL": self.base_url,
            "GUMLOOP_STREAM_BASE_URL": self.base_url,
        }

    # What it shall answer.

    def queue(self, *scripts: Script, when: Predicate | None = None, unchecked: bool = False) -> None:
        """Queue answers that are given once each, in order.

        Args:
            scripts: Texts, answers, exact bodies or streams, failures, drops, or functions that answer.
            when: Serve them only to requests for which this holds; chat requests by default.
            unchecked: Serve them without checking credentials, limits and body.
        """
        with self._scripts:
            self._queue += [(script, when, unchecked) for script in scripts]

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
            results = request.tool_results
            return (
                request.is_chat
                and (to is None or (to in request.user_text and (after is not None or not results)))
                and (after is None or any(name == after for name, _ in results))
                and (when is None or when(request))
            )

        with self._scripts:
            self._rules.append((matches, script))

    def replay(
        self,
        path: str | Path,
        *,
        ignore: Collection[str] = (),
        pace: bool = False,
        unmatched: Literal["refuse", "stand-in"] = "refuse",
    ) -> None:
        """Answer as was recorded (see `Recorder`), until `clear`; nothing is checked then but whether it is the same.

        Args:
            path: The file of recorded exchanges.
            ignore: Fields of the body in which requests may differ, `metadata` or `messages[0].content` for example.
            pace: Whether to stream at the recorded pace instead of at once.
            unmatched: Whether another request is refused with a 404 that says what differed, or given to the
                stand-in.
        """
        self._recording = Recording.load(path, ignore=ignore, pace=pace, refuse=unmatched == "refuse")

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
            if script is None:
                return await self._respond(request)
            answer, chat = await _answered(script, request), _leniently(request)
            return self._render(answer or stand_in(chat), chat)
        except Refused as refusal:
            return self._render(refusal.failure, _leniently(request))

    def unreadable(self, status: int, message: str) -> Response:
        """Answer what cannot be read as a request."""
        return self._render(Failure(status, message), parse_chat({}, strict=False))

    async def _respond(self, request: ReceivedRequest) -> Response:
        recording, path = self._recording, request.path.rstrip("/").removeprefix(PREFIX)
        if recording is None:
            _check_route(request, path)
            self._check_access(request, api_host=not request.is_chat)
        leave = self._turnstile.enter() if request.is_chat else None
        try:
            strict = self.strict and recording is None and request.is_chat
            chat = parse_chat(parse_object(request.body)) if strict else _leniently(request)
            answer = await self._scripted(request)
            if answer is None and recording is not None:
                response = recording.respond(request)
                if response is not None:
                    return replace(response, finished=leave or response.finished)
            if answer is None:
                answer = self._own(request, path, chat)
        except BaseException:
            if leave is not None:
                leave()
            raise
        response = self._render(answer, chat)
        return replace(response, finished=leave) if leave is not None else response

    def _check_access(self, request: ReceivedRequest, *, api_host: bool) -> None:
        body = request.json if isinstance(request.json, dict) and api_host else {}
        named = body.get("team_id") or request.query.get("team_id")
        team = named if isinstance(named, str) else None
        self.credentials.check(request.headers, team, api_host=api_host)

    def _next(self, request: ReceivedRequest, *, unchecked: bool) -> Script | None:
        """Return the first queued answer that is meant for a request, and remove it from the queue."""
        with self._scripts:
            for position, (script, when, is_unchecked) in enumerate(self._queue):
                if not (when(request) if when else request.is_chat):
                    continue
                # An answer further back must not overtake the one that is next.
                if is_unchecked != unchecked:
                    return None
                del self._queue[position]
                return script
        return None

    async def _scripted(self, request: ReceivedRequest) -> Scripted | None:
        queued = self._next(request, unchecked=False)
        with self._scripts:
            scripts = [queued] if queued is not None else []
            scripts += [script for matches, script in self._rules if matches(request)]
        if self.answer_with is not None and request.is_chat:
            scripts.append(self.answer_with)
        for script in scripts:
            answer = await _answered(script, request)
            if answer is not None:
                return answer
        return None

    def _own(self, request: ReceivedRequest, path: str, chat: ChatRequest) -> Scripted:
        """Return the answer that nobody had to script; a model that fails is replaced by the next one of `models`."""
        if path == "/models":
            return Json({"model_groups": models.groups()})
        if path == "/models/route":
            return Json(route(parse_object(request.body)))
        candidates = [chat.model, *chat.fallbacks]
        while len(candidates) > 1 and candidates[0].failure and candidates[0].failure.status in _RETRY_ELSEWHERE:
            del candidates[0]
        if candidates[0].failure is not None:
            return candidates[0].failure
        chat = replace(chat, model=candidates[0])
        check_context(chat)
        check_returned(chat)
        return replace(stand_in(chat), model=chat.model.slug)

    def _render(self, answer: Scripted, chat: ChatRequest) -> Response:
        self._served += 1
        return render(answer, chat, self._served, self.chunk_delay)


def _check_route(request: ReceivedRequest, path: str) -> None:
    method = _ROUTES.get(path)
    if method is None:
        raise refused(404, f"There is nothing at {request.path}.")
    if request.method != method:
        raise refused(405, f"{request.path} answers {method} only.")


def _leniently(request: ReceivedRequest) -> ChatRequest:
    return parse_chat(request.json if isinstance(request.json, dict) else {}, strict=False)


async def _answered(script: Script, request: ReceivedRequest) -> Scripted | None:
    """Return what a script answers, asking it where it is a function."""
    answer: Any = script(request) if callable(script) else script
    if inspect.isawaitable(answer):
        answer = await answer
    return Answer(answer) if isinstance(answer, str) else answer
