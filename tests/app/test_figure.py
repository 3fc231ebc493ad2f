"""Figures for a paper: read back as PDF, SVG and PNG by what shares no code with what made them."""

import re
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader
from streamlit.util import calc_hash

from app.charts import compare, curves, depth, layers
from app.engine import runs
from app.export import page, press, printable
from app.export.column import Chart, broken, placed
from app.export.still import still
from app.player.view import View
from app.views import presets
from ncengine.cli.main import main
from ncengine.config.gallery import first
from ncengine.runs.gallery import Gallery
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from tests.app.conftest import make_run, open_at
from tests.app.test_export import CONFIG, SHIPPED

SVG = "{http://www.w3.org/2000/svg}"
MM = 72 / 25.4
NAMES = (
    "player", "collapse", "objective", "accuracy", "cosines", "layers", "map", "decay", "movement",
    "stream",
)  # fmt: skip
# A word that is on each, beside those of the title.
WORDS = {
    "player": "0", "collapse": "NC1", "objective": "floor", "accuracy": "training",
    "cosines": "ideal", "layers": "layer (1 is the embedding)", "map": "log₁₀ NC1",
    "decay": "decay paid", "movement": "block", "stream": "layer (1 is the embedding)",
}  # fmt: skip


@pytest.fixture
def run(store):
    made = make_run(CONFIG)
    store.put(made)
    return made


@pytest.fixture
def shipped(store, monkeypatch, tmp_path):
    """A store that holds nothing but what is shipped."""
    found = Store(tmp_path / "cache", Gallery(SHIPPED))
    monkeypatch.setattr(runs, "store", lambda: found)
    return found


@pytest.fixture
def command(monkeypatch, tmp_path, capsys, shipped):
    """Runs `ncengine figure` in a folder of its own; its status, and what it said."""
    monkeypatch.setenv("NCENGINE_GALLERY", str(SHIPPED))
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def command(*words):
        status = main(["figure", *words])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, said.err + said.out

    return command


def view(run, **changed):
    return replace(View(run.seeds_shown[0]), **changed)


def words_of(page):
    return " ".join(page.extract_text().split())


def fonts_of(page):
    """Of each font of a page its name, and whether its letters are in the file."""
    found = {}
    for font in page["/Resources"]["/Font"].values():
        (inner,) = font.get_object()["/DescendantFonts"]
        described = inner.get_object()["/FontDescriptor"].get_object()
        embedded = {"/FontFile", "/FontFile2", "/FontFile3"} & set(described)
        found[str(font.get_object()["/BaseFont"])] = bool(embedded)
    return found


def pages(content):
    reader = PdfReader(BytesIO(content))
    assert len(reader.pages) == 1
    return reader.pages[0]


@pytest.mark.parametrize("width, mm", [("single", 85), ("double", 178)])
@pytest.mark.parametrize("name", NAMES)
def test_a_pdf_has_its_text_as_text_in_an_embedded_font(run, name, width, mm):
    figure = printable.of_run(run, name, view(run))
    for titled in (True, False):
        page = pages(press.pressed(figure.svg(width, titled), "pdf"))
        assert float(page.mediabox.width) == pytest.approx(mm * MM, abs=1)
        said = words_of(page)
        assert WORDS[name] in said and (CONFIG.title() in said) == titled
        fonts = fonts_of(page)
        assert fonts and all(fonts.values()) and all("+Inter" in font for font in fonts), fonts


@pytest.mark.parametrize("name", NAMES)
def test_an_svg_has_its_text_as_text_and_asks_for_nothing(run, name):
    figure = printable.of_run(run, name, view(run))
    root = ElementTree.fromstring(press.pressed(figure.svg("single"), "svg", told='<"&'))
    assert root.get("aria-label") == '<"&'
    assert root.get("width") == "85.02mm" and root.get("viewBox").startswith("0 0 241 ")
    said = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    assert WORDS[name] in said and CONFIG.title().split(" · ")[0] in said
    (style,) = root.iter(f"{SVG}style")
    assert "@font-face" in style.text and not re.search(r"url\((?!\"data:)", style.text)
    for element in root.iter():
        for attribute, value in element.attrib.items():
            assert "href" not in attribute, element.tag
            assert "url(" not in value or value.startswith("url(#")


@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize("depth, wanted", [(2, range(1, 3)), (3, range(1, 4)), (34, (10, 20, 30))])
def test_each_layer_has_one_tick_at_most(store, depth, width, wanted):
    made = make_run(CONFIG.with_(depth=depth))
    figure = printable.of_run(made, "layers", view(made))
    root = ElementTree.fromstring(figure.svg(width, False))
    named = {}
    for text in root.iter(f"{SVG}text"):
        if text.get("text-anchor") == "middle" and (text.text or "").isdigit():
            at = re.match(r"translate\(([\d.]+)", text.get("transform"))[1]
            named.setdefault(int(text.text), []).append(float(at))
    assert set(wanted) <= set(named) and 0 not in named, named
    assert all(len(at) == 1 for at in named.values()), named
    # And a layer's number stands where the layer is: by equal steps.
    places = [named[layer][0] for layer in wanted]
    steps = np.diff(places)
    assert (steps > 0).all() and steps == pytest.approx(steps[0], abs=0.1)


def test_all_signs_of_charts_are_in_the_typeface():
    # A sign that it lacks would come from whatever font a machine has.
    signs = "0123456789.,−+±×·°%–…’“”₀₁≤≥λσäß²³ ABC xyz"
    for weight in (400, press.BOLD):
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 500 20" width="500" height="20">'
            f'<text y="15" font-family="{press.FONT}" font-weight="{weight}">{signs}</text></svg>'
        )
        assert all("+Inter" in font for font in fonts_of(pages(press.pressed(svg, "pdf"))))


@pytest.mark.parametrize("pixels", [None, 200, 1001, 3840])
def test_a_png_is_as_many_pixels_wide_as_asked_for(run, pixels):
    svg = printable.of_run(run, "player", view(run)).svg("double", False)
    image = Image.open(BytesIO(press.pressed(svg, "png", pixels)))
    assert image.width == (pixels or 3840)
    assert image.height == pytest.approx(image.width * 284 / 504, abs=1)
    # It is as wide on paper as the others.
    assert image.width / image.info["dpi"][0] * 25.4 == pytest.approx(178, abs=1)


@pytest.mark.parametrize("wrong", [{"form": "jpg"}, {"form": "png", "pixels": 3841}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        press.pressed('<svg viewBox="0 0 10 10"/>', **wrong)


def test_what_draws_is_begun_anew_where_it_was_ended():
    spec = {"data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {"x": {"field": "x"}}}
    before = press.drawn(spec)
    press._drawing.begin().kill()
    press._drawing.begin().wait()
    assert press.drawn(spec) == before


def test_what_ends_while_it_draws_is_told_and_the_next_is_drawn(monkeypatch):
    begun = press._drawing.begin()
    begun.kill()
    begun.wait()
    with monkeypatch.context() as patched:
        # As of one that ends between two looks.
        patched.setattr(press._drawing, "begin", lambda: begun)
        with pytest.raises(OSError, match="what draws charts ended"):
            press.pressed('<svg viewBox="0 0 10 10"/>', "pdf")
    with pytest.raises(ValueError):
        press.pressed("no drawing", "pdf")
    assert press.pressed('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>', "pdf")


# 0 and infinity.


def marks(svg, kind):
    """(n, 2): where the marks of a kind lie."""
    root, found = ElementTree.fromstring(svg), []
    for group in root.iter(f"{SVG}g"):
        if kind in group.get("class", "").split():
            for path in group.iter(f"{SVG}path"):
                shift = re.search(r"translate\(([\d.-]+),([\d.-]+)\)", path.get("transform", ""))
                if shift:
                    found.append([float(shift[1]), float(shift[2])])
    return np.array(found)


def bars(svg):
    """Top and bottom of each upright line that is drawn as a rule."""
    found = []
    for line in ElementTree.fromstring(svg).iter(f"{SVG}line"):
        shift = re.search(r"translate\(([\d.-]+),([\d.-]+)\)", line.get("transform", ""))
        if shift and line.get("stroke") == depth.COLORS[0]:
            ends = float(shift[2]), float(shift[2]) + float(line.get("y2"))
            found.append([float(shift[1]), min(ends), max(ends)])
    return np.array(sorted(found))


def points(*values):
    """Rows of Depth: a point at each depth, with its bar."""
    return [
        {
            "kind": "mean", "series": "0", "x": 2.0 + n, "mean": mean, "low": low, "high": high,
            "open": False,
        }
        for n, (mean, low, high) in enumerate(values)
    ]  # fmt: skip


def test_points_without_a_place_on_a_logarithmic_axis_are_left_out():
    values = [1e-3, 0.0, 1e-1, np.inf, np.nan, -1.0, 1e-2]
    rows = points(*((value, value, value) for value in values))
    there = marks(Chart("", depth.spec("depth", "NC1"), rows).svg("single"), "mark-symbol")
    # Those that are seen: the deeper ones to the right, the larger ones higher up.
    shown = [value for value in values if np.isfinite(value) and value > 0]
    seen = np.unique(there.round(2), axis=0)
    assert len(seen) == len(shown)
    heights = seen[seen[:, 0].argsort(), 1]
    steps = (heights[0] - heights[1]) / 2, heights[2] - heights[1]
    assert steps[0] == pytest.approx(steps[1], abs=0.1) and steps[0] > 5


def test_an_end_of_a_bar_without_a_place_lies_at_the_edge_it_goes_towards():
    rows = points((1e-2, 0.0, 1e-1), (1e-2, 1e-3, np.inf), (1e-2, 1e-3, 1e-1))
    drawn = bars(Chart("", depth.spec("depth", "NC1"), rows).svg("single"))
    assert len(drawn) == 3
    below, above, sound = drawn[:, 1:]
    assert np.allclose([below[0], above[1]], [sound[0], sound[1]], atol=0.1)
    assert below[1] >= sound[1] - 0.1 and above[0] <= sound[0] + 0.1


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, -np.inf, np.nan])
def test_no_row_holds_what_has_no_place(value):
    spec = compare.pair_spec(("a", "b"), (("NC1", "#123456"),), "NC1")
    rows = [{"passes": 1.0, "run": "a", "metric": "NC1", "value": value}]
    assert placed(rows, spec)[0]["value"] is None
    # 0 has a place on an axis that is none of a logarithm's, also where that bends at 0.
    for spec, name in (
        (curves.accuracy_spec(False), "accuracy"),
        (layers.blocks_spec("decay"), "decay"),
    ):
        kept = placed([{"passes": 0.0, name: value}], spec)[0]
        assert kept[name] == (value if np.isfinite(value) else None) and kept["passes"] == 0.0


# The last is what a training in double precision may come to before it diverges.
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("bad", [0.0, np.inf, np.nan, [1e250, 1e251]])
def test_a_run_with_odd_values_has_every_figure(store, bad):
    made = make_run(CONFIG)
    odd = {name: np.where(np.arange(7)[:, None] == 3, bad, v) for name, v in made.curves.items()
           if name != "epoch"}  # fmt: skip
    run = replace(made, curves={**odd, "epoch": made.curves["epoch"]})
    measured = {name: np.full_like(v, 1e250) if bad == [1e250, 1e251] else v
                for name, v in made.layers.measured.items()}  # fmt: skip
    run = replace(run, layers=replace(made.layers, measured=measured))
    for name in printable.titles(run):
        svg = printable.of_run(run, name, view(run)).svg("single")
        assert not re.search(r"NaN|Infinity|undefined", svg)
    assert page.of_run(run, view(run))


def test_layers_of_which_no_moment_was_kept_have_no_figure(store):
    run = make_run(CONFIG)
    none = {name: v[:0] for name, v in run.layers.measured.items()}
    run = replace(run, layers=replace(run.layers, measured=none, epoch=run.layers.epoch[:0]))
    for name in ("layers", "map", "decay"):
        with pytest.raises(ValueError, match="has no layers to show"):
            printable.of_run(run, name, view(run))


# Which charts, and the player.


def test_what_has_no_points_has_no_figure(store):
    run = make_run(CONFIG, Status.RUNNING, curves={}, geometry=None, layers=None)
    assert printable.titles(replace(run, curves={"epoch": np.empty(0)})) == {}
    free = make_run(CONFIG.with_(architecture="UFM"))
    assert "layers" not in printable.titles(free)
    with pytest.raises(ValueError, match="nothing to show of layers"):
        printable.of_run(free, "layers", view(free))


def test_a_title_breaks_between_its_parts():
    title = "5-RN1, post-LN · MNIST, 10 × 100 · CE · λ = 0.005"
    lines = broken(title, 150)
    assert " ".join(lines) == title and len(lines) > 1
    assert all(line.endswith(("·", ",")) for line in lines[:-1])


# Of several runs of the Library.


def several(count):
    """So many runs, by what they are called: each a tenth of the one before."""
    made = make_run(CONFIG)
    curves_of = [
        {name: v if name == "epoch" else v * 10.0**-n for name, v in made.curves.items()}
        for n in range(count)
    ]
    return {f"{n + 1}: Depth L {n + 2}": replace(made, curves=c) for n, c in enumerate(curves_of)}


def strokes(svg):
    """By colour, the heights of all lines that are drawn."""
    found = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if "mark-line" in group.get("class", "").split():
            for path in group.iter(f"{SVG}path"):
                numbers = re.findall(r"-?\d+\.?\d*", path.get("d"))
                found[path.get("stroke")] = np.array(numbers[1::2], float)
    return found


@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize("metric", list(compare.METRICS))
def test_runs_over_each_other_have_a_figure_with_their_names(metric, width):
    named = several(6)
    figure = printable.of_several(named, metric)
    page = pages(press.pressed(figure.svg(width), "pdf"))
    said = words_of(page)
    assert all(name in said for name in named) and "over passes" in said
    assert fonts_of(page) and all("+Inter" in font for font in fonts_of(page))
    drawn = strokes(figure.svg(width))
    # Each in its colour, and on a logarithmic axis as far below the one before.
    heights = np.array([drawn[color].max() for color in compare.COLORS])
    assert len(drawn) == 6 and heights[0] < heights[-1]
    assert np.diff(heights) == pytest.approx(np.diff(heights).mean(), rel=0.02)


def test_long_names_of_runs_break_and_are_whole():
    long = "2: Samples per class n 100, Architecture RN1, Depth L 13, Weight decay λ 0.005"
    named = dict(zip(("1: a", long), several(2).values(), strict=True))
    svg = printable.of_several(named, "nc1").svg("single")
    root = ElementTree.fromstring(svg)
    shown = [" ".join("".join(text.itertext()).split()) for text in root.iter(f"{SVG}text")]
    assert long not in shown
    whole = " ".join(shown)
    assert all(part.strip() in whole for part in long.split(","))


def test_runs_that_have_nothing_to_show_have_no_figure():
    empty = make_run(CONFIG, Status.RUNNING, curves={"epoch": np.empty(0)}, geometry=None)
    with pytest.raises(ValueError, match="none of these runs"):
        printable.of_several({"1": empty, "2": empty}, "nc1")


def circles(svg, fill="url(#ball"):
    root = ElementTree.fromstring(svg)
    return [c for c in root.iter(f"{SVG}circle") if c.get("fill", "").startswith(fill)]


def test_the_player_is_drawn_as_the_address_says(run):
    labels = run.geometry.labels

    def drawn(**start):
        return still(run, view(run, start=tuple(start.items()))).svg("single", False)

    assert len(circles(drawn())) == len(labels) + CONFIG.classes
    assert len(circles(drawn(drawn="means"))) == CONFIG.classes
    assert len(circles(drawn(drawn="none"))) == 0
    hidden = circles(drawn(hidden="0,2"))
    assert len(hidden) == sum(k not in (0, 2) for k in labels) + CONFIG.classes - 2
    for wrong in ({"camera": "1_2"}, {"hidden": "x"}, {"layer": "x"}, {"view": "4d"}):
        assert drawn(**wrong) == drawn()
    assert drawn(layer="1") != drawn() and drawn(epoch="1") != drawn()
    assert drawn(layer="99") == drawn()


def test_test_samples_are_rings(run):
    svg = still(run, view(run, test=True)).svg("single", False)
    rings = [c for c in circles(svg, "none") if float(c.get("r")) < 3]
    assert len(rings) == 2 * len(run.geometry.test_labels)


def test_what_the_player_shows_lies_within_the_figure(run):
    for width, across in (("single", 241), ("double", 504)):
        root = ElementTree.fromstring(still(run, view(run)).svg(width, False))
        for text in root.iter(f"{SVG}text"):
            assert 0 < float(text.get("x")) < across


def test_what_is_near_crosses_no_title(run):
    def picture(titled, **start):
        shown = still(run, view(run, start=tuple(start.items())))
        made = press.pressed(shown.svg("single", titled), "png", 600)
        return np.asarray(Image.open(BytesIO(made)).convert("L"))

    near = {"camera": "0.5_0.1_-0.3_0.8_6_0_0"}
    high = len(picture(True)) - len(picture(False))
    above = {name: picture(True, **near, drawn=name)[:high] for name in ("none", "samples,rows")}
    assert (above["none"] < 128).any()
    np.testing.assert_array_equal(*above.values())
    # And it does reach to where the box begins.
    assert (picture(False, **near, drawn="samples,rows")[:2] < 250).any()


# From the command line.


def test_the_command_writes_each_kind(command, shipped, tmp_path):
    run = next(iter(shipped.gallery.entries()))["key"]
    for kind in ("curves", "layers", "map", "blocks", "cosines", "player"):
        assert command(kind, run, "--out", f"{kind}.pdf") == (0, f"{kind}.pdf\n")
        assert (tmp_path / f"{kind}.pdf").read_bytes().startswith(b"%PDF")
    assert (
        command("depth", "figure-1", "--out", "depth.svg", "--no-title", "--column", "double")[0]
        == 0
    )
    root = ElementTree.fromstring((tmp_path / "depth.svg").read_bytes())
    said = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
    assert root.get("width") == "177.80mm" and "over depth" not in said
    assert "MNIST, n = 100, RN1, 500 passes · slope −" in said and "depth L" in said
    assert command("depth", "digits-grid", "--out", "map.png", "--pixels", "300")[0] == 0
    assert Image.open(tmp_path / "map.png").width == 300


def test_the_command_takes_an_address(command, shipped, tmp_path):
    run = shipped.open(first())
    address = "http://127.0.0.1:8501/?" + "&".join(
        f"{n}={v}" for n, v in run.config.query().items()
    )
    assert command("player", "--address", f"{address}&view=2d&epoch=10", "--out", "a.svg")[0] == 0
    key = run.key[:10]
    assert command("player", key, "--view", "2d", "--at", "10", "--out", "b.svg")[0] == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    picture = "&".join(f"{n}={v}" for n, v in presets.query_of("two-mechanisms").items())
    asked = f"http://127.0.0.1:8501/depth?{picture}"
    assert command("depth", "--address", asked, "--out", "c.svg")[0] == 0
    assert command("depth", "two-mechanisms", "--out", "d.svg")[0] == 0
    # Vega counts the clips of a process.
    first_of, second = (
        re.sub(r"clip\d+", "clip", (tmp_path / name).read_text(encoding="utf-8"))
        for name in ("c.svg", "d.svg")
    )
    assert first_of == second


def test_the_command_lays_runs_over_each_other(command, shipped, tmp_path):
    key = shipped.open(first()).key
    beside = ("--beside", "depth=2", "--beside", "depth=34")
    assert command("runs", key, *beside, "--of", "nc3", "--out", "runs.pdf")[0] == 0
    said = words_of(pages((tmp_path / "runs.pdf").read_bytes()))
    depths = [first().depth, 2, 34]
    assert all(f"{n}: Depth L {depth}" in said for n, depth in enumerate(depths, 1)), said
    assert "NC3 over passes" in said


@pytest.mark.parametrize(
    "words, status, says",
    [
        (("curves", "--out", "x.txt"), 2, "--out x.txt: must end in .svg, .png or .pdf"),
        (("curves", "--out", "no/x.pdf"), 2, "there is no folder no"),
        (("curves", "--depth", "7", "--out", "x.pdf"), 1, "`ncengine train` trains it"),
        (("depth", "--depth", "7,9", "--out", "x.pdf"), 1, "`ncengine sweep` trains them"),
        (("depth", "figure-9", "--out", "x.pdf"), 2, "did you mean figure-1"),
        (("depth", "--depth", "2,x", "--out", "x.pdf"), 2, "--depth 2,x: must be up to 20"),
        (("depth", "figure-1", "--of", "nc9", "--out", "x.pdf"), 2, "--of nc9: must be one of"),
        (("curve", "--out", "x.pdf"), 2, "KIND = curve: must be one of depth, curves"),
        (("curves",), 2, "--out says where to"),
        (("curves", "RUN", "--of", "x", "--out", "x.pdf"), 2, "--of x: must be one of collapse"),
        (("layers", "RUN", "--of", "x", "--out", "x.pdf"), 2, "--of x: must be one of nc1"),
        (("player", "RUN", "--seed", "77", "--out", "x.pdf"), 2, "--seed 77: must be one of"),
        (("player", "RUN", "--focus", "0,1", "--out", "x.pdf"), 2, "--focus 0,1: must be 3 or 4"),
        (("curves", "", "--out", "x.pdf"), 2, "KEY = ''"),
        (("depth", "", "--out", "x.pdf"), 2, "KEY = : must be one of figure-1"),
        (("player", "RUN", "--at", "-1", "--out", "x.pdf"), 2, "--at -1: must be"),
        (("player", "RUN", "--camera", "1_2", "--out", "x.pdf"), 2, "--camera 1_2: must be"),
        (("player", "RUN", "--pixels", "9", "--out", "x.png"), 2, "--pixels 9: must be"),
        (("player", "RUN", "--pixels", "900", "--out", "x.pdf"), 2, "--pixels: goes with"),
        (("compare", "RUN", "--out", "x.pdf"), 2, "--beside names the other run"),
        (("compare", "RUN", "--beside", "zz", "--out", "x.pdf"), 2, "no run at hand"),
        (("compare", "RUN", "--beside", "dept=3", "--out", "x.pdf"), 2, "dept is no field"),
        (("compare", "RUN", "--beside", "a", "--beside", "b", "--out", "x.pdf"), 2, "takes one"),
        (("curves", "RUN", "--beside", "a", "--out", "x.pdf"), 2, "goes with compare and runs"),
        # What would be left aside is not taken in silence.
        (("curves", "RUN", "--layer", "2", "--out", "x.pdf"), 2, "--layer: goes with player"),
        (("cosines", "RUN", "--test", "--out", "x.pdf"), 2, "--test: goes with curves and player"),
        (("player", "RUN", "--of", "nc1", "--out", "x.pdf"), 2, "--of: goes with curves, layers,"),
        (("map", "RUN", "--at", "10", "--out", "x.pdf"), 2, "--at: goes with layers, blocks, cos"),
        (("depth", "figure-1", "--seed", "1", "--out", "x.pdf"), 2, "--seed: goes with layers, "),
        (("player", "RUN", "--layer", "999", "--out", "x.pdf"), 2, "number of a layer, from 1 to "),
        (("runs", "RUN", "--out", "x.pdf"), 2, "--beside names another run, 1 to 5 times"),
        (("runs", "RUN", *("--beside", "a") * 6, "--out", "x.pdf"), 2, "1 to 5 times"),
        (("runs", "RUN", "--beside", "zz", "--out", "x.pdf"), 2, "no run at hand"),
        (("runs", "RUN", "--beside", "a", "--of", "x", "--out", "x.pdf"), 2, "--of x: must be"),
        (("player", "--address", "nothing", "--out", "x.pdf"), 2, "says nothing of a run"),
        (("player", "zz", "--out", "x.pdf"), 2, "no run at hand has such a key"),
    ],
)
def test_the_command_refuses_in_words(command, shipped, tmp_path, words, status, says):
    key = shipped.open(first()).key
    came, said = command(*(key if word == "RUN" else word for word in words))
    assert (came, says in said) == (status, True), said
    assert not list(tmp_path.glob("x.*"))


# On the pages.


@pytest.mark.parametrize("page", ["", "depth", "compare"])
def test_share_offers_figures_and_one_html_file(at, store, page):
    store.put(make_run(CONFIG))
    if page:
        # As a browser that opens the page by its address.
        at._page_hash = calc_hash(page)
    open_at(at, **CONFIG.query())
    labels = [button.proto.label for button in at.get("download_button")]
    assert {"Save as one HTML file", "Save figure"} <= set(labels)
    assert not at.exception
