"""The two classes of X-rays."""

CLASSES = ("normal", "pneumonia")
"""In the order of the label, 0 or 1: what reaches the threshold is the second."""
