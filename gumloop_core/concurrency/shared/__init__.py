"""Slots of an account that several processes share: the rule, where it is kept, and what asks for slots."""
