"""The public calls that are measured, under the same names for both frameworks."""
