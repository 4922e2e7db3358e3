"""What users write, as type checkers see it. `make lint` checks this; nothing here is run."""

from __future__ import annotations

import httpx
from pydantic import SecretStr

from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop

KEY_AS_TEXT = [ChatGumloop(model="m", api_key="k", user_id="u"), Gumloop(model="m", api_key="k", user_id="u")]
KEY_AS_SECRET = [ChatGumloop(model="m", api_key=SecretStr("k")), Gumloop(model="m", api_key=SecretStr("k"))]
TOKEN_THAT_CHANGES = [ChatGumloop(model="m", access_token=lambda: "t"), Gumloop(model="m", access_token=lambda: "t")]

CHAT = ChatGumloop(
    model="m", temperature=0, max_tokens=5, stop=["x"], timeout=httpx.Timeout(5), reasoning={"effort": "low"}
)
LLM = Gumloop(model="m", temperature=0, max_tokens=5, stop="x", timeout=5, extra_body={"k": 1})

CAP: int | None = CHAT.max_tokens
SAME_CAP: int | None = LLM.max_completion_tokens
TEXT: str = CHAT.invoke("Hi").text
