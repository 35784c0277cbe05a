"""Both themes are readable, and their colours stay apart for the four kinds of colour vision.

Judged by colorspacious: CAM02-UCS (Luo, Cui & Li 2006) for distance, Machado, Oliveira & Fernandes (2009) at
full severity for the three deficiencies; by WCAG 2.2 (1.4.3 and 1.4.11) for contrast.
"""

from itertools import combinations

import numpy as np
import pytest
from colorspacious import cspace_convert

from scenes._theme import DARK, LIGHT, Theme, phase_colour, signed_colour

ROLES = ("state", "target", "error", "updated", "third", "focus")
TEXT = ("ink", "muted", *ROLES)
APART = {DARK.name: 18.5, LIGHT.name: 15.0}
SIGHTS = {
    "normal": "sRGB1",
    "deutan": {"name": "sRGB1+CVD", "cvd_type": "deuteranomaly", "severity": 100},
    "protan": {"name": "sRGB1+CVD", "cvd_type": "protanomaly", "severity": 100},
    "tritan": {"name": "sRGB1+CVD", "cvd_type": "tritanomaly", "severity": 100},
}

both_themes = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
all_sights = pytest.mark.parametrize("sight", SIGHTS)


def rgb(colour: str) -> np.ndarray:
    """``"#RRGGBB"`` as three floats in [0, 1]."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


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


@both_themes
def test_every_colour_is_written_as_six_hexadecimal_digits(theme: Theme):
    for role in ("ground", "panel", "ink", "muted", "faint", *ROLES):
        colour = getattr(theme, role)
        assert len(colour) == 7
        assert colour[0] == "#"
        int(colour[1:], 16)


def test_the_fixed_colours_are_those_of_the_house_style():
    assert [getattr(DARK, role) for role in ("ground", "panel", "ink", "muted", "faint", *ROLES)] == [
        "#0E1218", "#151B24", "#E8ECF1", "#8A94A3", "#2A323D",
        "#85B2FF", "#EAAD3C", "#E25653", "#9BFAEF", "#B673A7", "#FFFF24",
    ]  # fmt: skip
    assert (LIGHT.ground, LIGHT.ink) == ("#FBFAF7", "#1A1F27")


@both_themes
@pytest.mark.parametrize("role", TEXT)
def test_text_is_readable_on_ground_and_on_panel(theme: Theme, role: str):
    for behind in (theme.ground, theme.panel):
        assert contrast(rgb(getattr(theme, role)), rgb(behind)) >= 4.5


@pytest.mark.parametrize("role", ROLES)
def test_dark_roles_reach_five_to_one_on_the_ground(role: str):
    assert contrast(rgb(getattr(DARK, role)), rgb(DARK.ground)) >= 5.0


@both_themes
@pytest.mark.parametrize("role", TEXT)
def test_marks_stand_out_from_ground_and_panel(theme: Theme, role: str):
    for behind in (theme.ground, theme.panel):
        assert contrast(rgb(getattr(theme, role)), rgb(behind)) >= 3.0


@both_themes
def test_grids_and_panels_stay_in_the_background(theme: Theme):
    assert 1.2 <= contrast(rgb(theme.faint), rgb(theme.ground)) <= 1.6
    assert 1.05 <= contrast(rgb(theme.panel), rgb(theme.ground)) <= 1.15
    assert contrast(rgb(theme.faint), rgb(theme.panel)) >= 1.15


@all_sights
@both_themes
def test_every_two_roles_stay_apart(theme: Theme, sight: str):
    for one, other in combinations(ROLES, 2):
        apart = distance(rgb(getattr(theme, one)), rgb(getattr(theme, other)), sight)
        assert apart >= APART[theme.name], f"{one} and {other}"


@all_sights
@both_themes
def test_focus_is_never_taken_for_a_label(theme: Theme, sight: str):
    assert distance(rgb(theme.focus), rgb(theme.muted), sight) >= 15.0


@pytest.mark.parametrize("role", ["state", "target", "error", "updated", "third"])
def test_a_role_keeps_its_hue_from_dark_to_light(role: str):
    dark, light = (cspace_convert(rgb(getattr(theme, role)), "sRGB1", "JCh")[2] for theme in (DARK, LIGHT))
    assert abs((dark - light + 180) % 360 - 180) <= 22.5


@both_themes
def test_phase_colours_have_the_shape_of_the_phases_and_fit_the_screen(theme: Theme):
    rng = np.random.default_rng(0)
    assert np.shape(phase_colour(0.0, theme)) == (3,)
    colours = phase_colour(rng.uniform(-50, 50, size=(4, 5)), theme)
    assert colours.shape == (4, 5, 3)
    assert colours.min() >= 0.0
    assert colours.max() <= 1.0


@both_themes
def test_phase_colours_repeat_with_every_turn(theme: Theme):
    theta = np.random.default_rng(1).uniform(0, 2 * np.pi, size=200)
    for turns in (-7, -1, 1, 12):
        again = phase_colour(theta + 2 * np.pi * turns, theme)
        np.testing.assert_allclose(again, phase_colour(theta, theme), rtol=0, atol=1e-9)


@both_themes
def test_phase_colours_move_at_an_even_pace_without_a_seam(theme: Theme):
    theta = np.linspace(-np.pi, 3 * np.pi, 1441)
    steps = distance(phase_colour(theta[1:], theme), phase_colour(theta[:-1], theme), "normal")
    assert steps.max() <= 1.15 * steps.mean()
    assert steps.min() >= 0.85 * steps.mean()


@both_themes
def test_phase_colours_are_equally_light_and_readable(theme: Theme):
    colours = phase_colour(np.linspace(0, 2 * np.pi, 720, endpoint=False), theme)
    lightness = cspace_convert(colours, "sRGB1", "CAM02-UCS")[:, 0]
    assert np.abs(lightness - lightness.mean()).max() <= 6.0
    for behind in (theme.ground, theme.panel):
        assert contrast(colours, rgb(behind)).min() >= 3.0


@all_sights
@both_themes
def test_opposite_phases_differ_for_every_eye(theme: Theme, sight: str):
    theta = np.linspace(0, np.pi, 360)
    apart = distance(phase_colour(theta, theme), phase_colour(theta + np.pi, theme), sight)
    assert apart.min() >= 8.0


@both_themes
def test_signed_colours_run_straight_from_error_through_panel_to_state(theme: Theme):
    value = np.array([-1.0, 0.0, 1.0])
    ends = np.stack([rgb(theme.error), rgb(theme.panel), rgb(theme.state)])
    np.testing.assert_allclose(signed_colour(value, theme), ends, rtol=0, atol=1e-12)
    for a, b in ((-1.0, 0.0), (0.0, 1.0)):
        share = np.linspace(0, 1, 9)
        line = signed_colour(a + share * (b - a), theme)
        chord = (1 - share)[:, None] * signed_colour(np.array(a), theme)
        chord = chord + share[:, None] * signed_colour(np.array(b), theme)
        np.testing.assert_allclose(line, chord, rtol=0, atol=1e-12)


@both_themes
def test_signed_colours_keep_the_last_colour_beyond_the_range(theme: Theme):
    np.testing.assert_array_equal(
        signed_colour(np.array([[-3.0, 2.0]]), theme), signed_colour(np.array([[-1.0, 1.0]]), theme)
    )
    assert np.shape(signed_colour(0.3, theme)) == (3,)


@all_sights
@both_themes
def test_the_sign_is_readable_from_a_quarter_of_the_range(theme: Theme, sight: str):
    size = np.linspace(0.25, 1.0, 16)
    assert distance(signed_colour(-size, theme), signed_colour(size, theme), sight).min() >= 12.0


@all_sights
@both_themes
@pytest.mark.parametrize("sign", [-1, 1])
def test_larger_values_lie_farther_from_zero(theme: Theme, sight: str, sign: int):
    size = np.linspace(0, 1, 21)
    away = distance(signed_colour(sign * size, theme), signed_colour(0.0 * size, theme), sight)
    assert (np.diff(away) > 0).all()
