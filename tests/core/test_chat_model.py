"""What both adapters' models have in common: their fields, their copies and the clients that these share."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gumloop_core.chat_model import ChatModelFields
from gumloop_core.errors import ConfigurationError
from gumloop_core.http import sync_pool
from tests.core.http.test_pool_closing import in_thread, wait_until_waiting
from tests.support.byte_server import ByteServer, WaitFor
from tests.support.core_driver import body
from tests.support.http_bytes import (
    TEXT,
    completion,
    whole,
)


class Model(ChatModelFields):
    """The fields alone."""


@pytest.mark.parametrize("has_called", [False, True])
def test_closing_a_copy_leaves_the_originals_call_alone(has_called: bool) -> None:
    go_on = threading.Event()
    script = [whole(completion())] if has_called else []
    with ByteServer(*script, [WaitFor(go_on), whole(completion())]) as server:
        model = Model(model="m", api_key="k", base_url=server.base_url)
        model._sync()
        copy = model.model_copy()
        if has_called:
            copy._sync().complete(body())
        answers: list[str] = []
        thread, errors = in_thread(lambda: answers.append(model._sync().complete(body()).text))
        wait_until_waiting(server, len(script) + 1)
        copy.close()
        go_on.set()
        thread.join(10)
        assert not errors
        assert answers == [TEXT]
        copy.close()
        model.close()
        assert model._sync().complete(body()).text == TEXT
        model.close()


def test_closing_a_copy_leaves_the_originals_async_call_alone() -> None:
    go_on = threading.Event()

    async def main(server: ByteServer) -> None:
        model = Model(model="m", api_key="k", base_url=server.base_url)
        task = asyncio.ensure_future(model._async().complete(body()))
        await asyncio.to_thread(wait_until_waiting, server)
        copy = model.model_copy()
        await copy.aclose()
        go_on.set()
        assert (await task).text == TEXT
        await model.aclose()
        assert await asyncio.to_thread(server.wait_until, lambda: server.open_connections == 0)

    with ByteServer([WaitFor(go_on), whole(completion())]) as server:
        asyncio.run(main(server))


def test_the_last_model_that_shares_a_client_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_pool, "_pool", None)
    with ByteServer(whole(completion())) as server:
        model = Model(model="m", api_key="k", base_url=server.base_url)
        model._sync().complete(body())
        copy = model.model_copy()
        assert copy._sync() is model._sync()
        copy._sync().complete(body())
        model.close()
        assert server.open_connections == 1
        copy.close()
        assert server.wait_until(lambda: server.open_connections == 0)
        model._sync().complete(body())
        dropped = model.model_copy()
        dropped._sync()
        del dropped
        model.close()
        assert server.wait_until(lambda: server.open_connections == 0)


def test_an_argument_that_there_is_not_is_refused_with_what_was_meant() -> None:
    for make in (lambda: Model(model="m", temprature=1), lambda: Model(model="m").model_copy(update={"temprature": 1})):
        with pytest.raises(ConfigurationError, match=r"temprature.*temperature"):
            make()
    with pytest.raises(ConfigurationError, match="by name"):
        Model("m")


def test_the_older_name_of_a_field_leads_to_the_field() -> None:
    assert Model(model="m", max_tokens=5).max_completion_tokens == 5
    assert Model(model="m").model_copy(update={"max_tokens": 6}).max_completion_tokens == 6
