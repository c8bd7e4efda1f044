"""The report in a browser: what is drawn, filtered, reached and legible, and that nothing runs or is fetched."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from flows import steps
from flows.report.write import write_report
from flows.run import Request
from flows.settings import load_settings
from warehouse.home import Home

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
CHARTS = ("volumes", "share", "share_by_source", "fill", "fill_over_time", "shared")
FOLDED = "details:not([open], .figures)"
COUNT_FOLDED = f"""
    window.addEventListener('beforeprint', () => {{
        window.folded = document.querySelectorAll('{FOLDED}').length;
    }});
"""
HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\u202e\u2028'\""


@dataclass(frozen=True)
class Opened:
    """A page that is open, what it asked for, and what the console said."""

    page: Page
    requests: list[str] = field(default_factory=list)
    failures: list[str | None] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def shown(self, selector: str) -> int:
        """Count what is visible."""
        return self.page.locator(selector).filter(visible=True).count()

    def choose(self, label: str, value: str) -> None:
        """Choose by keyboard's own control, and wait until all is drawn again."""
        self.page.get_by_label(label, exact=True).select_option(value)
        self.page.wait_for_selector("html[data-drawn]", state="attached")

    def table(self, chart: str) -> list[list[str]]:
        """Cells of the table beside a chart."""
        rows = self.page.locator(f"[data-chart={chart}] tbody tr")
        return [row.locator("th, td").all_text_contents() for row in rows.all()]


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Open a file, and wait until all charts are drawn."""
    contexts = []

    def open_page(path: Path, **options: Any) -> Opened:
        context = browser.new_context(**options)
        contexts.append(context)
        one = Opened(context.new_page())
        one.page.on("request", lambda request: one.requests.append(request.url))
        one.page.on("requestfailed", lambda request: one.failures.append(request.failure))
        one.page.on("console", lambda message: one.said.append(message.text))
        one.page.on("pageerror", lambda error: one.said.append(str(error)))
        one.page.goto(path.as_uri())
        one.page.wait_for_selector("html[data-drawn]", state="attached")
        return one

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def report(samples: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("page") / "report.html"
    return write_report(load_settings(home=samples.root), output=page)


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory: pytest.TempPathFactory, a_record: Any, write_lines: Any) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    records = [a_record(1, headline=HOSTILE, body=f"{HOSTILE} {a_record(1)['body']} [...]"), HOSTILE, "x" * 1_000_000]
    drops = [
        write_lines(
            folder / "<img src=x onerror=window.hacked=1>\u202e" / '"><svg onload=window.hacked=1>.jsonl', records
        ),
        write_lines(folder / "__proto__" / "one.jsonl", records),
        write_lines(folder / "javascript:window.hacked=1" / "one.jsonl", records),
    ]
    settings = load_settings(home=folder / "home")
    steps.ingest(Request(settings, tuple(drops)))
    return write_report(settings)


def test_charts_are_drawn_without_a_complaint_or_a_request(opened: Open, report: Path) -> None:
    one = opened(report)
    assert one.said == []
    assert one.requests == [report.as_uri()]
    for name in CHARTS:
        marks = one.page.locator(f"[data-chart={name}] svg .mark-rect path, [data-chart={name}] svg .mark-symbol path")
        assert marks.count() > 0, name
        assert "Nothing to show" not in str(one.page.locator(f"[data-chart={name}] .plot").get_attribute("aria-label"))


def test_hostile_text_is_shown_and_never_runs(opened: Open, hostile_report: Path) -> None:
    one = opened(hostile_report)
    assert one.said == []
    assert one.requests == [hostile_report.as_uri()]
    assert one.page.evaluate("window.hacked") is None
    assert one.page.locator("img, body svg[onload], iframe, object").count() == 0
    assert one.page.get_by_text("window.hacked=1").count() > 0
    one.page.locator("[data-chart=fill] svg .mark-text text").first.hover()
    assert "⟨U+202E⟩" in one.page.locator("#tooltip").inner_text()
    for source in ("0", "1", "2"):
        one.choose("Source", source)
        assert one.shown(".sources tbody tr") == 1
    assert one.page.evaluate("window.hacked") is None
    assert one.said == []


def test_policy_stops_a_script_that_got_into_the_page(opened: Open, report: Path, tmp_path: Path) -> None:
    """As if the escaping had failed: the second wall holds."""
    broken = tmp_path / "broken.html"
    planted = "<script>window.hacked=1</script><img src=x onerror=window.hacked=2><a href=//example.org>x</a>"
    broken.write_text(report.read_text("utf-8").replace("</main>", f"{planted}</main>"), "utf-8")
    one = opened(broken)
    assert one.page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in said for said in one.said)
    assert one.failures == ["csp"]


def test_source_filter_holds_for_lists_and_charts(opened: Open, report: Path, samples: Home, query: Any) -> None:
    one = opened(report)
    [(broken, every)] = query("SELECT count(*) FILTER (source = 'broken'), count(*) FROM ops.incidents", samples.root)
    everything = one.table("volumes")
    assert [row[1:4] for row in everything] == [["65", "49", "16"]]
    one.choose("Source", "broken")
    assert one.shown(".sources tbody tr") == 1
    assert one.shown("[data-count=incidents] > li") == broken > 0
    assert [row[1:4] for row in one.table("volumes")] == [["29", "13", "16"]]
    assert {row[0] for row in one.table("fill")} == {"broken"}
    assert f"1 of 4 sources, {broken} of {every} incidents" in one.page.get_by_role("status").inner_text()
    one.page.get_by_role("button", name="Show all").click()
    expect(one.page.locator(".sources tbody tr:not([hidden])")).to_have_count(4)
    one.page.wait_for_selector("html[data-drawn]", state="attached")
    assert one.table("volumes") == everything


def test_severity_filter_holds_for_lists_and_charts(opened: Open, report: Path, samples: Home, query: Any) -> None:
    one = opened(report)
    [(critical,)] = query("SELECT count(*) FROM ops.incidents WHERE severity = 'critical'", samples.root)
    one.choose("Severity", "critical")
    assert one.shown("[data-count=incidents] > li") == critical > 0
    assert one.page.locator(".sources tbody tr:visible th").all_text_contents() == ["broken"]
    assert [row[1] for row in one.table("volumes")] == ["29"]
    one.choose("Severity", "info")
    assert one.shown("[data-count=incidents] > li") == 0
    assert one.page.get_by_text("None of the open incidents is of these").is_visible()
    assert one.table("volumes") == []


def test_time_filter_hides_what_is_older(opened: Open, report: Path, tmp_path: Path) -> None:
    """The incidents of the samples are made older by a month than they are."""
    aged = tmp_path / "aged.html"
    text = report.read_text("utf-8")
    moment = text.partition('data-at="')[2].partition('"')[0]
    older = str(int(moment) - 40 * 86_400)
    aged.write_text(text.replace(f'data-at="{moment}"', f'data-at="{older}"', 1), "utf-8")
    one = opened(aged)
    before = one.shown("[data-count=incidents] > li")
    one.page.get_by_label("Time", exact=True).select_option(index=1)
    one.page.wait_for_selector("html[data-drawn]", state="attached")
    assert one.shown("[data-count=incidents] > li") == before - 1


def test_every_control_is_reached_and_worked_by_keyboard(opened: Open, report: Path) -> None:
    one = opened(report)
    reached = []
    for _ in range(80):
        one.page.keyboard.press("Tab")
        reached.append(one.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        outline = one.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or reached[-1] == "BODY", reached
        if reached[-1] == "BODY":
            break
    assert reached[0] == "A"
    assert reached[1:5] == ["of-source", "of-severity", "since", "BUTTON"]
    closed = one.page.locator("details summary").count()
    assert sum(name in {"SUMMARY", "held-back"} for name in reached) == closed
    one.page.locator(".failing summary").first.focus()
    one.page.keyboard.press("Enter")
    assert one.page.locator(".failing details[open]").count() == 1


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (360, "dark"),
        pytest.param(1280, "dark", marks=pytest.mark.long),
        pytest.param(360, "light", marks=pytest.mark.long),
    ],
)
def test_no_rule_of_accessibility_is_broken(opened: Open, report: Path, scheme: str, width: int) -> None:
    """Rules of axe-core, contrast among them, with everything unfolded."""
    one = opened(report, color_scheme=scheme, viewport={"width": width, "height": 800})
    one.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = Axe().run(one.page)
    broken = found.response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]][:3]) for rule in broken] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_in_cells_stand_out_from_their_ground(opened: Open, report: Path, scheme: str) -> None:
    """Of charts axe-core sees nothing; 4.5 to 1 is what it asks of text."""
    one = opened(report, color_scheme=scheme)
    pairs = [(f"--fill-{step}", f"--fill-ink-{step}") for step in range(5)]
    pairs += [
        ("--paper", name) for name in ("--ink", "--muted", "--critical", "--silent", "--warning", "--info", "--ok")
    ]
    styles = one.page.evaluate(
        "names => names.map(name => getComputedStyle(document.documentElement).getPropertyValue(name).trim())",
        [name for pair in pairs for name in pair],
    )
    for pair, ground, ink in zip(pairs, styles[::2], styles[1::2], strict=True):
        assert contrast(ground, ink) >= 4.5, (scheme, pair)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, as WCAG 2 has it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_phone_shows_everything_without_scrolling_sideways(opened: Open, report: Path) -> None:
    one = opened(report, viewport={"width": 360, "height": 740})
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_print_unfolds_what_is_folded_and_leaves_out_the_filters(opened: Open, report: Path, tmp_path: Path) -> None:
    one = opened(report, color_scheme="dark")
    folded = one.page.locator(FOLDED).count()
    assert folded > 0
    one.page.evaluate(COUNT_FOLDED)
    one.page.pdf(path=tmp_path / "page.pdf", print_background=True)
    assert one.page.evaluate("window.folded") == 0
    assert one.page.locator(FOLDED).count() == folded
    one.page.emulate_media(media="print", color_scheme="dark")
    assert one.shown("#filters") == 0
    assert (
        one.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()") == "#fbfaf6"
    )


def test_page_without_scripts_still_has_its_tables(browser: Browser, report: Path) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(report.as_uri())
    assert page.locator(".sources tbody tr").count() == 4
    assert page.get_by_text("Without JavaScript there are no charts").is_visible()
    page.context.close()
