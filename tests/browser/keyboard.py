"""A person without a mouse at 400 % zoom: what each press of Tab must leave on the screen."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.stack import Stack

WIDTH, HEIGHT = 320, 256
"""CSS pixels of a window of 1280 x 1024 at 400 % (WCAG 2.2, 1.4.10)."""

MOST_STOPS = 150

BURST_MS = 70
"""Keys that are closer than 50 ms are those of a barcode scanner (reading.js)."""

PREPARE = """(() => {
    addEventListener("pointerdown", () => { throw new Error("a pointer was used"); }, true);
    // A constructed sheet is no inline style, which the page forbids.
    globalThis.withoutRing = new CSSStyleSheet({disabled: true});
    withoutRing.replaceSync(`*, ::before, ::after {
        outline-color: transparent !important; transition: none !important }`);
    document.addEventListener("DOMContentLoaded", () => {
        document.adoptedStyleSheets = [withoutRing];
    });
})()"""

LOOK = """() => {
    const each = document.activeElement;
    if (!each || each === document.body) return null;
    // A field for a file is seen as the label around it.
    const part = each.matches("input[type=file]") ? each.closest("label") : each;
    const boxes = [...part.getClientRects()].filter(({width, height}) => width && height);
    const own = ({left, top, right, bottom}) => {
        [left, right] = [Math.max(left, 0), Math.min(right, innerWidth)];
        [top, bottom] = [Math.max(top, 0), Math.min(bottom, innerHeight)];
        let hits = 0;
        for (const x of [0.15, 0.5, 0.85]) for (const y of [0.15, 0.5, 0.85]) {
            const place = [left + x * (right - left), top + y * (bottom - top)];
            hits += part.contains(document.elementFromPoint(...place) ?? document);
        }
        return hits / 9;
    };
    const {left, top, right, bottom} = part.getBoundingClientRect();
    const fits = right - left <= innerWidth && bottom - top <= innerHeight;
    const inside = (from, to, end) => Math.max(0, Math.min(to, end) - Math.max(from, 0));
    const shown = inside(left, right, innerWidth) * inside(top, bottom, innerHeight);
    const size = fits ? 0.9 * (right - left) * (bottom - top) : 0.4 * innerWidth * innerHeight;
    const name = each.ariaLabel || (each.labels?.[0] ?? each).innerText || each.id;
    return {
        name: name.trim().replace(/\\s+/g, " ").slice(0, 60),
        around: 2 * (inside(left, right, innerWidth) + inside(top, bottom, innerHeight)),
        whole: shown >= size,
        free: boxes.length ? Math.min(...boxes.map(own)) : 0,
        sideways: document.documentElement.scrollWidth > innerWidth || scrollX !== 0,
        box: [left, top, right, bottom].map(Math.round),
    };
}"""

TABBABLE = """() => [...document.querySelectorAll(
        "a[href], button, input, select, textarea, summary, [tabindex]")]
    .filter(each => each.tabIndex >= 0 && !each.matches(":disabled, [type=hidden]")
        && each.checkVisibility({visibilityProperty: true}))"""


@contextmanager
def zoomed_page(browser: Browser, stack: Stack, path: str = "/xrays") -> Iterator[Page]:
    """A page at 400 % of a person who logs in by keys; any use of a pointer is an error."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    context.add_init_script(PREPARE)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("filechooser", lambda chooser: None)  # from the start: else a quick key is too early
    page.goto(f"{stack.url}{path}")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(stack.user)
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(stack.password)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{stack.url}{path}")
    page.wait_for_load_state()
    yield page
    context.close()
    assert problems == []


def strike(page: Page, key: str) -> None:
    """A key as a person presses it: apart from those before and after it."""
    page.wait_for_timeout(BURST_MS)
    page.keyboard.press(key)
    page.wait_for_timeout(BURST_MS)


def tab_to(page: Page, target: Locator, *, key: str = "Tab", most: int = 60) -> list[str]:
    """Press Tab until the target has the focus; every stop on the way must be seen."""
    names: list[str] = []
    for _ in range(most):
        page.keyboard.press(key)
        names.append(check_focus(page))
        if target.evaluate("each => each === document.activeElement"):
            return names
    raise AssertionError(f"not reached by {most} x {key}: {names}")


def choose(page: Page, target: Locator, *, key: str = "Enter", by: str = "Tab") -> None:
    """Go to a control, and press it."""
    tab_to(page, target, key=by)
    strike(page, key)


def walk(page: Page) -> list[str]:
    """Press Tab through all of a page: each control once, in its order, and out again."""
    page.evaluate(f"() => {{ globalThis.all = ({TABBABLE})(); globalThis.been = []; }}")
    names: list[str] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue  # between the last and the first
        if page.evaluate("been.includes(document.activeElement)"):
            break
        page.evaluate("been.push(document.activeElement)")
        names.append(check_focus(page))
    missed = page.evaluate(
        "all.filter(each => !been.includes(each) && each.isConnected).map(each => each.outerHTML)"
    )
    assert missed == []
    # Where the focus was at first is somewhere inside the page, so the order begins again once.
    turns = page.evaluate(
        "been.filter((each, at) => at && been[at - 1].compareDocumentPosition(each)"
        " & Node.DOCUMENT_POSITION_PRECEDING).length"
    )
    assert turns <= 1, names
    return names


def check_focus(page: Page) -> str:
    """The focus is somewhere, inside the window, not covered, and seen; returns where it is."""
    look = page.evaluate(LOOK)
    assert look, "the focus is lost"
    ring = measure_ring(page)
    faults = [
        fault
        for fault, found in (
            (f"not inside the window: {look['box']}", not look["whole"]),
            (f"covered: {look['free']:.0%} free", look["free"] < 0.6),
            (f"no visible focus: {ring} of {look['around']:.0f} pixels", ring < look["around"]),
            ("the page scrolls sideways", look["sideways"]),
        )
        if found
    ]
    assert not faults, f"{look['name']}: {faults}"
    return str(look["name"])


def measure_ring(page: Page) -> int:
    """How many pixels the focus changes by a contrast of 3:1 or more (WCAG 2.2, 2.4.13)."""
    shown = luminance(page.screenshot())
    page.evaluate("() => { withoutRing.disabled = false; }")
    hidden = luminance(page.screenshot())
    page.evaluate("() => { withoutRing.disabled = true; }")
    lighter, darker = np.maximum(shown, hidden), np.minimum(shown, hidden)
    return int(((lighter + 0.05) / (darker + 0.05) >= 3).sum())


def luminance(png: bytes) -> np.ndarray:
    """Relative luminance of each pixel, from 0 to 1 (WCAG 2.2)."""
    with Image.open(io.BytesIO(png)) as image:
        share = np.asarray(image.convert("RGB")) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ (0.2126, 0.7152, 0.0722))
