"""Both themes are readable, and their colours stay apart for the four kinds of colour vision.

Judged by colorspacious: CAM02-UCS (Luo, Cui & Li 2006) for distance, Machado, Oliveira & Fernandes (2009) at
full severity for the three deficiencies; by WCAG 2.2 (1.4.3 and 1.4.11) for contrast.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from colorspacious import cspace_convert

from scenes import _render, _theme
from scenes._theme import DARK, LIGHT, Theme, colour, math, phase_colour, signed_colour, themed

ROLES = ("state", "target", "error", "updated", "third", "focus")
TEXT = ("ink", "muted", *ROLES)
APART = {DARK.name: 18.5, LIGHT.name: 15.0}
SIGHTS = {
    "normal": "sRGB1",
    "deutan": {"name": "sRGB1+CVD", "cvd_type": "deuteranomaly", "severity": 100},
    "protan": {"name": "sRGB1+CVD", "cvd_type": "protanomaly", "severity": 100},
    "tritan": {"name": "sRGB1+CVD", "cvd_type": "tritanomaly", "severity": 100},
}

all_sights = pytest.mark.parametrize("sight", SIGHTS)


@pytest.fixture(params=[DARK, LIGHT], ids=lambda theme: theme.name)
def theme(request: pytest.FixtureRequest) -> Iterator[Theme]:
    """Each of the two themes, in force while the test runs."""
    with themed(request.param.name):
        yield request.param


def rgb(code: str) -> np.ndarray:
    """``"#RRGGBB"`` as three floats in [0, 1]."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def contrast(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """WCAG contrast ratio, 1 to 21."""

    def luminance(c: np.ndarray) -> np.ndarray:
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    one, other = luminance(a), luminance(b)
    return (np.maximum(one, other) + 0.05) / (np.minimum(one, other) + 0.05)


def distance(a: np.ndarray, b: np.ndarray, sight: str) -> np.ndarray:
    """CAM02-UCS distance as seen with that sight: the smaller of as simulated and as a screen can show it."""
    a, b = cspace_convert(a, SIGHTS[sight], "sRGB1"), cspace_convert(b, SIGHTS[sight], "sRGB1")

    def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        difference = cspace_convert(a, "sRGB1", "CAM02-UCS") - cspace_convert(b, "sRGB1", "CAM02-UCS")
        return np.linalg.norm(difference, axis=-1)

    return np.minimum(between(a, b), between(np.clip(a, 0, 1), np.clip(b, 0, 1)))


def test_the_instruments_agree_with_published_values():
    black, white, grey = np.zeros(3), np.ones(3), rgb("#767676")
    assert contrast(black, white) == pytest.approx(21.0)
    # WebAIM: #767676 is the lightest grey that passes 4.5:1 on white.
    assert contrast(grey, white) == pytest.approx(4.54, abs=0.005)
    # Machado et al. (2009): the matrices keep greys grey, and lead red and green towards each other.
    for sight in ("deutan", "protan"):
        assert cspace_convert(grey, SIGHTS[sight], "sRGB1") == pytest.approx(grey, abs=1e-3)
        red, green = rgb("#B00000"), rgb("#006400")
        assert distance(red, green, sight) < 0.5 * distance(red, green, "normal")


def test_every_colour_is_written_as_six_hexadecimal_digits(theme: Theme):
    for role in ("ground", "panel", "ink", "muted", "faint", *ROLES):
        code = getattr(theme, role)
        assert len(code) == 7
        assert code[0] == "#"
        int(code[1:], 16)


def test_a_theme_holds_within_its_block_and_no_longer():
    before = colour("ground").to_hex()
    with themed("light"):
        assert colour("ground").to_hex() == LIGHT.ground
        with themed("dark"):
            assert colour("ground").to_hex() == DARK.ground
        assert colour("ground").to_hex() == LIGHT.ground
    assert colour("ground").to_hex() == before


def test_phase_and_signed_colours_follow_the_theme_in_force():
    seen = {}
    for name in ("dark", "light"):
        with themed(name):
            seen[name] = np.concatenate([phase_colour(np.zeros(1)), signed_colour(np.zeros(1), 1.0)])
    assert np.abs(seen["dark"] - seen["light"]).max(axis=-1).min() > 0.1


def test_the_fixed_colours_are_those_of_the_house_style():
    assert [getattr(DARK, role) for role in ("ground", "panel", "ink", "muted", "faint", *ROLES)] == [
        "#0E1218", "#151B24", "#E8ECF1", "#8A94A3", "#2A323D",
        "#85B2FF", "#EAAD3C", "#E25653", "#9BFAEF", "#B673A7", "#FFFF24",
    ]  # fmt: skip
    assert (LIGHT.ground, LIGHT.ink) == ("#FBFAF7", "#1A1F27")


@pytest.mark.parametrize("role", TEXT)
def test_text_is_readable_on_ground_and_on_panel(theme: Theme, role: str):
    # Lines and marks need 3:1; they wear the same colours, so they have it.
    for behind in (theme.ground, theme.panel):
        assert contrast(rgb(getattr(theme, role)), rgb(behind)) >= 4.5


@pytest.mark.parametrize("role", ROLES)
def test_dark_roles_reach_five_to_one_on_the_ground(role: str):
    assert contrast(rgb(getattr(DARK, role)), rgb(DARK.ground)) >= 5.0


def test_grids_and_panels_stay_in_the_background(theme: Theme):
    assert 1.2 <= contrast(rgb(theme.faint), rgb(theme.ground)) <= 1.6
    assert 1.05 <= contrast(rgb(theme.panel), rgb(theme.ground)) <= 1.15
    assert contrast(rgb(theme.faint), rgb(theme.panel)) >= 1.15


@all_sights
def test_every_two_roles_stay_apart(theme: Theme, sight: str):
    for one, other in combinations(ROLES, 2):
        apart = distance(rgb(getattr(theme, one)), rgb(getattr(theme, other)), sight)
        assert apart >= APART[theme.name], f"{one} and {other}"


@all_sights
def test_focus_is_never_taken_for_a_label(theme: Theme, sight: str):
    assert distance(rgb(theme.focus), rgb(theme.muted), sight) >= 15.0


@pytest.mark.parametrize("role", ["state", "target", "error", "updated", "third"])
def test_a_role_keeps_its_hue_from_dark_to_light(role: str):
    dark, light = (cspace_convert(rgb(getattr(theme, role)), "sRGB1", "JCh")[2] for theme in (DARK, LIGHT))
    assert abs((dark - light + 180) % 360 - 180) <= 22.5


def test_phase_colours_have_the_shape_of_the_phases_and_fit_the_screen(theme: Theme):
    rng = np.random.default_rng(0)
    assert np.shape(phase_colour(np.array(0.0))) == (3,)
    colours = phase_colour(rng.uniform(-50, 50, size=(4, 5)))
    assert colours.shape == (4, 5, 3)
    assert colours.min() >= 0.0
    assert colours.max() <= 1.0


def test_phase_colours_repeat_with_every_turn(theme: Theme):
    theta = np.random.default_rng(1).uniform(0, 2 * np.pi, size=200)
    for turns in (-7, -1, 1, 12):
        again = phase_colour(theta + 2 * np.pi * turns)
        np.testing.assert_allclose(again, phase_colour(theta), rtol=0, atol=1e-9)


def test_phase_colours_move_at_an_even_pace_without_a_seam(theme: Theme):
    theta = np.linspace(-np.pi, 3 * np.pi, 1441)
    steps = distance(phase_colour(theta[1:]), phase_colour(theta[:-1]), "normal")
    assert steps.max() <= 1.15 * steps.mean()
    assert steps.min() >= 0.85 * steps.mean()


def test_phase_colours_are_equally_light_and_readable(theme: Theme):
    colours = phase_colour(np.linspace(0, 2 * np.pi, 720, endpoint=False))
    lightness = cspace_convert(colours, "sRGB1", "CAM02-UCS")[:, 0]
    assert np.abs(lightness - lightness.mean()).max() <= 6.0
    for behind in (theme.ground, theme.panel):
        assert contrast(colours, rgb(behind)).min() >= 3.0


@all_sights
def test_opposite_phases_differ_for_every_eye(theme: Theme, sight: str):
    theta = np.linspace(0, np.pi, 360)
    apart = distance(phase_colour(theta), phase_colour(theta + np.pi), sight)
    assert apart.min() >= 8.0


def test_signed_colours_run_straight_from_error_through_panel_to_state(theme: Theme):
    value = np.array([-1.0, 0.0, 1.0])
    ends = np.stack([rgb(theme.error), rgb(theme.panel), rgb(theme.state)])
    np.testing.assert_allclose(signed_colour(value, 1.0), ends, rtol=0, atol=1e-12)
    for a, b in ((-1.0, 0.0), (0.0, 1.0)):
        share = np.linspace(0, 1, 9)
        line = signed_colour(a + share * (b - a), 1.0)
        chord = (1 - share)[:, None] * signed_colour(np.array(a), 1.0)
        chord = chord + share[:, None] * signed_colour(np.array(b), 1.0)
        np.testing.assert_allclose(line, chord, rtol=0, atol=1e-12)


def test_signed_colours_keep_the_last_colour_beyond_the_range(theme: Theme):
    np.testing.assert_array_equal(
        signed_colour(np.array([[-3.0, 2.0]]), 1.0), signed_colour(np.array([[-1.0, 1.0]]), 1.0)
    )
    assert np.shape(signed_colour(np.array(0.3), 1.0)) == (3,)


def test_signed_colours_are_scaled_by_the_largest_value(theme: Theme):
    value = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(signed_colour(8.0 * value, 8.0), signed_colour(value, 1.0), rtol=0, atol=1e-12)


@all_sights
def test_the_sign_is_readable_from_a_quarter_of_the_range(theme: Theme, sight: str):
    size = np.linspace(0.25, 1.0, 16)
    assert distance(signed_colour(-size, 1.0), signed_colour(size, 1.0), sight).min() >= 12.0


@all_sights
@pytest.mark.parametrize("sign", [-1, 1])
def test_larger_values_lie_farther_from_zero(theme: Theme, sight: str, sign: int):
    size = np.linspace(0, 1, 21)
    away = distance(signed_colour(sign * size, 1.0), signed_colour(0.0 * size, 1.0), sight)
    assert (np.diff(away) > 0).all()


@pytest.mark.parametrize("quality", ["draft", "4k"])
def test_a_formula_is_the_same_however_often_and_for_whatever_size_it_was_set(quality):
    """Manim gives later ones, and those of larger pictures, a wider fraction bar: pieces would differ."""
    formulas = []
    for each in ("medium", quality):
        _theme._formula.cache_clear()
        with _render.studio(_render.QUALITIES[each], "dark"):
            formulas += [math("r = 1/N sum_j e^(i phi_j)", 24).scale(1.5) for _ in range(2)]
    first, *others = formulas
    for other in others:
        for a, b in zip(first.get_family(), other.get_family(), strict=True):
            assert np.array_equal(a.points, b.points)
            assert a.stroke_width == b.stroke_width
