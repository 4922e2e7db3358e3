"""Whatever a model is made with, it works, or an error says why not; and the key shows nowhere."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from gumloop_core.chat_model import ChatModelFields
from gumloop_core.errors import GumloopError
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop
from tests.fuzz.deal import DEALS, Deal
from tests.fuzz.odd import anything, real
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import Roads
from tests.fuzz.shown import assert_shows_no_key, is_of_the_framework
from tests.fuzz.test_odd_input import only_our_errors
from tests.security.shown import KEY, shown_by

pytestmark = pytest.mark.filterwarnings("ignore")

# Without a client of ours a request would go to the network.
FIELDS = sorted(ChatModelFields.model_fields.keys() - {"http_client", "http_async_client"})
OWN = {ChatGumloop: ["streaming", "output_version"], Gumloop: ["context_window", "is_function_calling_model"]}
SECRET = ["api_key", "access_token", "default_headers"]
KEYS = [
    KEY,
    f" {KEY} ",
    f"'{KEY}'",
    f"{KEY}\n",
    f"Bearer {KEY}",
    f"{KEY}\x00",
    f"ß{KEY}",
    {"authorization": KEY},
    {KEY: "a"},
]
ADDRESSES = [
    "http://example.org",
    "ftp://x",
    "https://api.gumloop.com/api/v1/",
    "https://a:b@example.org",
    "//",
    "https://[",
]


def odd_option(deal: Deal, kind: Any) -> tuple[str, Any]:
    """An option of a model, and something to set it to."""
    name = deal.one([*FIELDS, *SECRET, *OWN[kind]])
    if name in SECRET and deal.chance(2):
        return name, copy.deepcopy(deal.one(KEYS))
    if name.endswith("base_url") and deal.chance(2):
        return name, deal.one(ADDRESSES)
    return name, anything(deal)


def ask(kind: Any, model: Any) -> Any:
    """A call of the model, and all that it tells of itself."""

    def work() -> None:
        if kind is ChatGumloop:
            model.invoke("hi")
        else:
            model.complete("hi")

    return work


@FUZZED
@given(deal=DEALS)
def test_a_model_of_anything(roads: Roads, deal: Deal) -> None:
    """A model made with anything for its options works, or says why not; neither shows the key."""
    kind = deal.one([ChatGumloop, Gumloop])
    options = dict(odd_option(deal, kind) for _ in range(1 + deal.number(1)))
    try:
        model = roads.make(kind, **real(options))
    except (GumloopError, ValidationError) as error:
        assert_shows_no_key(error)
        return
    except Exception as error:
        if not is_of_the_framework(error):
            raise
        return
    with contextlib.suppress(RecursionError):  # what is put into a model's fields is for the caller to print
        assert KEY not in shown_by(model)
    only_our_errors(roads, ask(kind, model))


@FUZZED
@given(deal=DEALS)
def test_a_model_that_is_changed(roads: Roads, deal: Deal) -> None:
    """A model whose options are set to anything later works, or says why not; neither shows the key."""
    kind, copies = deal.one([ChatGumloop, Gumloop]), deal.chance(2)
    name, value = odd_option(deal, kind)
    model = roads.make(kind)
    try:
        if copies:
            model = model.model_copy(update={name: real(value)})
        else:
            setattr(model, name, real(value))
    except (GumloopError, ValidationError) as error:
        assert_shows_no_key(error)
        return
    with contextlib.suppress(RecursionError):  # what is put into a model's fields is for the caller to print
        assert KEY not in repr(model)
    only_our_errors(roads, ask(kind, model))
