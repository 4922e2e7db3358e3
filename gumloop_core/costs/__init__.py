"""What calls cost: sums of tokens and USD, and a budget that stops before the call that would pass it."""

from gumloop_core.costs.budget import Budget
from gumloop_core.costs.budget_state import BudgetCounter, BudgetLimits, BudgetState, BudgetStatus, Charge
from gumloop_core.costs.spending import Spending
from gumloop_core.costs.tracker import CostTracker

__all__ = [
    "Budget",
    "BudgetCounter",
    "BudgetLimits",
    "BudgetState",
    "BudgetStatus",
    "Charge",
    "CostTracker",
    "Spending",
]
