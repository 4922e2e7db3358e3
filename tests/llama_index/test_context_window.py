"""The window that pipelines are told of."""

from __future__ import annotations

import logging
import warnings

from llama_index_gumloop.context_window import DEFAULT_CONTEXT_WINDOW, window_of


def test_the_first_window_that_is_one_counts(caplog):
    assert window_of("m", None, "9", 8, 7) == 8
    assert caplog.records == []


def test_an_unknown_window_is_the_default_with_one_warning(caplog):
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            assert window_of("acme/never-seen-before", None) == DEFAULT_CONTEXT_WINDOW
        assert window_of("acme/another-one", None) == DEFAULT_CONTEXT_WINDOW
    first, second = [record.getMessage() for record in caplog.records]
    assert "'acme/never-seen-before'" in first
    assert "128000" in first
    assert "refresh_models()" in first
    assert "'acme/another-one'" in second
