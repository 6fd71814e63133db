"""Pages pass axe-core, on a laptop and on a phone; a PDF passes every rule of PDF/UA-1."""

import base64
import html
import json
import re
from importlib.resources import files
from io import BytesIO
from itertools import cycle

import page as checker
import pytest
from fontTools.ttLib import TTFont
from frozen import MAKERS
from told import BOTH, BROWSER, EVERY, Page, opened, saved

from cycle_analysis.private_files import gather, write_sheets

WIDTHS = (1280, 320)
"""A laptop, and the narrowest phone: up to 640 pixels the layout is one, and there most scrolls."""
AXE = files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
RUN = """
<script>%s</script><script>
axe.run(document, {
  resultTypes: ["violations"], rules: {"color-contrast": {enabled: innerWidth > 640}}
}).then(found => parent.postMessage(
  [window.name, innerWidth, found.violations.map(one => one.id + ": " + one.nodes[0].html)], "*"
));
</script></body>"""
FRAMES = """<!doctype html><meta charset="utf-8"><ul id="told"></ul>%s<script>
addEventListener("message", ({data}) => {
  const told = document.createElement("li");
  told.textContent = JSON.stringify(data);
  document.getElementById("told").append(told);
});
</script>"""
"""A window is never narrower than 500 pixels; a frame is."""


def violations(folder, pages):
    """Give what axe-core finds in some pages, by page and width, all in one browser."""
    script, frames = RUN % AXE.replace("</script", "<\\/script"), ""
    for page in pages:
        told = page.read_text("utf-8").replace("</body>", script)
        (folder / f"checked_{page.name}").write_text(told, "utf-8")
        frame = f'<iframe src="checked_{page.name}" name="{page.name}" width="%d" height="900"'
        frames += "".join(f'{frame % width} style="border:0"></iframe>' for width in WIDTHS)
    (folder / "frames.html").write_text(FRAMES % frames, "utf-8")
    how = ("--window-size=1400,900", "--virtual-time-budget=20000")
    found = opened(folder / "frames.html", *how)
    told = re.findall("<li>(.*?)</li>", found.partition('id="told"')[2], re.DOTALL)
    return {(name, width): of for name, width, of in (json.loads(html.unescape(t)) for t in told)}


@pytest.fixture(scope="module")
def sheets(frozen_run, tmp_path_factory):
    """The own page of one unit of the example, in both languages and forms."""
    results, folder = saved(frozen_run("example")), tmp_path_factory.mktemp("sheets")
    wave = results.study.waves[-1]
    unit = gather(results.study, results, wave).scores.index[0]
    return [p for some in write_sheets(results.study, results, folder, wave, [unit]) for p in some]


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
def test_axe_finds_nothing_in_pages(frozen_run, tmp_path):
    reports = frozen_run("example").reports
    pages = [reports / name for name in ("report_nl.html", "annex_en.html", "fit_nl.html")]
    clean = {(page.name, width): [] for page in pages for width in WIDTHS}
    assert violations(tmp_path, pages) == clean


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
def test_axe_finds_nothing_in_the_page_of_a_unit_and_something_in_a_bad_page(sheets, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text('<html><body><main><h1>A</h1><img src="a.png"></main></body></html>')
    pages = [path for path in sheets if path.suffix == ".html"]
    found = violations(tmp_path, [*pages, bad])
    assert len(pages) == 2
    for width in WIDTHS:
        assert "image-alt" in "".join(found.pop(("bad.html", width)))
    assert found == {(page.name, width): [] for page in pages for width in WIDTHS}


@pytest.mark.parametrize(("name", "language"), [*zip(MAKERS, cycle(["nl", "en"]), strict=False)])
def test_a_report_in_pdf_breaks_no_rule_of_pdf_ua(frozen_run, name, language):
    path = frozen_run(name).reports / f"report_{language}.pdf"
    told = checker.validate_pdf(path, profile="ua1")
    assert [(one.rule_id, one.message) for one in told.failures] == []
    assert told.rules.total > 100


def test_the_page_of_a_unit_in_pdf_breaks_no_rule_of_pdf_ua(sheets):
    paths = [path for path in sheets if path.suffix == ".pdf"]
    assert len(paths) == 2
    assert all(checker.validate_pdf(path, profile="ua1").is_compliant for path in paths)


@EVERY
@BOTH
def test_text_in_drawings_is_text_and_the_page_holds_every_letter_of_it(frozen_run, name, language):
    for part in ("report", "annex"):
        told = (frozen_run(name).reports / f"{part}_{language}.html").read_text("utf-8")
        drawn = Page(told).drawn
        fonts = re.findall(r"url\(data:font/ttf;base64,([^)]+)\)", told)
        maps = [TTFont(BytesIO(base64.b64decode(font))).getBestCmap() for font in fonts]
        assert {ord(letter) for letter in drawn if letter != "\n"} <= set().union(*maps)
        assert re.search(r"\b100\b", drawn)
