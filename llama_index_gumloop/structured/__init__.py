"""Answers as objects: structured prediction."""
