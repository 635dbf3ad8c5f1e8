"""Where the processor time of one upload goes, step by step, in this process alone.

    python -m tests.bench.processor

Prints a Markdown table of means over the X-rays of the bench (1,500 px). Processor time depends
less on other load than the clock does. What the services add around these steps is the difference
to the `processor of` rows of `python -m tests.bench.path`.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from model.reading.film import find_film
from model.reading.full_film import encode_film
from model.reading.kinds import check_picture
from model.reading.limits import MAX_PIXELS
from model.reading.picture import read_picture
from model.reading.upright import warn_of_hanging
from model.reading.xray import PREVIEW_SIDE, encode_preview, model_input, read_xray
from model.serving.predictor import Predictor, conclude
from model.serving.trial import is_close_call
from pneumonia_api.judging import judge
from pneumonia_api.records.publishing import compose, create_queue
from pneumonia_api.records.record import new_xray, read_hash, write_hash
from tests.bench.images import Images, make_images
from tests.bench.sides import ROOT

TURNS = 5
READ = "read, all of it"

Answer = TypeVar("Answer")


class Steps:
    """Milliseconds of processor time by step."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = defaultdict(list)

    def take(
        self, step: str, work: Callable[[], Answer], clock: Callable[[], float] = time.thread_time
    ) -> Answer:
        """The answer of `work`, whose time is added to the step."""
        began = clock()
        answer = work()
        self.spent[step].append(1000 * (clock() - began))
        return answer

    def take_all(self, step: str, work: Callable[[], Answer]) -> Answer:
        """The same with the time of all threads of this process."""
        return self.take(step, work, time.process_time)


def measure_reading(steps: Steps, data: bytes) -> np.ndarray:
    """What a child of the cage does with one upload; returns the network's input."""
    steps.take("header checks", lambda: check_picture(data))
    pixels, _, _ = steps.take("decode", lambda: read_picture(data, MAX_PIXELS, PREVIEW_SIDE))
    steps.take("film in the picture", lambda: find_film(pixels))
    steps.take("does it hang correctly?", lambda: warn_of_hanging(pixels))
    xray = steps.take(READ, lambda: read_xray(data))
    image = steps.take("network's input", lambda: model_input(xray))
    steps.take("preview and thumbnail", lambda: encode_preview(xray))
    assert xray.full
    full = xray.full()
    steps.take("film at full depth", lambda: encode_film(full))
    return image


def measure_judging(steps: Steps, predictor: Predictor, image: np.ndarray) -> bool:
    """What the worker does with the input; returns whether it was a close call."""
    output = steps.take_all(f"network in {predictor.precision}", lambda: predictor.infer(image))
    close = is_close_call(predictor.artifact, output)
    if close:
        given = output
        output = steps.take_all(
            "network in float32, of a close call",
            lambda: predictor._forms.confirm(image, given),
        )
    prediction = steps.take("calibration, heat map", lambda: conclude(predictor.artifact, output))
    xray = judge(new_xray("doctor", "0" * 64, "RX1"), prediction, (), "unknown")
    values = steps.take("hash of the record written", lambda: write_hash(xray))
    steps.take("hash of the record read", lambda: read_hash(values))
    return close


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(prog="processor", description="Processor time by step.").parse_args()
    cv2.setNumThreads(1)
    steps, queue, close = Steps(), create_queue(), list[bool]()
    predictor = Predictor(ROOT / "model" / "artifact", ROOT / "var" / "serving")
    with tempfile.TemporaryDirectory(prefix="processor-") as name:
        make_images(ROOT / "var" / "samples", Path(name))
        images = Images(Path(name))
        for number in range((TURNS + 1) * len(images)):
            if number == len(images):  # the first turn was the warm-up
                steps.spent.clear()
            close.append(
                measure_judging(steps, predictor, measure_reading(steps, images.read(number)))
            )
            steps.take("task composed", lambda: compose(queue, "0" * 32))
    print("| step | ms of processor time |\n|---|---|")
    for step, times in steps.spent.items():
        print(f"| {step} | {np.mean(times):.2f} |")
    print(f"\nClose calls: {sum(close)} of {len(close)}.")


if __name__ == "__main__":
    main()
