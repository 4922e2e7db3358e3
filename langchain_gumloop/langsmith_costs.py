"""What calls cost, where LangSmith looks for it.

LangChain's ``usage_metadata`` can hold whole numbers alone, so the cost that the server reported is beside it, in
``response_metadata["cost"]``, and LangSmith, which reads the former, shows none: it has no prices for our models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_gumloop.from_wire.answers import PROVIDER

__all__ = ["with_costs"]


def with_costs(runs: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Add the cost that the server reported, in USD, to the token counts of ``ChatGumloop`` runs.

    Other runs, and those without a cost, are left as they are.

    Example:
        .. code-block:: python

            client = langsmith.Client(process_buffered_run_ops=with_costs, run_ops_buffer_size=20)
            chain.invoke("Hi", config={"callbacks": [LangChainTracer(client=client)]})

    Args:
        runs: Runs as LangSmith's client is about to send them.

    Returns:
        The same runs.
    """
    for run in runs:
        metadata = (run.get("extra") or {}).get("metadata") or {}
        usage = metadata.get("usage_metadata")
        costs = _costs(run.get("outputs"))
        if run.get("run_type") == "llm" and isinstance(usage, dict) and costs:
            metadata["usage_metadata"] = {**usage, "total_cost": sum(costs)}
    return runs


def _costs(outputs: Any) -> list[float]:
    if not isinstance(outputs, dict):
        return []
    answers = [
        generation["message"].get("kwargs", {}).get("response_metadata", {})
        for generations in outputs.get("generations") or ()
        for generation in generations
        if isinstance(generation, dict) and isinstance(generation.get("message"), dict)
    ]
    return [
        answer["cost"]
        for answer in answers
        if answer.get("model_provider") == PROVIDER and isinstance(answer.get("cost"), (int, float))
    ]
