"""The types of the options of `model.cnn`; argparse names the function in its error message."""

import argparse
import math

NETWORK_STRIDE = 32
"""Pixels of the image to a cell of conv5."""


def weight(text: str) -> float:
    """A finite number that is not negative."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{value:g} is not a finite number from 0 on")
    return value


def rate(text: str) -> float:
    """A learning rate: finite and above 0."""
    value = weight(text)
    if not value:
        raise argparse.ArgumentTypeError("a learning rate of 0 learns nothing")
    return value


def share(text: str) -> float:
    """From 0 to below 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{value:g} is not from 0 to below 1")
    return value


def whole(text: str) -> int:
    """A whole number that is not negative."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is below 0")
    return value


def positive(text: str) -> int:
    """A whole number from 1 on."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is below 1")
    return value


def seed(text: str) -> int:
    """What NumPy and Keras both accept as a seed: 32 bits, not negative."""
    value = whole(text)
    if value >= 2**32:
        raise argparse.ArgumentTypeError(f"{value} has more than 32 bits")
    return value


def side(text: str) -> int:
    """Width and height in pixels, which ResNet50 must halve five times."""
    value = int(text)
    if value < NETWORK_STRIDE or value % NETWORK_STRIDE:
        raise argparse.ArgumentTypeError(f"{value} is not a multiple of {NETWORK_STRIDE} pixels")
    return value


def share_of(text: str) -> tuple[str, float]:
    """SOURCE=SHARE, such as nih=0.9. Raises ValueError."""
    name, _, value = text.rpartition("=")
    if not name:
        raise ValueError(text)
    return name, share(value)
