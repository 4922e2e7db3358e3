"""``init_chat_model("gumloop:…")``."""

from __future__ import annotations

from gumloop_core.errors import ConfigurationError


def register() -> None:
    """Make ``init_chat_model("gumloop:claude-sonnet-4-5")`` and ``create_agent(model="gumloop:…")`` work.

    LangChain's list of providers is closed: there is no public way to add one. This adds to the list itself, which a
    later version may keep elsewhere.

    Raises:
        ConfigurationError: If ``langchain`` is not installed, or keeps its list elsewhere. ``ChatGumloop(model=…)``
            works regardless.
    """
    try:
        from langchain.chat_models import base
    except ImportError:
        raise ConfigurationError("init_chat_model comes with the package langchain: pip install langchain.") from None
    providers = getattr(base, "_BUILTIN_PROVIDERS", None)
    call = getattr(base, "_call", None)
    if not isinstance(providers, dict) or call is None:
        raise ConfigurationError(
            "This version of langchain does not let init_chat_model know of another provider. "
            "Use ChatGumloop(model=…) instead."
        )
    providers["gumloop"] = ("langchain_gumloop", "ChatGumloop", call)
