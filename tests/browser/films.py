"""Films for the tests of the viewer: known values, and what the canvas shows of them."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.model.reading.dicom_objects import build, save
from tests.stack import Stack


def deepen(sample: Path, bits: int = 12) -> np.ndarray:
    """An X-ray with so many bits, (height, width) uint16: noise below the 8 bits that it has."""
    grey = np.asarray(Image.open(sample).convert("L")).astype(np.uint16)
    noise = np.random.default_rng(7).integers(0, 1 << (bits - 8), grey.shape)
    return (grey << (bits - 8) | noise).astype(np.uint16)


def write_dicom(path: Path, pixels: np.ndarray, **elements: Any) -> Path:
    """A film of a child as a DICOM file."""
    path.write_bytes(save(build(pixels, PatientAge="003Y", PatientBirthDate=None, **elements)))
    return path


def open_film(page: Page, stack: Stack, file: Path) -> str:
    """Upload it and wait until the film at full depth is drawn; returns the id."""
    page.goto(f"{stack.url}/xrays")
    page.locator("#xray").set_input_files(file)
    page.wait_for_url("**/xrays/*")
    expect(page.locator(".film")).to_have_attribute("data-depth", "full", timeout=15000)
    settle(page)
    return page.url.partition("?")[0][-32:]


def settle(page: Page) -> None:
    """Wait until what was asked for is drawn, at its full resolution."""
    page.evaluate(
        """async () => {
            const frame = () => new Promise(requestAnimationFrame);
            await frame();
            await new Promise((resolve) => setTimeout(resolve, 150));
            await frame();
            await frame();
        }"""
    )


def press(page: Page, key: str) -> None:
    """A key as a person presses it: the page waits for others first."""
    page.keyboard.press(key)
    page.wait_for_timeout(70)
    settle(page)


def read_canvas(page: Page, which: str = ".pixels", film: str = ".film") -> np.ndarray:
    """What a canvas shows: (height, width, 4) uint8."""
    width, height, values = page.locator(f"{film} {which}").evaluate(
        """(canvas) => {
            const {width, height} = canvas;
            const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
            let text = "";
            for (let at = 0; at < data.length; at += 32768) {
                text += String.fromCharCode(...data.subarray(at, at + 32768));
            }
            return [width, height, btoa(text)];
        }"""
    )
    data = np.frombuffer(base64.b64decode(values), np.uint8)
    return data.reshape(height, width, 4)
