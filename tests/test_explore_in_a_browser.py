"""Explorables in Chromium: true numbers, quick, quiet, usable by keyboard, as a page and as a widget."""

import json
import re

import numpy as np
import pytest
from browser import CHROMIUM, SCHEMES, WIDTHS, chromium, sticking_out, violations, visiting  # noqa: F401
from explored import explored  # noqa: F401

from scenes._explore import NAMES
from sims import GRU, Attention, GradientDescent, Metronomes

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

FRAMES = """() => new Promise(done => {
  let left = 90;
  const next = () => left-- ? requestAnimationFrame(next) : done();
  next();
})"""
SHADOW = "document.querySelector('.learning-dynamics-explorable').shadowRoot"


@pytest.fixture
def opened(chromium, explored):  # noqa: F811
    """Opens an explorable from its folder, at rest unless told, and waits until it has drawn."""

    def open_(name, width=1440, motion="reduce", **context):
        visit = visiting(chromium, explored(name) / "explore.html", width, reduced_motion=motion, **context)
        return drawn(visit)

    return open_


class drawn:
    """A visit whose explorable has drawn."""

    def __init__(self, visit):
        self.visit = visit

    def __enter__(self):
        visit = self.visit.__enter__()
        visit.page.evaluate("document.getElementById('explorable').explorable.ready")
        return visit

    def __exit__(self, *error):
        return self.visit.__exit__(*error)


def slid(page, which, place):
    """Move a slider to a place."""
    page.locator(f"#{which}").evaluate(
        "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')) }", place
    )


def shown(page):
    """The numbers of the table, by the name the page has for them, and the step each is rounded to."""
    page.locator("details tbody tr").first.wait_for()  # it opens, and is filled, a moment after the click
    values = page.evaluate("document.getElementById('explorable').explorable.values()")
    cells = page.evaluate(f"[...{SHADOW}.querySelectorAll('details tbody')][0].innerText").splitlines()
    rows = [line.split("\t") for line in cells]
    assert [row[0] for row in rows] == [each["what"] for each in values]
    return {each["name"]: (number(row[1]), each["step"]) for each, row in zip(values, rows)}


def number(text):
    """A number as a page writes it."""
    found = re.match(r"(−?[\d.]+)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", text)
    power = (found[2] or "0").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(found[1].replace("−", "-")) * 10.0 ** int(power)


def metronomes(places):
    runs = Metronomes.run_batch([Metronomes(beta=i / 1000, every=7) for i, _ in places])
    for k, (_, t) in enumerate(places):
        run = runs.isel(batch=k, time=t)
        yield {"r": run.r, "x": run.x} | {f"theta {k}": run.theta[k] for k in range(5)}


def gradient_descent(places):
    bowl = GradientDescent(surface="bowl", kappa=10.0, optimiser="gd", x_0=-1.2, y_0=1.0, steps=30)
    for i, t in places:
        run = bowl.model_copy(update={"eta": (i + 1) / 20}).run().isel(step=t)
        (x, y), (slope_x, slope_y) = run.x, run.gradient
        yield {"loss": run.loss, "x": x, "y": y, "slope x": slope_x, "slope y": slope_y}


def two_banks(places):
    whole = Attention(first=300, steps=300).run()
    for i, _ in places:
        run = whole.isel(step=i)
        each = {"cosine": run.cosine, "right": run.accuracy, "loss": run.loss}
        each |= {f"sense {s} {k}": run.probability[s, k] for s in range(2) for k in range(3)}
        yield each | {f"share {s} {k}": run.weights[s, 0, -1, k] for s in range(2) for k in range(6)}


def gru(places):
    sims = [
        GRU(task="alligator", steps=400, record_every=10, seed=1, gate_bias=(i - 6) / 2) for i, _ in places
    ]
    runs = GRU.run_batch(sims)
    for k, (_, t) in enumerate(places):
        run = runs.isel(batch=k, step=t)
        yield {
            "open": run.z[0].mean(),
            "trace cue": run.trace[6],
            "trace last": run.trace[12],
            "left": run.gradient_left[:, 6].mean(),
            "answer": run.y[0, -1, 0],
            "right": run.accuracy,
        }


FRESH = {each.__name__: each for each in (metronomes, gradient_descent, two_banks, gru)}
PLACES = {
    "metronomes": [(0, 1436), (1, 200), (11, 0), (23, 900), (39, 1300)],
    "gradient_descent": [(0, 30), (17, 5), (29, 1), (38, 30), (41, 12)],
    "two_banks": [(0, 0), (11, 0), (60, 0), (151, 0), (300, 0)],
    "gru": [(0, 40), (5, 3), (10, 0), (14, 12), (20, 25)],
}


@pytest.mark.parametrize("name", NAMES)
def test_at_five_positions_its_numbers_are_those_of_a_fresh_run(name, opened):
    with opened(name) as visit:
        page = visit.page
        page.locator("details summary").first.click()
        for (i, t), true in zip(PLACES[name], FRESH[name](PLACES[name]), strict=True):
            slid(page, "slider", i)
            if name != "two_banks":
                slid(page, "time", t)
            told = shown(page)
            assert set(told) == set(true)
            for what, (value, step) in told.items():
                truth = float(true[what])
                within = step / 2 if step else 5e-4 * abs(truth)
                # the last is for sums that another shape of arrays adds up in another order
                assert abs(value - truth) <= within * (1 + 1e-6) + 1e-9, (i, t, what)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", NAMES)
def test_it_has_no_fault_for_those_who_hear_or_type(name, scheme, opened):
    with opened(name, color_scheme=scheme) as visit:
        assert violations(visit.page) == []
        visit.page.evaluate(f"for (const each of {SHADOW}.querySelectorAll('details')) each.open = true")
        visit.page.wait_for_timeout(100)
        assert violations(visit.page) == []


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_at_every_width_asks_for_nothing_and_does_not_complain(name, opened):
    with opened(name) as visit:
        page = visit.page
        page.evaluate(f"for (const each of {SHADOW}.querySelectorAll('details')) each.open = true")
        for width in WIDTHS.values():
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(80)
            assert sticking_out(page) == []
            assert cut_off(page) == []
        assert visit.beyond == []
        assert visit.complaints == []


def cut_off(page):
    """Words in a picture that reach over its edge."""
    return page.evaluate(
        """root => [...root.querySelectorAll("svg:not(svg svg)")].flatMap(picture => {
          const edge = picture.getBoundingClientRect();
          return [...picture.querySelectorAll("text")].filter(text => {
            const box = text.getBoundingClientRect();
            return box.width && (box.left < edge.left - 1 || box.right > edge.right + 1
              || box.top < edge.top - 1 || box.bottom > edge.bottom + 1);
          }).map(text => `${picture.getAttribute("class")}: ${text.textContent} at ${innerWidth}`);
        })""",
        page.evaluate_handle(SHADOW),
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_keyboard_moves_the_slider_one_computed_position_at_a_time(name, opened):
    with opened(name) as visit:
        page, slider = visit.page, visit.page.locator("#slider")
        slider.focus()
        start = int(slider.input_value())
        page.keyboard.press("ArrowRight")
        assert int(slider.input_value()) == start + 1
        page.keyboard.press("Home")
        assert slider.input_value() == "0"
        first = slider.get_attribute("aria-valuetext")
        page.keyboard.press("End")
        last = int(slider.get_attribute("max"))
        assert int(slider.input_value()) == last
        assert slider.get_attribute("aria-valuetext") != first
        assert slider.get_attribute("step") == "1"
        assert page.evaluate(f"{SHADOW}.querySelector('label[for=slider]').textContent")
        # it is told once the slider rests: on a busy machine it rests between two keys, too
        told, said = (
            f"{SHADOW}.querySelector('{place}').textContent" for place in ("[role=status]", ".said")
        )
        page.wait_for_function(f"{told} && {told} === {said}", timeout=5000)


def test_dragging_in_the_overview_moves_the_slider(opened):
    with opened("metronomes") as visit:
        box = visit.page.locator(".overview svg").bounding_box()
        for share, at_least, at_most in ((0.99, 38, 39), (0.06, 0, 1)):
            visit.page.mouse.click(box["x"] + share * box["width"], box["y"] + 80)
            assert at_least <= int(visit.page.locator("#slider").input_value()) <= at_most


def test_it_plays_by_itself_and_by_its_button_to_the_end(opened):
    with opened("gradient_descent", motion="no-preference") as visit:
        page, time = visit.page, visit.page.locator("#time")
        page.wait_for_function(f"{SHADOW}.querySelector('#time').value > 1", timeout=10_000)
        page.get_by_role("button", name="Pause").click()
        stood = time.input_value()
        page.wait_for_timeout(400)
        assert time.input_value() == stood
        slid(page, "time", 29)
        page.get_by_role("button", name="Play").click()
        page.get_by_role("button", name="Again").wait_for(timeout=10_000)
        assert time.input_value() == time.get_attribute("max")
        assert visit.complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_who_asks_for_less_motion_finds_it_at_rest(name, opened):
    with opened(name) as visit:
        moving = "#slider" if name == "two_banks" else "#time"
        before = visit.page.locator(moving).input_value()
        visit.page.wait_for_timeout(500)
        assert visit.page.locator(moving).input_value() == before
        assert visit.page.get_by_role("button", name="Play").is_visible()


@pytest.mark.parametrize("name", NAMES)
def test_it_paints_soon_and_a_frame_leaves_time_to_spare(name, opened):
    # with room for a busy machine: what is meant is half a second, and 60 frames in each
    with opened(name, motion="no-preference") as visit:
        page = visit.page
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        assert page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") < 3000
        assert page.evaluate("performance.getEntriesByName('explorable drawn')[0].startTime") < 4000
        session = page.context.new_cdp_session(page)
        session.send(
            "Performance.enable", {"timeDomain": "threadTicks"}
        )  # the processor's time, not the wall's

        def worked():
            metrics = session.send("Performance.getMetrics")["metrics"]
            return next(each["value"] for each in metrics if each["name"] == "TaskDuration")

        before = worked()
        page.evaluate(FRAMES)
        assert (worked() - before) / 90 < 0.010  # seconds of 1/60


def test_the_pictures_stand_for_the_numbers(opened):
    with opened("metronomes") as visit:
        page = visit.page
        slid(page, "time", 700)
        page.locator("details summary").first.click()
        told = shown(page)
        turned = page.evaluate(
            f"[...{SHADOW}.querySelectorAll('.row g g')].map(rod => rod.getAttribute('transform'))"
        )
        angles = [float(re.search(r"rotate\((.*)\)", each)[1]) for each in turned if "translate" in each]
        assert angles == pytest.approx([np.degrees(told[f"theta {k}"][0]) for k in range(5)], abs=0.01)


def test_a_notebook_moves_it_and_is_told_where_it_stands(chromium, explored, tmp_path):  # noqa: F811
    module = (explored("gradient_descent") / "explore.mjs").read_text(encoding="utf-8")
    page_ = tmp_path / "notebook.html"
    page_.write_text(
        "<!doctype html><html lang=en><title>a</title><h1>a</h1><div id=explorable></div>"
        f"""<script type="module">
        const source = {quoted(module)};
        const address = URL.createObjectURL(new Blob([source], {{ type: "text/javascript" }}));
        const widget = (await import(address)).default;
        const held = {{ position: 7 }}, heard = {{}};
        window.model = {{
          saved: 0,
          get: key => held[key],
          set(key, value) {{ held[key] = value; heard["change:" + key]?.() }},
          save_changes() {{ this.saved++ }},
          on: (event, back) => {{ heard[event] = back }},
          off: event => {{ delete heard[event] }},
        }};
        const el = document.getElementById("explorable");
        window.leave = widget.render({{ model: window.model, el }});
        await el.explorable.ready;
        window.ready = true;
        </script>""",
        encoding="utf-8",
    )
    with visiting(chromium, page_, reduced_motion="reduce") as visit:
        page = visit.page
        page.wait_for_function("window.ready", timeout=10_000)
        assert page.locator("#slider").input_value() == "7"
        assert page.evaluate(f"{SHADOW}.querySelector('h1, h2').tagName") == "H2"
        page.evaluate("model.set('position', 12)")
        assert page.locator("#slider").input_value() == "12"
        page.locator("#slider").press("ArrowLeft")
        assert page.evaluate("[model.get('position'), model.saved > 0]") == [11, True]
        page.evaluate("leave()")
        assert page.evaluate("document.getElementById('explorable').childElementCount") == 0
        assert visit.complaints == []
        assert visit.beyond == []


def quoted(text):
    return json.dumps(text).replace("<", "\\u003c")
