"""Pantaleone's metronomes: the equations by another derivation, the conserved quantities, and agreement."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import solve_ivp
from scipy.special import ellipk

from sims import Diverged, Metronomes
from sims._simulation import ParameterError
from sims.metronomes import acceleration, frequency, periods_until_in_phase

STATES = st.integers(1, 8).flatmap(
    lambda n: st.tuples(
        *(arrays(np.float64, n, elements=st.floats(-bound, bound)) for bound in (3.0, 2.0, 0.3)),
        st.floats(1e-3, 0.99 / n),
        st.floats(0, 1),
        st.floats(0.1, 1),
    )
)


def lagrange(theta, theta_dot, Delta, beta, mu, theta_0):
    """θ̈ and ẍ with the board as a coordinate of its own, from the Lagrangian

    L = Σ [θ̇²/2 + cos θ ẋ θ̇ + (1 + Δ) cos θ] + ẋ²/(2β) and the escapement's force on each θ.
    """
    n = theta.size
    mass = np.eye(n + 1)
    mass[:n, n] = mass[n, :n] = np.cos(theta)
    mass[n, n] = 1 / beta
    force = -(1 + Delta) * np.sin(theta) - mu * ((theta / theta_0) ** 2 - 1) * theta_dot
    return np.linalg.solve(mass, np.append(force, (np.sin(theta) * theta_dot**2).sum()))


def lagrangian_energy(theta, theta_dot, x_dot, Delta, beta):
    """Kinetic energy of pendulums and board and the work against gravity, sums over the last axis."""
    kinetic = theta_dot**2 / 2 + np.cos(theta) * x_dot[..., None] * theta_dot
    return (kinetic + (1 + Delta) * (1 - np.cos(theta))).sum(-1) + x_dot**2 / (2 * beta)


def until_in_phase(runs):
    return periods_until_in_phase(runs.time.values, runs.r.values)


# The equations


@given(STATES)
def test_accelerations_solve_the_lagrangian_equations_with_the_board_as_a_coordinate(state):
    theta, theta_dot, Delta, beta, mu, theta_0 = state
    *expected, _ = lagrange(*state)
    ours = acceleration(theta, theta_dot, Delta, *(np.array([v]) for v in (mu, theta_0, beta)))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-11 * max(1.0, np.abs(expected).max()))


@given(STATES)
def test_energy_changes_by_the_work_of_the_escapement_alone(state):
    theta, theta_dot, Delta, beta, mu, theta_0 = state
    theta_ddot = acceleration(theta, theta_dot, Delta, *(np.array([v]) for v in (mu, theta_0, beta)))
    later, faster = theta + 1e-200j * theta_dot, theta_dot + 1e-200j * theta_ddot
    x_dot = -beta * (np.cos(later) * faster).sum()
    rate = lagrangian_energy(later, faster, np.asarray(x_dot), Delta, beta).imag / 1e-200
    work = -mu * (((theta / theta_0) ** 2 - 1) * theta_dot**2).sum()
    assert rate == pytest.approx(work, rel=1e-10, abs=1e-10 * max(1.0, np.abs(theta_ddot).max()))


@pytest.mark.parametrize("beta", [0.011, 0.15])
def test_a_hundred_periods_agree_with_an_adaptive_solution_of_the_lagrangian_equations(beta):
    run = Metronomes(beta=beta, every=16).run()
    n, Delta = 5, run.Delta.values

    def f(t, y):
        theta, theta_dot, x_dot = y[:n], y[n : 2 * n], y[-1]
        *theta_ddot, x_ddot = lagrange(theta, theta_dot, Delta, beta, 0.010, 0.39)
        return np.concatenate([theta_dot, theta_ddot, [x_dot, x_ddot]])

    start = np.concatenate([run.theta[0], run.theta_dot[0], run.x[:1], run.x_dot[:1]])
    end = (0, float(run.time[-1]))
    exact = solve_ivp(f, end, start, method="DOP853", rtol=1e-10, atol=1e-11, t_eval=run.time.values)
    np.testing.assert_allclose(run.theta, exact.y[:n].T, rtol=0, atol=1e-4)
    np.testing.assert_allclose(run.theta_dot, exact.y[n : 2 * n].T, rtol=0, atol=1e-4)
    np.testing.assert_allclose(run.x, exact.y[-2], rtol=0, atol=1e-4)
    np.testing.assert_allclose(run.x_dot, exact.y[-1], rtol=0, atol=1e-4)


def test_the_board_balances_the_pendulums_so_that_momentum_stays_zero():
    run = Metronomes(beta=0.03, n=7).run()
    np.testing.assert_allclose(run.x, -0.03 * np.sin(run.theta).sum("metronome"), rtol=0, atol=1e-15)
    momentum = run.x_dot / 0.03 + (np.cos(run.theta) * run.theta_dot).sum("metronome")
    assert np.abs(momentum).max() < 1e-12


def test_energy_is_conserved_without_the_escapement_up_to_the_fifth_power_of_the_step():
    beta = np.array([0.011, 0.011, 0.1, 0.2])

    def drift(dt):
        crowd = [Metronomes(mu=0.0, beta=b, n=4, dt=dt, every=4, seed=s) for s, b in enumerate(beta)]
        runs = Metronomes.run_batch(crowd)
        theta, theta_dot, x_dot = (runs[name].values for name in ("theta", "theta_dot", "x_dot"))
        energy = lagrangian_energy(theta, theta_dot, x_dot, runs.Delta.values[:, None], beta[:, None])
        np.testing.assert_allclose(runs.energy, energy, rtol=1e-12)
        return np.abs(energy / energy[:, :1] - 1).max()

    coarse, fine = drift(0.0625), drift(0.03125)
    assert coarse < 5e-5
    assert coarse / fine == pytest.approx(2**5, rel=0.1)


# One metronome on a fixed table


@pytest.mark.parametrize(("theta_0", "tolerance"), [(0.39, 0.015), (0.1, 0.001)])
def test_a_lone_metronome_settles_on_the_amplitude_and_period_of_theory(theta_0, tolerance):
    A = 2 * theta_0
    run = Metronomes(
        n=1, beta=0.0, spread=0.0, theta_0=theta_0, amplitude=0.5 * A, periods=300, every=1
    ).run()
    late = run.isel(time=slice(-1000, None))
    measured = float(late.theta.max())
    assert measured == pytest.approx(A, rel=tolerance)
    turned = float(late.phi[-1, 0] - late.phi[0, 0])
    # whole turns only, by the times at which θ falls through zero
    theta, time = late.theta.values[:, 0], late.time.values
    falls = np.flatnonzero((theta[:-1] > 0) & (theta[1:] <= 0))
    ticks = time[falls] - theta[falls] / (theta[falls + 1] - theta[falls]) * 0.0625
    period = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    assert period == pytest.approx(4 * ellipk(np.sin(measured / 2) ** 2), rel=1e-4)
    assert period / (2 * np.pi) - 1 == pytest.approx(A**2 / 16, rel=0.05)
    assert turned / (time[-1] - time[0]) == pytest.approx(2 * np.pi / period, rel=0.01)


@pytest.mark.parametrize("A_0", [0.03, 0.4])
def test_a_small_swing_grows_and_a_large_one_shrinks_as_averaging_says(A_0):
    theta_0, mu = 0.1, 0.005
    run = Metronomes(
        n=1, beta=0.0, spread=0.0, theta_0=theta_0, mu=mu, amplitude=A_0, periods=150, every=1
    ).run()
    amplitude = np.hypot(run.theta[:, 0], run.theta_dot[:, 0])
    expected = 2 * theta_0 / np.sqrt(1 + ((2 * theta_0 / A_0) ** 2 - 1) * np.exp(-mu * run.time))
    np.testing.assert_allclose(amplitude, expected, rtol=0.02)


def test_without_coupling_each_metronome_keeps_its_own_pace():
    run = Metronomes(n=40, beta=0.0, spread=0.05, theta_0=0.1, amplitude=0.2, periods=300, every=4).run()
    late = run.isel(time=slice(run.sizes["time"] // 2, None))
    pace = (late.phi[-1] - late.phi[0]) / (late.time[-1] - late.time[0])
    expected = np.sqrt(1 + run.Delta) * (1 - 0.2**2 / 16)
    np.testing.assert_allclose(pace, expected, rtol=0, atol=4e-4)
    assert np.corrcoef(pace, run.Delta)[0, 1] > 0.999


# Agreement


def test_five_metronomes_fall_in_phase_on_a_free_board_and_never_on_a_fixed_table():
    crowd = [Metronomes(beta=beta, seed=seed) for beta in (0.011, 0.0) for seed in range(10)]
    runs = Metronomes.run_batch(crowd)
    free, fixed = np.split(until_in_phase(runs), 2)
    assert (free > 25).all()
    assert (free < 66).all()
    assert 40 < np.median(free) < 62
    assert (runs.r[:10, -1] > 0.99).all()
    assert np.isinf(fixed).all()
    assert (runs.r[10:, -1] < 0.9).all()


def test_more_coupling_is_slower_and_some_strongly_coupled_fives_never_agree():
    betas, seeds = (0.005, 0.011, 0.03, 0.05), range(40)
    course = {"periods": 400.0, "dt": 0.125, "every": 8}
    runs = Metronomes.run_batch([Metronomes(beta=b, seed=s, **course) for b in betas for s in seeds])
    periods = until_in_phase(runs).reshape(len(betas), len(seeds))
    medians = np.median(periods, axis=1)
    assert (np.diff(medians) > 0).all()
    np.testing.assert_allclose(medians, [45, 52, 78, 142], rtol=0.15)
    assert np.isfinite(periods[:3]).all()
    never = np.isinf(periods[3])
    assert 0 < never.sum() < 20
    # their pushes cancel: the board moves less than a third as far as it does when they agree
    end = runs.isel(batch=slice(3 * len(seeds), None), time=slice(-50, None))
    assert (end.r.mean("time")[never] < 0.2).all()
    reach = np.abs(end.x).max("time")
    assert reach[never].max() < reach[~never].min() / 3


def test_two_equal_metronomes_in_opposition_leave_the_board_at_rest():
    theta, theta_dot = np.array([0.6, -0.6]), np.array([0.2, -0.2])
    mu, theta_0, beta = np.array([[0.01], [0.39], [0.05]])
    on_the_board = acceleration(theta, theta_dot, np.zeros(2), mu, theta_0, beta)
    on_a_table = acceleration(theta, theta_dot, np.zeros(2), mu, theta_0, np.zeros(1))
    np.testing.assert_allclose(on_the_board, on_a_table, rtol=0, atol=1e-16)


def test_the_time_until_in_phase_is_that_of_the_last_disagreement():
    time = 2 * np.pi * np.arange(5)
    r = [[0.2, 0.96, 0.5, 0.97, 1.0], [0.95, 1, 1, 1, 1], [1, 1, 1, 1, 0.9]]
    assert periods_until_in_phase(time, np.array(r)).tolist() == [3.0, 0.0, np.inf]


def test_the_measured_numbers_are_those_of_the_trajectory():
    sim = Metronomes(periods=70.0)
    run = sim.run()
    measured = sim.measure(run)
    settled = run.r.where(run.time >= 2 * np.pi * measured["periods until in phase"] - 1e-9, drop=True)
    assert settled.min() >= 0.95
    assert run.r[run.sizes["time"] - settled.size - 1] < 0.95
    assert measured["r at the end"] == float(run.r[-1])
    assert measured["mean amplitude of the last swing (rad)"] == pytest.approx(2 * 0.39, rel=0.05)
    fixed = Metronomes(beta=0.0, periods=5.0)
    assert fixed.measure(fixed.run())["periods until in phase"] == float("inf")


# What is recorded


def test_phases_are_unwrapped_turn_evenly_and_give_the_order():
    run = Metronomes().run()
    step = run.phi.diff("time")
    omega = frequency(np.array(0.39))
    assert step.min() > 0
    np.testing.assert_allclose(step, omega * 0.125, rtol=0.2)
    amplitude = np.hypot(run.theta, run.theta_dot / omega)
    np.testing.assert_allclose(run.theta, amplitude * np.cos(run.phi), rtol=0, atol=1e-12)
    mean = np.exp(1j * run.phi).mean("metronome")
    np.testing.assert_allclose(run.r * np.exp(1j * run.psi), mean, rtol=0, atol=1e-11)
    assert np.abs(run.psi.diff("time")).max() < np.pi


def test_films_get_more_than_24_samples_a_period():
    run = Metronomes().run()
    assert 2 * np.pi / float(run.time[1]) > 24
    assert float(run.time[-1]) == pytest.approx(100 * 2 * np.pi, abs=0.125)


def test_the_same_seed_gives_the_same_start_and_detuning_whatever_the_coupling():
    free, fixed = Metronomes(periods=1.0).run(), Metronomes(periods=1.0, beta=0.0).run()
    assert free.theta[0].equals(fixed.theta[0])
    assert free.Delta.equals(fixed.Delta)
    assert np.abs(free.Delta).max() <= 1e-3
    assert not free.Delta.equals(Metronomes(periods=1.0, seed=4).run().Delta)


@pytest.mark.parametrize("n", [1, 5, 37])
def test_a_batch_equals_its_members_one_by_one_to_the_byte(n):
    crowd = [
        Metronomes(n=n, beta=0.02 * k / n, mu=0.005 * k, theta_0=0.3 + 0.05 * k, seed=k, periods=3.0)
        for k in range(4)
    ]
    runs = Metronomes.run_batch(crowd)
    for i, sim in enumerate(crowd):
        alone = sim.run()
        for name in alone.data_vars:
            assert alone[name].values.tobytes() == runs[name][i].values.tobytes(), name


def test_a_step_too_large_is_reported_as_divergence():
    with pytest.raises(Diverged, match="a smaller dt"):
        Metronomes(mu=1.0, theta_0=0.01, amplitude=1.5, periods=5.0).run()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"beta": 0.2}, r"beta \* n must be < 1; got beta = 0.2 and n = 5"),
        ({"n": 1000}, r"beta \* n must be < 1; got beta = 0.011 and n = 1000"),
        ({"beta": -0.1}, "beta must be >= 0; got -0.1"),
        ({"n": 0}, "n must be >= 1; got 0"),
        ({"theta_0": 0.0}, r"theta_0 must be >= 0.01 \(rad\); got 0"),
        ({"mu": float("nan")}, "mu must be a finite number"),
        ({"bata": 0.01}, "did you mean beta?"),
        ({"dt": 0}, "dt must be >= 1e-06; got 0"),
        ({"dt": 1e-308}, "dt must be >= 1e-06; got 1e-308"),
        ({"periods": 1.0, "every": 200}, "every must be <= 101 steps; got 200"),
    ],
)
def test_bad_parameters_are_refused_with_name_bound_and_value(wrong, message):
    with pytest.raises(ParameterError, match=message):
        Metronomes(**wrong)
