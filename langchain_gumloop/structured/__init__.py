"""Answers as objects: ``with_structured_output``."""
