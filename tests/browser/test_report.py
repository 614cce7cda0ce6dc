"""What a reader sees and does with the report, in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.browser import Browser
from tests.browser.conftest import NAME, TRIALS

pytestmark = pytest.mark.browser

DESKTOP, PHONE = (1280, 900), (390, 844)


@pytest.fixture
def page(browser: Browser, report: Path) -> Browser:
    """The report on a desktop, in light colours, with nothing said or asked for so far."""
    browser.size(*DESKTOP)
    browser.scheme("light")
    browser.said()
    browser.requests()
    browser.open(report)
    return browser


def cells(page: Browser, table: str, column: int) -> list[str]:
    script = (
        "return [...document.querySelector(arguments[0]).tBodies[0].rows].map(r => r.cells[arguments[1]].textContent)"
    )
    return page.js(script, table, column)


def column_of(page: Browser, table: str, heading: str) -> int:
    names = page.js(
        "return [...document.querySelector(arguments[0]).tHead.rows[0].cells].map(c => c.textContent)", table
    )
    return names.index(heading)


def press(page: Browser, table: str, heading: str, key: str = "") -> int:
    column = column_of(page, table, heading)
    button = page.driver.find_elements(By.CSS_SELECTOR, f"{table} th button")[column]
    page.js("arguments[0].scrollIntoView({block: 'center'})", button)
    button.send_keys(key) if key else button.click()
    return column


def test_it_is_silent_and_asks_for_nothing(page: Browser) -> None:
    page.js("window.scrollTo(0, document.body.scrollHeight)")
    assert page.said() == []
    assert page.requests() == []


def test_every_plot_is_drawn(page: Browser) -> None:
    empty = page.js(
        "return [...document.querySelectorAll('.plot')].filter(d => !d.querySelector("
        "'.main-svg .trace path, .main-svg .trace text, .main-svg image, .main-svg .heatmaplayer *, canvas'))"
        ".map(d => d.dataset.figure)"
    )
    assert page.js("return document.querySelectorAll('.plot').length") == 8
    assert empty == []


def test_parallel_coordinates_have_ink_on_their_canvas(page: Browser) -> None:
    painted = page.js(
        "const c = document.querySelector('.parallel canvas');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n"
    )
    assert painted > 10_000


def test_nothing_of_a_record_runs(page: Browser) -> None:
    assert page.js("return document.title") == f"{NAME} · invsearch report"
    assert page.js("return document.images.length") == 0
    filter_trials(page, "status=failed")
    assert "document.title='taken'" in page.js("return document.querySelector('#all pre').textContent")
    assert page.js("return document.title").startswith(NAME)


def test_a_script_that_got_in_would_not_run(page: Browser) -> None:
    page.js(
        "const s = document.createElement('script'); s.textContent = \"document.title = 'taken'\";"
        "document.body.append(s)"
    )
    assert page.js("return document.title").startswith(NAME)
    assert any("Content Security Policy" in line for line in page.said())


def test_accuracies_sort_both_ways_by_mouse_and_keyboard(page: Browser) -> None:
    column = press(page, "#all", "validation %")
    first = [float(text) for text in cells(page, "#all", column) if text]
    assert first == sorted(first)
    assert page.js("return document.querySelector('#all th[aria-sort]').ariaSort") == "ascending"
    press(page, "#all", "validation %", Keys.ENTER)
    second = [float(text) for text in cells(page, "#all", column) if text]
    assert second == sorted(second, reverse=True)
    assert second[0] > first[-1]  # Sorted were all trials and not only the page.
    assert page.js("return document.querySelector('#all th[aria-sort]').ariaSort") == "descending"


def test_blanks_sort_last_both_ways(page: Browser) -> None:
    table = "#published table"
    column = press(page, table, "mean")
    assert [bool(text) for text in cells(page, table, column)] == [True, False]
    press(page, table, "mean")
    assert [bool(text) for text in cells(page, table, column)] == [True, False]


def filter_trials(page: Browser, text: str) -> None:
    field = page.driver.find_element(By.ID, "filter")
    page.js("arguments[0].scrollIntoView({block: 'center'})", field)
    field.clear()
    field.send_keys(text)


def test_trials_are_paged_and_filtered(page: Browser) -> None:
    assert len(cells(page, "#all", 0)) == 100
    assert page.driver.find_element(By.ID, "shown").text == f"1 to 100 of {TRIALS + 4}"
    page.driver.find_element(By.ID, "next").click()
    assert page.driver.find_element(By.ID, "shown").text.startswith("101 to 200")
    filter_trials(page, "phase=rerun seed>=2")
    assert len(cells(page, "#all", 0)) == 2
    filter_trials(page, "no such trial")
    assert cells(page, "#all", 0) == []


def marked(page: Browser) -> str:
    page.until(lambda: page.js("return document.querySelector('tr.marked') !== null"), "a row is marked")
    return page.js("return document.querySelector('tr.marked').id.slice('trial-'.length)")


def on_screen(page: Browser) -> bool:
    return page.js(
        "const b = document.querySelector('tr.marked').getBoundingClientRect();"
        "return b.top >= 0 && b.bottom <= innerHeight"
    )


def test_a_click_on_a_point_leads_to_its_row(page: Browser) -> None:
    plot = page.driver.find_element(By.CSS_SELECTOR, "#figure-seeds .plot")
    page.js("arguments[0].scrollIntoView({block: 'center'})", plot)
    key = page.js("return arguments[0].data[1].customdata[2]", plot)
    at = page.js(
        "const d = arguments[0], l = d._fullLayout, b = d.getBoundingClientRect(), t = d.data[1];"
        "return [b.left + l.xaxis._offset + l.xaxis.l2p(t.x[2]), b.top + l.yaxis._offset + l.yaxis.l2p(t.y[2])]",
        plot,
    )
    page.click(*at)
    assert marked(page) == key
    assert on_screen(page)
    assert page.js("return location.hash") == f"#trial-{key}"


def test_a_click_on_a_line_of_parallel_coordinates_leads_to_its_row(page: Browser) -> None:
    plot = page.driver.find_element(By.CSS_SELECTOR, ".plot.parallel")
    page.js("arguments[0].scrollIntoView({block: 'center'})", plot)
    at = page.js(
        "const p = plots.get(arguments[0]).parallel, b = arguments[0].getBoundingClientRect(), n = p.visible.at(-1);"
        "const y = (p.y(p.axes[0].heights[n]) + p.y(p.axes[1].heights[n])) / 2;"
        "return [b.left + (p.x(0) + p.x(1)) / 2, b.top + y]",
        plot,
    )
    page.click(*at)
    assert marked(page) in page.js("return trials.keys")
    assert on_screen(page)


def test_dragging_along_an_axis_selects(page: Browser) -> None:
    plot = page.driver.find_element(By.CSS_SELECTOR, ".plot.parallel")
    page.js("arguments[0].scrollIntoView({block: 'center'})", plot)
    x, top, middle = page.js(
        "const p = plots.get(arguments[0]).parallel, b = arguments[0].getBoundingClientRect();"
        "return [b.left + p.x(3), b.top + p.y(1), b.top + p.y(0.5)]",
        plot,
    )
    page.drag((x, top - 4), (x, middle))
    chosen, of = page.js(
        "const p = plots.get(arguments[0]).parallel; return [p.visible.map(i => p.axes[3].heights[i]), p.order.length]",
        plot,
    )
    assert 0 < len(chosen) < of
    assert min(chosen) >= 0.49
    page.click(x, middle)
    assert page.js("return plots.get(arguments[0]).parallel.visible.length", plot) == of


def test_the_address_of_a_trial_opens_its_page_of_the_table(page: Browser, report: Path) -> None:
    key = page.js("return trials.keys[230]")
    page.open(report, f"#trial-{key}")
    assert marked(page) == key
    assert page.driver.find_element(By.ID, "shown").text.startswith("201 to")


def test_the_legend_hides_and_shows(page: Browser) -> None:
    button = page.driver.find_element(By.CSS_SELECTOR, "#figure-learning-curves .legend button")
    page.js("arguments[0].scrollIntoView({block: 'center'})", button)
    visible = "return document.querySelectorAll('#figure-learning-curves .plot')[1].data.map(t => t.visible)"
    button.click()
    assert page.js(visible) == [False, False, True, True]  # A band and its line, and two other lines.
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert page.js(visible) == [True] * 4


def colours(page: Browser) -> tuple[str, str]:
    return tuple(
        page.js(
            "return [getComputedStyle(document.body).backgroundColor,"
            " document.querySelector('#figure-importance .plot').data[0].marker.color]"
        )
    )


def test_light_and_dark_by_system_and_by_button(page: Browser, report: Path) -> None:
    light = colours(page)
    page.scheme("dark")
    page.open(report)
    dark = colours(page)
    assert (light[1], dark[1]) == ("#0072b2", "#3f9be0")
    assert light[0] != dark[0]
    page.driver.find_element(By.ID, "theme").click()
    assert colours(page) == light


@pytest.mark.parametrize("anchor", ["", "#trials"])
def test_on_a_phone_only_tables_scroll_sideways(page: Browser, report: Path, anchor: str) -> None:
    page.size(*PHONE, phone=True)
    page.open(report, anchor)
    assert page.js("return document.documentElement.scrollWidth") == PHONE[0]
    wide = page.js("const b = document.querySelector('#trials .scroll'); return b.scrollWidth > b.clientWidth")
    assert wide
    assert page.js("return document.querySelector('nav details').open") is False
    assert page.js("return parseFloat(getComputedStyle(document.documentElement).fontSize)") == 16
    assert page.said() == []


def test_a_button_shows_the_whole_axis(page: Browser) -> None:
    script = "return document.querySelector('#figure-learning-curves .plot').layout.yaxis.range"
    assert page.js(script) == [60, 100]
    button = page.driver.find_element(By.CSS_SELECTOR, "#figure-learning-curves button.focus")
    for shown in ([20, 100], [60, 100]):
        button.click()
        assert page.js(script) == shown


def test_the_best_cells_stand_out(page: Browser, report: Path) -> None:
    """Dark on white, light on dark, as in parallel coordinates."""
    script = "return document.querySelector('#figure-lr-momentum .plot').data[0].reversescale"
    assert page.js(script) is True
    page.scheme("dark")
    page.open(report)
    assert page.js(script) is False


def test_the_folded_details_are_on_paper_too(page: Browser) -> None:
    script = "return [...document.querySelectorAll('details.more')].map(d => d.open)"
    assert set(page.js(script)) == {False}
    page.js("dispatchEvent(new Event('beforeprint'))")
    assert set(page.js(script)) == {True}
    page.js("dispatchEvent(new Event('afterprint'))")
    assert set(page.js(script)) == {False}


def test_it_prints(page: Browser, shots: Path) -> None:
    printed = page.print()
    assert printed.startswith(b"%PDF")
    assert len(printed) > 50_000
    (shots / "print.pdf").write_bytes(printed)
    page.until(
        lambda: not page.js("return document.documentElement.classList.contains('printing')"), "the screen is back"
    )
    assert page.said() == []


@pytest.mark.parametrize("name", ["light", "dark", "phone"])
def test_screenshots(page: Browser, report: Path, shots: Path, name: str) -> None:
    page.scheme("dark" if name == "dark" else "light")
    page.size(*(PHONE if name == "phone" else DESKTOP), phone=name == "phone")
    page.open(report)
    page.screenshot(shots / f"{name}.png", whole=True)
    assert (shots / f"{name}.png").stat().st_size > 50_000
