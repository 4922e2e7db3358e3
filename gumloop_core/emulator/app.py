"""The three endpoints, and what comes before them: size, record, credentials, checks, script."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gumloop_core.emulator import models
from gumloop_core.emulator.call import Call
from gumloop_core.emulator.checks import parse_body, parse_call
from gumloop_core.emulator.credentials import Credentials
from gumloop_core.emulator.delivery import Delivery
from gumloop_core.emulator.failures import SHAPES, ApiError, FieldError, render
from gumloop_core.emulator.recording import Journal, RecordedRequest
from gumloop_core.emulator.rendering import Renderer
from gumloop_core.emulator.routing import route
from gumloop_core.emulator.rules import respond

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/api/v1"
MAX_BODY_BYTES = 64 * 1024 * 1024

_RETRY_ELSEWHERE = frozenset({408, 429, 500, 502, 503, 504})


@dataclass
class Endpoint:
    """Answers requests; one for a server."""

    credentials: Credentials
    journal: Journal
    renderer: Renderer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        from starlette.requests import ClientDisconnect, Request

        try:
            delivery = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return
        await delivery(scope, receive, send)

    async def _answer(self, request: Request) -> Delivery:
        try:
            recorded = await self._record(request)
            scripted = self.journal.take(recorded, unchecked=True)
            if scripted is not None:
                return self.renderer.scripted(scripted, None)
            return self._dispatch(recorded)
        except ApiError as failure:
            return self.renderer.failure(failure)

    async def _record(self, request: Request) -> RecordedRequest:
        pieces: list[bytes] = []
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise ApiError(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
            pieces.append(piece)
        body = b"".join(pieces)
        try:
            parsed = json.loads(body) if body else None
        except (ValueError, RecursionError):
            parsed = None
        recorded = RecordedRequest(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            headers=dict(request.headers),
            body=body,
            json=parsed,
            time=time.monotonic(),
        )
        self.journal.record(recorded)
        return recorded

    def _dispatch(self, request: RecordedRequest) -> Delivery:
        path = request.path.rstrip("/")
        method = {
            f"{PREFIX}/chat/completions": "POST",
            f"{PREFIX}/models": "GET",
            f"{PREFIX}/models/route": "POST",
        }.get(path)
        if method is None:
            raise ApiError(404, f"There is nothing at {request.path}.")
        if request.method != method:
            raise ApiError(405, f"{request.path} answers {method} only.", code="method_not_allowed")
        if path.endswith("/chat/completions"):
            return self._chat(request)
        return self._models(request) if method == "GET" else self._route(request)

    def _chat(self, request: RecordedRequest) -> Delivery:
        self.credentials.check(request.headers, request.query.get("team_id"), api_host=False)
        call = parse_call(parse_body(request.body))
        scripted = self.journal.take(request, unchecked=False)
        if scripted is not None:
            return self.renderer.scripted(scripted, call)
        return self._rules(call, [call.model, *call.fallback_models])

    def _rules(self, call: Call, slugs: list[str]) -> Delivery:
        """Answer by the rules; a model that fails is replaced by the next one of `models`."""
        asked = models.error_slug(slugs[0])
        if asked is None:
            call = _with_model(call, slugs[0])
            return self.renderer.reply(respond(call), call)
        status, name = asked
        if len(slugs) > 1 and status in _RETRY_ELSEWHERE:
            return self._rules(call, slugs[1:])
        shape = next((shape for shape in SHAPES if shape == name), None)
        if shape is None:
            raise FieldError(f"Unknown error shape {name!r}; there are {', '.join(SHAPES)}.", "model")
        return self.renderer.rendered(render(ApiError(status), shape))

    def _models(self, request: RecordedRequest) -> Delivery:
        self.credentials.check(request.headers, request.query.get("team_id"), api_host=True)
        scripted = self.journal.take(request, unchecked=False)
        if scripted is not None:
            return self.renderer.scripted(scripted, None)
        return self.renderer.json({"model_groups": models.groups()})

    def _route(self, request: RecordedRequest) -> Delivery:
        body = parse_body(request.body)
        named = body.get("team_id") or request.query.get("team_id")
        self.credentials.check(request.headers, named if isinstance(named, str) else None, api_host=True)
        answer = route(body)
        scripted = self.journal.take(request, unchecked=False)
        if scripted is not None:
            return self.renderer.scripted(scripted, None)
        return self.renderer.json(answer)


def _with_model(call: Call, slug: str) -> Call:
    return call if call.model == slug else replace(call, model=slug)


def build_app(endpoint: ASGIApp) -> Starlette:
    """Return the application: one endpoint that sees every path, so that nothing goes unrecorded."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    return Starlette(routes=[Mount("/", app=endpoint)])
