"""The two classes of X-rays."""

CLASSES = ("normal", "pneumonia")
"""Indexed by the label, 0 or 1; a probability that reaches the threshold means the second."""
