"""Whatever a model is made with, it works, or an error says why not; and the key shows nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gumloop_core.chat_model import ChatModelFields
from gumloop_core.errors import GumloopError
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop
from tests.fuzz import python_values
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import Roads
from tests.fuzz.shown import assert_shows_no_key, is_of_the_framework
from tests.fuzz.test_odd_input import only_our_errors
from tests.security.shown import KEY

pytestmark = pytest.mark.filterwarnings("ignore")

# Without a client of ours a request would go to the network.
FIELDS = sorted({*ChatModelFields.model_fields, "streaming", "context_window"} - {"http_client", "http_async_client"})
GIVEN: Any = st.one_of(
    python_values.PASSED,
    st.sampled_from(
        [
            KEY,
            f" {KEY} ",
            f"'{KEY}'",
            f"{KEY}\n",
            "http://example.org",
            "ftp://x",
            "https://api.gumloop.com/api/v1/",
            {"authorization": KEY},
        ]
    ),
)


@FUZZED
@given(
    kind=st.sampled_from([ChatGumloop, Gumloop]),
    options=st.dictionaries(st.sampled_from(FIELDS), GIVEN, min_size=1, max_size=2),
)
def test_a_model_of_anything(roads: Roads, kind: Any, options: dict[str, Any]) -> None:
    try:
        model = roads.make(kind, **python_values.real(options))
    except (GumloopError, ValidationError) as error:
        assert_shows_no_key(error)
        return
    except Exception as error:
        if not is_of_the_framework(error):
            raise
        return
    assert KEY not in repr(model)
    if "user_id" not in options and "team_id" not in options:
        assert KEY not in str(model.model_dump(exclude={"default_headers", "model", "base_url"}))
    ask = (lambda: model.invoke("hi")) if kind is ChatGumloop else (lambda: model.complete("hi"))
    only_our_errors(roads, ask)


@FUZZED
@given(
    kind=st.sampled_from([ChatGumloop, Gumloop]),
    name=st.sampled_from(FIELDS),
    value=GIVEN,
    copies=st.booleans(),
)
def test_a_model_that_is_changed(roads: Roads, kind: Any, name: str, value: Any, copies: bool) -> None:
    model = roads.make(kind)
    changed = python_values.real(value)
    try:
        if copies:
            model = model.model_copy(update={name: changed})
        else:
            setattr(model, name, changed)
    except (GumloopError, ValidationError) as error:
        assert_shows_no_key(error)
        return
    assert KEY not in repr(model) or name in ("user_id", "team_id", "model", "base_url", "stream_base_url")
    ask = (lambda: model.invoke("hi")) if kind is ChatGumloop else (lambda: model.complete("hi"))
    only_our_errors(roads, ask)
