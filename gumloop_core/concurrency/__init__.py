"""How many calls of an account are in flight: one limiter for each account, and what it has learned of its bound."""
