"""The request core."""
