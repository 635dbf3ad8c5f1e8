"""What scripts show is German on a German page, in each state that they bring the page into."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from pneumonia_web.language import read_catalogue
from pneumonia_web.typography import keep_units
from tests.browser import test_archives as archives
from tests.browser.films import deepen, press, settle, write_dicom
from tests.browser.german import find_english_on, german_page, send
from tests.browser.person import drop_files, unique_copy
from tests.browser.test_locking import leave
from tests.browser.test_states import end_sessions
from tests.pneumonia_web.listed import listed
from tests.pneumonia_web.test_catalogue import pairs
from tests.stack import Stack

VALUES = {"number": "7", "seconds": "7", "most": "7", "name": "x", "num": "7", "time": "x"}

ARCHIVES = {
    archives.pack_bomb: "weit größer, als Röntgenbilder es werden",
    archives.pack_many: "Mehr als 500 Dateien; senden Sie sie in Teilen.",
    archives.pack_locked: "Dieses Archiv hat ein Passwort; entpacken Sie es zuerst.",
    archives.pack_strange: "auf eine Weise gepackt, die nicht unterstützt wird",
    archives.pack_cut: "beschädigt oder unvollständig; erstellen Sie es neu.",
}


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page in German."""
    with german_page(browser, stack, 1920, 1000) as opened:
        yield opened


def test_every_text_of_a_script_is_german(desk: Page) -> None:
    """With its values, of which each is put in; both forms of a plural."""
    for message in read_catalogue("de"):
        if not any(place.endswith(".js") for place, _ in message.locations):
            continue
        forms = list(pairs(message))
        names = {name: VALUES.get(name, "x") for name in re.findall(r"%\((\w+)\)s", forms[-1][0])}
        for english, german in forms:
            shown = desk.evaluate("([text, values]) => gettext(text, values)", [english, names])
            assert shown == keep_units(german % names)
        for num in (1, 2) if len(forms) == 2 else ():
            both = [english for english, _ in forms]
            shown = desk.evaluate("([one, many, num]) => ngettext(one, many, num)", [*both, num])
            assert shown == keep_units(forms[num - 1][1] % {"num": num})


def test_uploads_say_it_in_german(desk: Page, samples: list[Path], tmp_path: Path) -> None:
    """While they wait, are sent and analysed, when they are refused or lost, and in the end."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    desk.route("**/xrays", hold)
    drop_files(desk, *(unique_copy(samples[n], tmp_path, f"senden-{n}") for n in range(5)))
    rows = desk.locator("#sending li")
    expect(rows).to_have_count(5)
    expect(rows.nth(4)).to_contain_text("Wartet")
    expect(rows.nth(0)).to_contain_text("Wird gesendet …")
    expect(desk.locator("#all-sending")).to_contain_text("0 von 5 fertig")
    assert find_english_on(desk) == []
    answers: list[tuple[int, dict[str, str]]] = [(413, {}), (429, {"Retry-After": "7"}), (503, {})]
    for number, (status, headers) in enumerate(answers):
        held[number].fulfill(status=status, headers=headers, content_type="text/html", body="<p>")
    expect(rows.filter(has_text="Größer als 25 MB; exportieren Sie das Bild")).to_have_count(1)
    expect(rows.filter(has_text="versuchen Sie es in 7 Sekunden erneut")).to_have_count(1)
    expect(
        rows.filter(has_text="antwortet nicht; versuchen Sie es in einer halben Minute")
    ).to_have_count(1)
    expect(rows.get_by_role("button", name="Erneut senden")).to_have_count(2)
    while len(held) < 5:
        desk.wait_for_timeout(50)
    held[3].abort()
    held[4].continue_()
    expect(
        rows.filter(has_text="Die Verbindung brach ab, bevor das Ergebnis da war.")
    ).to_have_count(1)
    expect(rows.filter(has_text="Ergebnis ansehen")).to_have_count(1, timeout=20000)
    summary = desk.locator("#all-sending")
    expect(summary).to_contain_text("5 von 5 fertig, 4 nicht gesendet oder nicht analysiert")
    expect(summary.get_by_role("button")).to_have_text("3 erneut senden")
    assert find_english_on(desk) == []
    desk.unroute_all()
    desk.on("dialog", lambda dialog: dialog.accept())
    desk.reload()
    expect(desk.locator("#unfinished")).to_contain_text("waren noch nicht gesendet, als Sie")
    assert find_english_on(desk) == []


def test_refused_archives_say_it_in_german(desk: Page, tmp_path: Path) -> None:
    """Why nothing of an archive was sent, and a file that is no X-ray."""
    for number, (make, sentence) in enumerate(ARCHIVES.items()):
        archive = tmp_path / f"{number}.zip"
        archive.write_bytes(make(archive))
        desk.locator("#xray").set_input_files(archive)
        expect(desk.locator("#sending .bad").last).to_contain_text(sentence)
    (tmp_path / "text.jpeg").write_text("kein Bild")
    desk.locator("#xray").set_input_files(tmp_path / "text.jpeg")
    expect(desk.locator("#sending .bad").last).to_contain_text("kein Bild im Format JPEG")
    (tmp_path / "none.zip").write_bytes(archives.pack(tmp_path / "none.zip", {"a.txt": b"text"}))
    desk.locator("#xray").set_input_files(tmp_path / "none.zip")
    expect(desk.locator("#sending .bad").last).to_contain_text("Keine davon ist ein Röntgenbild")
    assert find_english_on(desk) == []


def test_list_that_changes_says_it_in_german(desk: Page, stack: Stack) -> None:
    """What is new, how long it waits, whose film the pane shows, and that the service is away."""
    with listed(stack, "Zuvor", "no_pneumonia_detected", "uncertain"):
        row = desk.locator(".worklist tr", has_text="Zuvor").first
        expect(row.locator(".age")).to_have_text("· jetzt")
        row.hover()
        expect(desk.locator("#pane img")).to_have_attribute(
            "alt", re.compile("^Aufnahme von Zuvor")
        )
        with listed(stack, "Danach", "no_pneumonia_detected"):
            expect(desk.get_by_role("button", name="1 neu, anzeigen")).to_be_visible(timeout=8000)
            assert find_english_on(desk) == []
    news = desk.locator("#news")
    desk.context.set_offline(True)
    expect(news).to_contain_text("Der Dienst antwortet nicht. Diese Seite ist", timeout=8000)
    desk.context.set_offline(False)
    expect(news).to_be_hidden(timeout=8000)
    end_sessions(stack)
    expect(news).to_have_text("Ihre Sitzung ist beendet. Erneut anmelden", timeout=8000)
    assert find_english_on(desk) == []


def test_viewer_measures_in_german(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """With a decimal comma; window, zoom and what was done to the film."""
    film = write_dicom(tmp_path / "film.dcm", deepen(samples[8]), ImagerPixelSpacing=[0.14, 0.14])
    desk.goto(f"{stack.url}/xrays")
    desk.locator("#xray").set_input_files(film)
    desk.wait_for_url("**/xrays/*")
    expect(desk.locator(".film")).to_have_attribute("data-depth", "full", timeout=15000)
    settle(desk)
    note, measured = desk.locator(".film-note"), desk.locator(".measured")
    expect(note).to_have_text(
        re.compile(r"^Fenster: Breite \d+\u00a0%, Zentrum \d+\u00a0% · \d+\u00a0%$")
    )
    press(desk, "m")
    for _ in range(3):
        press(desk, "ArrowRight")
    expect(measured).to_have_text(re.compile(r"^\d+,\d\u00a0mm auf dem Detektor$"))
    for key in "irx":
        press(desk, key)
    expect(note).to_contain_text("invertiert · um ")
    expect(desk.locator(".mirrored")).to_have_text("Gespiegelt")
    assert find_english_on(desk) == []


def test_reading_is_announced_in_german(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """What was saved and how to undo it, why it was not, and the earlier film beside it."""
    for number in (8, 9):
        folder = tmp_path / str(number)
        folder.mkdir()
        send(desk, stack, samples[number], folder, "Angesagt")
    desk.get_by_label("Notiz").press("Enter")
    expect(desk.locator("#reading .problem")).to_have_text(
        "Wählen Sie zuerst einen Befund; die Notiz wird mit ihm gespeichert."
    )
    desk.get_by_role("button", name="Zustimmen").click()
    saved = desk.locator("#saved")
    expect(saved).to_contain_text("Gespeichert: Pneumonie, stimmt mit dem KI-Ergebnis überein.")
    expect(saved).to_contain_text("Mit Z machen Sie es innerhalb von fünf Sekunden rückgängig.")
    desk.get_by_role("button", name="Befund zurückziehen").click()
    expect(saved).to_contain_text("Ihr Befund ist zurückgezogen.")
    desk.context.set_offline(True)
    desk.get_by_role("button", name="Unsicher").click()
    expect(desk.locator("#reading .problem")).to_have_text(
        "Nicht gespeichert. Der Dienst antwortet nicht; versuchen Sie es in einer halben Minute "
        "erneut."
    )
    desk.context.set_offline(False)
    desk.get_by_role("button", name="Vergleichen mit").click()
    said = desk.locator("[data-compared]")
    expect(said).to_contain_text("steht neben diesem. Ihre Antworten gelten nur für dieses")
    desk.get_by_role("button", name="Vergleichen mit").click()
    expect(said).to_have_text("Das frühere Röntgenbild ist geschlossen.")
    assert find_english_on(desk) == []


def test_film_that_does_not_come_says_it_in_german(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """While it loads, when it is slow, and when it cannot be displayed."""
    xray_id = send(desk, stack, samples[7], tmp_path, "Langsam")
    held: list[Route] = []
    desk.route("**/preview*", lambda route: held.append(route))  # noqa: PLW0108 - not a builtin
    desk.goto(f"{stack.url}/xrays/{xray_id}", wait_until="commit")
    state = desk.locator("#film-state")
    expect(state).to_contain_text("Die Aufnahme wird geladen. Ergebnis und Antworten erscheinen")
    expect(state).to_contain_text("Die Aufnahme lädt langsam.", timeout=12000)
    for route in held:
        route.abort()
    expect(state).to_contain_text("Die Aufnahme konnte nicht angezeigt werden; Ergebnis und")
    expect(state.get_by_role("button")).to_have_text("Erneut versuchen")
    assert find_english_on(desk) == []


def test_lock_is_german(browser: Browser, stack: Stack) -> None:
    """The dialog of the script, a wrong password, and a service that is away."""
    with german_page(browser, stack, 1440, 900) as desk:
        desk.clock.install()
        desk.reload()
        leave(desk, stack)
        dialog = desk.get_by_role("dialog", name="Gesperrt")
        expect(dialog).to_be_visible()
        desk.get_by_label(f"Passwort von {stack.user}").fill("falsch")
        desk.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_have_text("Das Passwort ist falsch.")
        desk.context.set_offline(True)
        desk.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text("Der Dienst antwortet nicht; versuchen")
        assert find_english_on(desk) == []
