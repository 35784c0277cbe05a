"""Kuramoto's oscillators against theory: onset of order, transients, gradient descent, lag and noise."""

from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import i0e, i1e

from sims import Kuramoto
from sims._integrate import rk4
from sims._simulation import ParameterError
from sims.kuramoto import (
    critical_coupling,
    drift,
    energy,
    order,
    ott_antonsen,
    pinning,
    quantiles,
    sin_cos,
    slope,
)

DENSITY = {"lorentzian": stats.cauchy, "normal": stats.norm, "uniform": stats.uniform(-1, 2)}
ANGLES = st.floats(-1e3, 1e3)
CROWDS = arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 12)), elements=st.floats(-20, 20))


def late_order(runs):
    """Mean order parameter of each run over its last half."""
    return runs.r.isel(time=slice(runs.sizes["time"] // 2, None)).mean("time").values


def pairwise_energy(theta, K, kappa=0.0, target=0.0):
    """E of one crowd by its definition, a sum over all pairs; good for complex angles."""
    pairs = np.cos(theta[None, :] - theta[:, None]).sum()
    return -K / (2 * theta.size) * pairs + kappa * (1 - np.cos(theta - target)).sum()


def complex_step(f, theta):
    return np.array([f(theta + 1e-200j * unit).imag / 1e-200 for unit in np.eye(theta.size)])


def locked_order(K, density):
    """The largest r > 0 with 1 = K ∫ cos²x g(K r sin x) dx, Kuramoto's self-consistency."""

    def excess(r):
        bounds = np.arcsin(min(1.0, 1 / (K * r))) if density is DENSITY["uniform"] else np.pi / 2
        return K * quad(lambda x: np.cos(x) ** 2 * density.pdf(K * r * np.sin(x)), -bounds, bounds)[0] - 1

    return brentq(excess, 1e-3, 1)


# The pure functions


@given(arrays(np.float64, st.integers(1, 40), elements=ANGLES))
def test_sine_and_cosine_by_the_half_angle_are_right_to_4e_16(theta):
    s, c = sin_cos(theta)
    exact = theta.astype(np.longdouble)
    assert np.abs(s - np.sin(exact)).max() <= 4e-16
    assert np.abs(c - np.cos(exact)).max() <= 4e-16


def test_sine_and_cosine_by_the_half_angle_are_right_to_4e_16_at_a_million_angles():
    theta = np.random.default_rng(0).uniform(-1e3, 1e3, 1_000_000)
    s, c = sin_cos(theta)
    exact = theta.astype(np.longdouble)
    assert max(np.abs(s - np.sin(exact)).max(), np.abs(c - np.cos(exact)).max()) <= 4e-16


@given(CROWDS, st.floats(-5, 5), st.floats(0, 10), st.floats(-3.2, 3.2))
def test_the_mean_field_equals_the_sum_over_all_pairs(theta, omega, K, alpha):
    pairs = theta[:, None, :] - theta[:, :, None] - alpha
    naive = omega + K / theta.shape[1] * np.sin(pairs).sum(-1)
    field = drift(theta, np.full_like(theta, omega), np.array([[K]]), np.array([[alpha]]))
    np.testing.assert_allclose(field, naive, rtol=0, atol=1e-12)


@given(CROWDS)
def test_the_order_parameter_is_the_mean_of_the_unit_vectors(theta):
    r, psi = order(theta)
    np.testing.assert_allclose(r * np.exp(1j * psi), np.exp(1j * theta).mean(-1), rtol=0, atol=1e-14)


@pytest.mark.parametrize("frequencies", DENSITY)
def test_frequencies_stand_at_the_quantiles_of_their_distribution(frequencies):
    p = (np.arange(200) + 0.5) / 200
    np.testing.assert_allclose(quantiles(frequencies, p), DENSITY[frequencies].ppf(p), rtol=1e-10, atol=1e-12)
    run = Kuramoto(n=200, frequencies=frequencies, centre=3.0, spread=0.5, steps=1).run()
    np.testing.assert_allclose(run.omega, 3 + 0.5 * DENSITY[frequencies].ppf(p), rtol=1e-10)


@pytest.mark.parametrize("frequencies", DENSITY)
def test_the_critical_coupling_is_two_over_pi_times_the_density_at_the_centre(frequencies):
    expected = 0.7 * 2 / (np.pi * DENSITY[frequencies].pdf(0))
    assert critical_coupling(frequencies, 0.7) == pytest.approx(expected, rel=1e-14)


# The onset of order


def test_order_of_ten_thousand_lorentzian_oscillators_is_within_two_per_cent_of_theory_at_five_couplings():
    K = np.array([2.5, 3.0, 4.0, 6.0, 10.0])
    crowd = [Kuramoto(n=10_000, K=k, dt=0.1, steps=800, every=20) for k in K]
    np.testing.assert_allclose(late_order(Kuramoto.run_batch(crowd)), np.sqrt(1 - 2 / K), rtol=0.02)


@pytest.mark.parametrize("frequencies", ["normal", "uniform"])
def test_order_appears_above_the_critical_coupling_and_not_below(frequencies):
    density = DENSITY[frequencies]
    K_c = 2 / (np.pi * density.pdf(0))
    K = K_c * np.array([0.8, 1.1, 1.3])
    crowd = [Kuramoto(n=10_000, K=k, frequencies=frequencies, dt=0.1, steps=1200, every=20) for k in K]
    below, *above = late_order(Kuramoto.run_batch(crowd))
    assert below < 0.05
    np.testing.assert_allclose(above, [locked_order(k, density) for k in K[1:]], rtol=0.02)


def test_the_rise_of_order_follows_ott_and_antonsen():
    N, r0 = 10_000, 0.1
    even = (np.arange(N) + 0.5) / N
    golden = np.arange(N) * (np.sqrt(5) - 1) / 2 % 1
    # each frequency meets every phase of a wrapped Cauchy distribution of order r0: the invariant manifold
    theta = 2 * np.arctan((1 - r0) / (1 + r0) * np.tan(np.pi * (golden - 0.5)))
    omega = stats.cauchy.ppf(even)
    K = np.array([[2.5], [4.0], [8.0]])
    path = rk4(lambda t, y: drift(y, omega, K, np.zeros((1, 1))), np.tile(theta, (3, 1)), 0.05, 300, 3)
    r, _ = order(path)
    t = np.arange(101) * 0.15
    R2 = 1 - 2 / K
    exact = 1 / np.sqrt(1 / R2 + (1 / r0**2 - 1 / R2) * np.exp(-(K - 2) * t))
    np.testing.assert_allclose(r, exact, rtol=0, atol=0.02)
    for k, row in zip(K[:, 0], exact):
        np.testing.assert_allclose(ott_antonsen(t, r0, k, 1.0), row, rtol=1e-12)


def test_the_measured_order_stands_beside_the_theory_of_the_lorentzian():
    sim = Kuramoto(n=10_000, K=4.0, dt=0.1, steps=300, every=5)
    measured = sim.measure(sim.run())
    assert measured["r in theory, N → ∞"] == pytest.approx(np.sqrt(0.5))
    assert measured["r, mean of the last half"] == pytest.approx(np.sqrt(0.5), rel=0.02)
    below = Kuramoto(n=2, K=1.0, steps=1)
    assert below.measure(below.run())["r in theory, N → ∞"] == 0


# Equal frequencies: gradient descent


def test_two_equal_oscillators_close_the_gap_as_theory_says():
    pairs = [Kuramoto(n=2, K=K, frequencies="equal", seed=seed) for K in (0.3, 1.0, 2.5) for seed in range(4)]
    runs = Kuramoto.run_batch(pairs)
    gap = np.tan((runs.theta[..., 1] - runs.theta[..., 0]).values / 2)
    K = np.array([sim.K for sim in pairs])[:, None]
    expected = gap[:, :1] * np.exp(-K * runs.time.values)
    np.testing.assert_allclose(gap, expected, rtol=1e-6, atol=1e-12)


@settings(max_examples=50)
@given(
    arrays(np.float64, st.integers(1, 12), elements=st.floats(-20, 20)),
    st.floats(0, 5),
    st.floats(0, 3),
    st.floats(-6, 6),
)
def test_the_drift_is_minus_the_gradient_of_the_pairwise_energy(theta, K, kappa, target):
    K_, kappa_, target_ = (np.array([v]) for v in (K, kappa, target))
    flow = drift(theta, np.zeros_like(theta), K_, np.zeros(1)) + pinning(theta, kappa_, target_)
    gradient = complex_step(lambda y: pairwise_energy(y, K, kappa, target), theta)
    np.testing.assert_allclose(flow, -gradient, rtol=0, atol=1e-10)
    np.testing.assert_allclose(slope(theta, K_, kappa_, target_), gradient, rtol=0, atol=1e-10)
    expected = pairwise_energy(theta, K, kappa, target)
    np.testing.assert_allclose(energy(theta, K_, kappa_, target_), expected, rtol=1e-12, atol=1e-11)


def test_the_recorded_drift_is_minus_the_recorded_slope_and_the_energy_never_rises():
    for kappa in (0.0, 0.7):
        crowd = [
            Kuramoto(n=30, frequencies="equal", kappa=kappa, target=2.0, K=K, seed=seed)
            for K in (0.5, 2.5)
            for seed in range(5)
        ]
        runs = Kuramoto.run_batch(crowd)
        np.testing.assert_allclose(runs.theta_dot, -runs.slope, rtol=0, atol=1e-12)
        assert runs.energy.diff("time").max() <= 1e-12
        assert (runs.energy[:, 0] > runs.energy[:, -1] + 1).all()
        assert (runs.r[:, -1] > 0.99).all()


def test_pinned_oscillators_slide_to_the_target_as_theory_says():
    kappa, target = 0.8, 2.0
    crowd = [Kuramoto(n=20, K=0.0, frequencies="equal", kappa=kappa, target=target, seed=s) for s in range(5)]
    runs = Kuramoto.run_batch(crowd)
    gap = np.tan((runs.theta.values - target) / 2)
    expected = gap[:, :1] * np.exp(-kappa * runs.time.values)[:, None]
    np.testing.assert_allclose(gap, expected, rtol=1e-6)
    assert np.cos(runs.theta[:, -1] - target).min() > 0.9999
    assert runs.energy.diff("time").max() <= 1e-12
    assert runs.energy[:, -1].max() < 1e-3


# Taken in steps


def stepped(eta, seeds, **parameters):
    common = {"n": 5, "K": 1.0, "frequencies": "equal", "scheme": "euler", "steps": 60} | parameters
    return Kuramoto.run_batch([Kuramoto(dt=eta, seed=seed, **common) for seed in seeds])


@pytest.mark.parametrize("arc", [0.1, 2 * np.pi])
def test_sync_in_steps_holds_below_two_and_breaks_above(arc):
    assert stepped(1.5, range(50), arc=arc).r[:, -1].min() > 0.999
    assert stepped(1.9, range(50), arc=arc).r[:, -1].min() > 0.999
    for eta in (2.1, 2.5, 3.0):
        assert stepped(eta, range(50), arc=arc).r[:, -1].max() < 0.99


@pytest.mark.parametrize(("eta", "published"), [(2.1, 0.97), (2.5, 0.85), (3.0, 0.75)])
def test_above_the_limit_five_oscillators_split_in_two_groups_that_swap_sides(eta, published):
    # a gap g between the groups becomes g - η sin g = -g
    g = brentq(lambda g: 2 * g - eta * np.sin(g), 0.1, np.pi)
    two_against_three = abs(2 + 3 * np.exp(1j * g)) / 5
    r = stepped(eta, range(50)).r[:, -1]
    assert float(r.median()) == pytest.approx(two_against_three, abs=2e-3)
    assert float(r.median()) == pytest.approx(published, abs=5e-3)
    crowd = stepped(eta, range(50), n=1000).r[:, -1]
    assert float(crowd.median()) == pytest.approx(np.cos(g / 2), abs=6e-3)


def test_at_four_the_steps_are_chaotic_and_an_order_of_one_half_is_a_usual_draw():
    r = stepped(4.0, range(400)).r[:, -1].values
    low, high = np.quantile(r, [0.1, 0.9])
    assert low < 0.5 < high
    apart = stepped(4.0, [0], arc=1.0).theta[0] - stepped(4.0, [0], arc=1.0 + 1e-9).theta[0]
    assert np.abs(apart).max() > 0.1


# Phase lag and noise


def test_with_a_phase_lag_the_crowd_turns_at_omega_minus_K_sin_alpha():
    alpha = np.array([-1.2, -0.5, 0.0, 0.3, 1.0])
    crowd = [Kuramoto(n=50, K=2.0, frequencies="equal", centre=0.4, alpha=a, steps=2000) for a in alpha]
    runs = Kuramoto.run_batch(crowd)
    expected = 0.4 - 2.0 * np.sin(alpha)
    assert (runs.r[:, -1] > 1 - 1e-6).all()
    np.testing.assert_allclose(runs.theta_dot[:, -1].mean("oscillator"), expected, rtol=0, atol=1e-8)
    turned = (runs.psi[:, -1] - runs.psi[:, -501]) / (runs.time[-1] - runs.time[-501])
    np.testing.assert_allclose(turned, expected, rtol=0, atol=1e-6)


def test_a_lag_of_more_than_a_quarter_turn_drives_the_crowd_apart():
    assert Kuramoto(n=50, K=2.0, frequencies="equal", alpha=2.5, arc=1.0).run().r[-1] < 0.01


def test_the_mean_phase_is_stored_unwrapped():
    run = Kuramoto(frequencies="equal", centre=2.0, arc=0.1).run()
    np.testing.assert_allclose(run.psi - run.psi[0], 2.0 * run.time, rtol=0, atol=1e-6)


def test_noisy_equal_oscillators_order_as_the_von_mises_mean_field_says():
    D = np.array([0.3, 0.5, 0.8, 1.3])
    common = {"n": 5000, "K": 2.0, "frequencies": "equal", "arc": 1.0}
    course = {"scheme": "euler", "dt": 0.02, "steps": 1500, "every": 10}
    *ordered, disordered = late_order(Kuramoto.run_batch([Kuramoto(D=d, **common, **course) for d in D]))

    def excess(r, d):
        return i1e(2 * r / d) / i0e(2 * r / d) - r

    expected = [brentq(excess, 0.05, 1, args=(d,)) for d in D[:-1]]
    np.testing.assert_allclose(ordered, expected, rtol=0, atol=0.015)
    assert disordered < 0.08, "D = 1.3 lies beyond K / 2 = 1"


def test_noise_alone_spreads_phases_by_twice_D_a_second():
    run = Kuramoto(
        n=20_000, K=0.0, D=0.7, frequencies="equal", scheme="euler", dt=0.1, steps=50, every=50
    ).run()
    variance = float((run.theta[-1] - run.theta[0]).var())
    assert variance == pytest.approx(2 * 0.7 * 5, rel=5 * np.sqrt(2 / 20_000))


# Promises


SCHEMES = ["rk4", "euler", *(["rk4_fused"] if find_spec("numba") else [])]
NETWORKS = [{}, {"network": "ring", "degree": 2}, {"network": "random", "degree": 2}]


@st.composite
def crowds_to_split(draw):
    """Simulations of one shape, each with parameters of its own, and places to cut the batch."""
    n = draw(st.integers(1, 70) | st.sampled_from([127, 1000, 5000, 17_000]))
    wired = draw(st.sampled_from(NETWORKS if 2 < n <= 1000 else [{}]))
    scheme = draw(st.sampled_from(SCHEMES))
    common = {"n": n, "scheme": scheme, "steps": 7, "every": draw(st.integers(1, 3)), "sampling": "random"}
    some = st.sampled_from([0.0, 0.3, 1.7])
    crowd = [
        Kuramoto(
            K=draw(st.floats(0, 10)),
            alpha=draw(some),
            kappa=draw(some),
            target=draw(some),
            D=draw(some) if scheme == "euler" else 0.0,
            rewiring=draw(st.sampled_from([0.0, 0.5])) if wired.get("network") == "ring" else 0.0,
            seed=draw(st.integers(0, 99)),
            **common,
            **wired,
        )
        for _ in range(draw(st.integers(1, 7 if n <= 1000 else 4)))
    ]
    return crowd, sorted(draw(st.sets(st.integers(1, len(crowd)))))


# what it is coupled with pulls by a zero, which has a sign
ALONE = {"n": 1, "steps": 7, "target": 1.7, "K": 2.0}


@settings(max_examples=200)
@given(crowds_to_split())
@example(([Kuramoto(kappa=kappa, seed=1, **ALONE) for kappa in (0.0, 1.7)], [1]))
@example(([Kuramoto(kappa=kappa, seed=6, **ALONE) for kappa in (0.0, 1.7)], [1]))
def test_a_member_has_the_bytes_of_the_single_run_however_the_batch_is_split(crowd_and_cuts):
    crowd, cuts = crowd_and_cuts
    together = Kuramoto.run_batch(crowd)
    edges = [0, *cuts, len(crowd)]
    for first, last in pairwise(edges):
        if first == last:
            continue
        part = Kuramoto.run_batch(crowd[first:last])
        alone = crowd[first].run()
        for name in alone.data_vars:
            bytes_together = together[name].values[first:last].tobytes()
            assert part[name].values.tobytes() == bytes_together, name
            assert alone[name].values.tobytes() == together[name].values[first].tobytes(), name


def test_what_is_not_wanted_is_not_computed_and_what_is_wanted_is_the_same():
    crowd = [Kuramoto(n=9, seed=seed, steps=20) for seed in range(3)]
    whole, some = Kuramoto.run_batch(crowd), Kuramoto.run_batch(crowd, only=("r", "slope"))
    assert set(some.data_vars) == {"r", "slope"}
    for name in some.data_vars:
        assert some[name].values.tobytes() == whole[name].values.tobytes()


def test_what_is_recorded_follows_from_the_equations():
    crowd = [
        Kuramoto(n=50, alpha=0.3 * k, kappa=0.2 * k, target=1.0, K=k, seed=k, steps=40) for k in range(3)
    ]
    runs = Kuramoto.run_batch(crowd)
    for sim, (_, run) in zip(crowd, runs.groupby("batch")):
        K, alpha, kappa, target = (np.array([v]) for v in (sim.K, sim.alpha, sim.kappa, sim.target))
        theta = run.theta.values[0]
        expected = {
            "theta_dot": drift(theta, run.omega.values, K, alpha) + pinning(theta, kappa, target),
            "slope": slope(theta, K, kappa, target),
            "energy": energy(theta, K, kappa, target),
            "r": order(theta)[0],
            "psi": np.unwrap(order(theta)[1]),
        }
        for name, values in expected.items():
            np.testing.assert_allclose(run[name].values[0], values, rtol=0, atol=1e-12, err_msg=name)


def test_given_frequencies_are_the_frequencies():
    run = Kuramoto(n=3, frequencies="given", given=(1.0, -2.0, 0.5), steps=1).run()
    assert run.omega.values.tolist() == [1.0, -2.0, 0.5]


def test_frequencies_drawn_at_random_follow_their_distribution_and_the_seed():
    one, other = (
        Kuramoto(n=2000, frequencies="normal", sampling="random", steps=1, seed=s).run().omega for s in (1, 2)
    )
    assert stats.kstest(one, "norm").pvalue > 0.001
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"K": -3.0}, r"K must be >= 0 \(rad/s\); got -3"),
        ({"K": float("nan")}, "K must be a finite number"),
        ({"n": 0}, "n must be >= 1; got 0"),
        ({"n": 2.5}, "n must be a whole number"),
        ({"k": 1.0}, "did you mean K?"),
        ({"frequencies": "cauchy"}, "frequencies must be one of lorentzian, normal"),
        ({"frequencies": "given"}, "given goes with frequencies='given'"),
        ({"given": (1.0,)}, "given goes with frequencies='given'"),
        ({"n": 2, "frequencies": "given", "given": (1.0,)}, "given must hold n = 2 frequencies; got 1"),
        ({"D": 0.1}, "D must be 0 unless scheme='euler'; got 0.1"),
        ({"steps": 5, "every": 6}, "every must be <= steps = 5; got 6"),
    ],
)
def test_bad_parameters_are_refused_with_name_bound_and_value(wrong, message):
    with pytest.raises(ParameterError, match=message):
        Kuramoto(**wrong)
