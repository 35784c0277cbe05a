"""Integrators converge at their order on published problems, and noise is noise."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.integrate import solve_ivp

from sims._integrate import dop853, euler_in_place, euler_maruyama, rk4, rk4_in_place, times
from sims._trajectory import Diverged

# A1 ... E2 are the numbers of the DETEST set: Hull, Enright, Fellen & Sedgwick 1972, SIAM J. Numer. Anal. 9,
# 603. Each is a field over y (B, n), an initial value and the solution at times t (T,) as (T, n).


def reference(f, y_0):
    """The solution where there is no formula: scipy's DOP853, asked directly, at its tightest tolerance."""

    def solution(t):
        flat = lambda s, y: f(s, y[None])[0]  # noqa: E731
        run = solve_ivp(flat, (0, t[-1]), y_0, "DOP853", t_eval=t, rtol=1e-13, atol=1e-14)
        return run.y.T

    return solution


def harmonic(t, y):
    return np.stack([y[..., 1], -y[..., 0]], axis=-1)


def lotka_volterra(t, y):
    return np.stack([2 * (y[..., 0] - y[..., 0] * y[..., 1]), -(y[..., 1] - y[..., 0] * y[..., 1])], axis=-1)


def van_der_pol(t, y):
    return np.stack([y[..., 1], (1 - y[..., 0] ** 2) * y[..., 1] - y[..., 0]], axis=-1)


def kepler(t, y):
    r_cubed = (y[..., 0] ** 2 + y[..., 1] ** 2) ** 1.5
    return np.stack([y[..., 2], y[..., 3], -y[..., 0] / r_cubed, -y[..., 1] / r_cubed], axis=-1)


def kepler_orbit(t, e=0.1):
    """Kepler's equation u - e sin u = t, solved for u, gives place and velocity on the ellipse."""
    u = np.array([optimize.brentq(lambda u, s=s: u - e * np.sin(u) - s, s - 1, s + 1, xtol=1e-15) for s in t])
    b, rate = np.sqrt(1 - e**2), 1 / (1 - e * np.cos(u))
    return np.stack([np.cos(u) - e, b * np.sin(u), -np.sin(u) * rate, b * np.cos(u) * rate], axis=-1)


PROBLEMS = {
    "A1: decay": (lambda t, y: -y, [1.0], lambda t: np.exp(-t)[:, None]),
    "A2: cubic decay": (lambda t, y: -(y**3) / 2, [1.0], lambda t: 1 / np.sqrt(1 + t)[:, None]),
    "A3: field of time": (lambda t, y: y * np.cos(t), [1.0], lambda t: np.exp(np.sin(t))[:, None]),
    "A4: logistic growth": (
        lambda t, y: y / 4 * (1 - y / 20),
        [1.0],
        lambda t: 20 / (1 + 19 * np.exp(-t / 4))[:, None],
    ),
    "harmonic oscillator": (harmonic, [1.0, 0.0], lambda t: np.stack([np.cos(t), -np.sin(t)], axis=-1)),
    "B1: Lotka-Volterra": (lotka_volterra, [1.0, 3.0], reference(lotka_volterra, [1.0, 3.0])),
    "D1: two bodies": (kepler, [0.9, 0.0, 0.0, np.sqrt(1.1 / 0.9)], kepler_orbit),
    "E2: Van der Pol": (van_der_pol, [2.0, 0.0], reference(van_der_pol, [2.0, 0.0])),
}


def measured_order(integrate, problem, intervals, end):
    """Slope of log(largest error at 20 common times) against log dt, by least squares."""
    f, y_0, solution = PROBLEMS[problem]
    exact = solution(np.linspace(0, end, 21))
    errors = []
    for n in intervals:
        y = integrate(f, np.array([y_0]), end / n, n, every=n // 20)
        errors.append(abs(y[0] - exact).max())
    assert errors[-1] > 1e-13, "rounding, not the method, would be measured"
    return np.polyfit(np.log(end / np.array(intervals)), np.log(errors), 1)[0]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_rk4_is_of_order_four(problem):
    intervals = (320, 640, 1280, 2560) if problem.startswith("A") else (1280, 2560, 5120)
    assert measured_order(rk4, problem, intervals, end=20.0) == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_euler_maruyama_without_noise_is_eulers_method_of_order_one(problem):
    assert measured_order(euler_maruyama, problem, (1000, 2000, 4000), end=2.0) == pytest.approx(1, abs=0.05)


def test_one_rk4_step_of_decay_is_the_taylor_polynomial_of_degree_four():
    h = 0.3
    after = rk4(lambda t, y: -y, np.ones((1, 1)), h, 1)[0, 1, 0]
    assert after == pytest.approx(1 - h + h**2 / 2 - h**3 / 6 + h**4 / 24, rel=1e-15)


def test_rk4_integrates_a_cubic_in_time_exactly_as_simpsons_rule_does():
    y = rk4(lambda t, y: np.full_like(y, 4 * t**3 - 3 * t**2), np.zeros((1, 1)), 0.5, 6)
    t = times(0.5, 6)
    np.testing.assert_allclose(y[0, :, 0], t**4 - t**3, atol=1e-13)


def test_the_accuracy_reference_closes_arenstorfs_orbit():
    """Initial value and period from Hairer, Norsett & Wanner, section II.0, equations (0.1) and (0.2)."""
    mu, period = 0.012277471, 17.0652165601579625588917206249
    start = np.array([[0.994, 0.0, 0.0, -2.00158510637908252240537862224]])

    def three_bodies(t, y):
        x, v, dx, dv = np.moveaxis(y, -1, 0)
        d_earth, d_moon = ((x + mu) ** 2 + v**2) ** 1.5, ((x - 1 + mu) ** 2 + v**2) ** 1.5
        ddx = x + 2 * dv - (1 - mu) * (x + mu) / d_earth - mu * (x - 1 + mu) / d_moon
        ddv = v - 2 * dx - (1 - mu) * v / d_earth - mu * v / d_moon
        return np.stack([dx, dv, ddx, ddv], axis=-1)

    orbit = dop853(three_bodies, start, np.array([0.0, period / 2, period]), tolerance=1e-13)
    assert orbit.shape == (1, 3, 4)
    np.testing.assert_allclose(orbit[0, -1, :2], start[0, :2], atol=1e-6)
    assert abs(orbit[0, 1, 0] - start[0, 0]) > 1


def test_rk4_and_the_accuracy_reference_agree_on_a_batch_of_different_pendulums():
    g = np.linspace(0.5, 3, 4)[:, None]
    pendulum = lambda t, y: np.concatenate([y[:, 1:], -g * np.sin(y[:, :1])], axis=1)  # noqa: E731
    start, t = np.array([[0.1, 0.0], [1.0, 0.5], [2.0, 0.0], [3.0, 0.1]]), times(0.002, 2500, every=500)
    y = rk4(pendulum, start, 0.002, 2500, every=500)
    np.testing.assert_allclose(y, dop853(pendulum, start, t), atol=1e-9)


# --- what is recorded


@pytest.mark.parametrize("integrate", [rk4, euler_maruyama])
@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_recording_less_often_keeps_the_same_states(integrate, every):
    start = np.random.default_rng(0).normal(size=(2, 3, 4))
    full = integrate(lambda t, y: np.cos(t) * y, start, 0.1, 20)
    sparse = integrate(lambda t, y: np.cos(t) * y, start, 0.1, 20, every=every)
    assert full.shape == (2, 21, 3, 4)
    assert sparse.shape[1] == len(times(0.1, 20, every)) == 20 // every + 1
    np.testing.assert_array_equal(sparse, full[:, ::every])
    np.testing.assert_array_equal(times(0.1, 20, every), times(0.1, 20)[::every])


@pytest.mark.parametrize("integrate", [rk4, euler_maruyama])
def test_how_the_initial_value_lies_in_memory_does_not_matter(integrate):
    y = np.arange(12.0).reshape(3, 4)
    states = integrate(lambda t, y: -y, y, 0.1, 10)
    np.testing.assert_array_equal(integrate(lambda t, y: -y, np.asfortranarray(y), 0.1, 10), states)
    np.testing.assert_allclose(states[:, -1], y * np.exp(-1), rtol=0.06)


@pytest.mark.parametrize("integrate", [rk4, euler_maruyama])
def test_the_initial_value_comes_first_and_is_left_untouched(integrate):
    start = np.random.default_rng(0).normal(size=(2, 3))
    before = start.copy()
    np.testing.assert_array_equal(integrate(lambda t, y: -y, start, 0.1, 5)[:, 0], before)
    np.testing.assert_array_equal(start, before)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("integrate", [rk4, euler_maruyama])
def test_a_solution_that_blows_up_is_reported_near_its_time_with_the_cure(integrate):
    with pytest.raises(Diverged, match=r"t = 1\.\d+.*smaller dt"):
        integrate(lambda t, y: y**2, np.ones((1, 1)), 0.01, 500)


# --- noise


def generators(*seeds):
    return [np.random.default_rng(seed) for seed in seeds]


def driven(f, g, start, dt, steps, seeds, every=1):
    """Euler-Maruyama's states, and the Brownian increments (B, steps, n) that its generators handed out."""
    y = euler_maruyama(f, start, dt, steps, every, g=g, rngs=generators(*seeds))
    shape = (steps, *start.shape[1:])
    return y, np.sqrt(dt) * np.stack([rng.standard_normal(shape) for rng in generators(*seeds)])


def strong_order(error, steps, members=16):
    """Order of E|X_N - X(1)| and half its 95 % interval, from one slope for each of the members.

    error(n, seeds) gives the mean error (members,) at n steps, every n with Brownian paths of its own.
    """
    errors = [error(n, [[n, member] for member in range(members)]) for n in steps]
    slopes = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    return slopes.mean(), stats.t.ppf(0.975, members - 1) * stats.sem(slopes)


PATHS = 500  # for each of the 16 members: 8,000 in all


def geometric(lam, mu, n, seeds):
    """Euler-Maruyama's X_n, and the exact X(1) = exp(lam - mu^2/2 + mu W(1)) on the same Brownian paths.

    dX = lam X dt + mu X dW, X(0) = 1: Higham 2001, SIAM Review 43, 525, section 5.
    """
    start = np.ones((len(seeds), PATHS))
    X, dW = driven(lambda t, y: lam * y, lambda t, y: mu * y, start, 1 / n, n, seeds, every=n)
    return X[:, -1], np.exp(lam - mu**2 / 2 + mu * dW.sum(1)), dW


@pytest.mark.parametrize(("lam", "mu"), [(2.0, 1.0), (0.5, 1.0), (0.1, 0.8)])
def test_euler_maruyama_is_of_strong_order_one_half_on_geometric_brownian_motion(lam, mu):
    def error(n, seeds):
        X, exact, _ = geometric(lam, mu, n, seeds)
        return abs(X - exact).mean(1)

    order, half_interval = strong_order(error, (64, 128, 256, 512, 1024))
    assert abs(order - 0.5) + half_interval < 0.05


def test_euler_maruyama_is_of_strong_order_one_where_the_noise_is_additive():
    """Ornstein-Uhlenbeck dX = -a X dt + s dW, whose exact step shares dW with the approximate one.

    X(t + h) = e^{-ah} X + s I, I = int e^{-a(t+h-u)} dW: jointly normal with dW, Cov = (1 - e^{-ah})/a,
    Var I = (1 - e^{-2ah})/2a, so I = (Cov/h) dW + an independent rest.
    """
    a, s = 2.0, 1.0

    def error(n, seeds):
        h, start = 1 / n, np.ones((len(seeds), PATHS))
        X, dW = driven(lambda t, y: -a * y, lambda t, y: np.full_like(y, s), start, h, n, seeds, every=n)
        covariance, variance = (1 - np.exp(-a * h)) / a, (1 - np.exp(-2 * a * h)) / (2 * a)
        rest = np.sqrt(variance - covariance**2 / h) * np.random.default_rng(n).standard_normal(dW.shape)
        exact = start
        for i in range(n):
            exact = np.exp(-a * h) * exact + s * (covariance / h * dW[:, i] + rest[:, i])
        return abs(X[:, -1] - exact).mean(1)

    order, half_interval = strong_order(error, (16, 32, 64, 128, 256))
    assert abs(order - 1) + half_interval < 0.05


def test_every_path_is_the_product_of_its_steps():
    lam, mu, n = 0.5, 1.0, 128
    X, _, dW = geometric(lam, mu, n, [1, 2])
    np.testing.assert_allclose(X, np.prod(1 + lam / n + mu * dW, axis=1), rtol=1e-13)


def test_the_mean_is_itos_not_stratonovichs():
    """E X_n = (1 + lam/n)^n, with Stratonovich's reading of the noise about (1 + (lam + mu^2/2)/n)^n."""
    lam, mu, n = 0.5, 1.0, 64
    X, _, _ = geometric(lam, mu, n, range(32))
    assert X.mean() == pytest.approx((1 + lam / n) ** n, abs=3 * X.std() / np.sqrt(X.size))


def test_drift_and_noise_are_taken_at_the_beginning_of_each_step():
    start, h = np.zeros((2, 3)), 0.1
    y, dW = driven(lambda t, y: np.full_like(y, t), lambda t, y: np.full_like(y, t**2), start, h, 30, [1, 2])
    t = times(h, 30)[:-1, None]
    np.testing.assert_allclose(y[:, 1:], np.cumsum(t * h + t**2 * dW, axis=1), atol=1e-13)


def brownian(seeds, n=200, dt=0.25, steps=400):
    W = euler_maruyama(
        lambda t, y: 0 * y,
        np.zeros((len(seeds), n)),
        dt,
        steps,
        g=lambda t, y: np.ones_like(y),
        rngs=generators(*seeds),
    )
    return np.diff(W, axis=1)


def test_brownian_increments_are_normal_with_mean_zero_and_variance_dt():
    dW, dt = brownian([1, 2, 3, 4]).ravel(), 0.25
    count = dW.size
    assert abs(dW.mean()) < 4 * np.sqrt(dt / count)
    assert abs(dW.var() - dt) < 4 * dt * np.sqrt(2 / count)
    assert stats.kstest(dW / np.sqrt(dt), "norm").pvalue > 1e-3


def test_brownian_increments_are_independent_over_steps_paths_and_members():
    dW = brownian([1, 2, 3, 4]) / np.sqrt(0.25)
    for between, axis in {"steps": 1, "paths": 2, "members": 0}.items():
        one, other = np.delete(dW, 0, axis), np.delete(dW, -1, axis)
        assert abs((one * other).mean()) < 4 / np.sqrt(one.size), between
    assert len(np.unique(dW)) == dW.size


def test_squared_increments_add_up_to_the_time_passed():
    quadratic_variation = (brownian([1, 2, 3, 4]) ** 2).sum(1)
    assert quadratic_variation.mean() == pytest.approx(100.0, abs=4 * np.sqrt(2 / 400) * 100 / np.sqrt(800))


def test_zero_noise_gives_eulers_bytes():
    start = np.random.default_rng(0).normal(size=(3, 5))
    noisy = euler_maruyama(
        lambda t, y: np.cos(t) - y**3, start, 0.01, 200, g=lambda t, y: 0.0 * y, rngs=generators(1, 2, 3)
    )
    assert noisy.tobytes() == euler_maruyama(lambda t, y: np.cos(t) - y**3, start, 0.01, 200).tobytes()


@pytest.mark.parametrize("rngs", [None, [], generators(1)])
def test_a_generator_missing_for_a_member_is_refused(rngs):
    with pytest.raises(ValueError, match="one generator for each of the 2 batch members"):
        euler_maruyama(lambda t, y: -y, np.ones((2, 1)), 0.1, 1, g=lambda t, y: y, rngs=rngs)


# --- a batch is its members one by one


K = np.linspace(0.2, 4, 9)[:, None]


def coupled(K):
    """Elementwise in the batch: the mean field of Kuramoto's oscillators, coupling K (B, 1)."""
    return lambda t, y: K * np.sin(y.mean(1, keepdims=True) - y) + np.cos(t)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 17, 40])
def test_a_batch_has_the_bytes_of_its_members_one_by_one(n):
    start, seeds = np.random.default_rng(n).normal(size=(len(K), n)), range(len(K))
    g = lambda t, y: 0.1 + 0.1 * y  # noqa: E731
    together = rk4(coupled(K), start, 0.05, 60)
    noisy = euler_maruyama(coupled(K), start, 0.05, 60, g=g, rngs=generators(*seeds))
    for i in seeds:
        one = slice(i, i + 1)
        alone = rk4(coupled(K[one]), start[one], 0.05, 60)
        assert alone.tobytes() == together[one].tobytes()
        alone = euler_maruyama(coupled(K[one]), start[one], 0.05, 60, g=g, rngs=generators(i))
        assert alone.tobytes() == noisy[one].tobytes()


@pytest.mark.parametrize("parts", [1, 2, 4, 9])
def test_a_batch_advanced_in_parts_has_the_bytes_of_the_whole(parts):
    start, seeds = np.random.default_rng(0).normal(size=(len(K), 5)), range(len(K))
    g = lambda t, y: 0.1 + 0.1 * y  # noqa: E731

    def in_place(K):
        return lambda t, y, h, out: np.multiply(coupled(K)(t, y), h, out=out)

    flows = [in_place(part) for part in np.array_split(K, parts)]
    assert rk4_in_place(flows, start, 0.05, 60).tobytes() == rk4(coupled(K), start, 0.05, 60).tobytes()
    noisy = euler_in_place(flows, start, 0.05, 60, g=g, rngs=generators(*seeds))
    whole = euler_maruyama(coupled(K), start, 0.05, 60, g=g, rngs=generators(*seeds))
    assert noisy.tobytes() == whole.tobytes()


def test_a_state_too_large_for_the_cache_is_advanced_like_any_other():
    start = np.random.default_rng(0).normal(size=(2, 40_000))
    y = rk4(lambda t, y: np.cos(t) * y, start, 0.1, 10)
    for some in (slice(0, 7), slice(16_380, 16_390), slice(-7, None)):
        few = rk4(lambda t, y: np.cos(t) * y, start[:, some], 0.1, 10)
        assert y[..., some].tobytes() == few.tobytes()


def test_a_member_that_blows_up_is_named_by_its_place_in_the_whole_batch():
    flow = lambda t, y, h, out: np.multiply(y**2, h, out=out)  # noqa: E731
    start = np.array([[0.1], [0.1], [0.1], [1.0], [0.1]])
    for integrate in (rk4_in_place, euler_in_place):
        with pytest.raises(Diverged, match=r"t = 1\.\d+ in member 3 of the batch"):
            integrate([flow] * 5, start, 0.01, 500)


@pytest.mark.parametrize("n", [1, 3, 1000])
def test_noise_is_what_the_members_generator_would_give_step_by_step(n):
    y, dW = driven(lambda t, y: 0 * y, lambda t, y: np.ones_like(y), np.zeros((2, n)), 0.25, 150, [1, 2])
    np.testing.assert_allclose(np.diff(y, axis=1), dW, rtol=0, atol=1e-13)
    rngs = generators(1, 2)
    euler_maruyama(lambda t, y: y, np.zeros((2, n)), 0.1, 150, g=lambda t, y: y, rngs=rngs)
    for used, seed in zip(rngs, (1, 2)):
        fresh = np.random.default_rng(seed)
        fresh.standard_normal((150, n))
        assert used.random() == fresh.random(), "more or fewer numbers were drawn than used"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_path():
    start = np.zeros((3, 4))
    y = euler_maruyama(lambda t, y: -y, start, 0.1, 10, g=lambda t, y: 1 + y, rngs=generators(5, 5, 6))
    assert y[0].tobytes() == y[1].tobytes()
    assert abs(y[0] - y[2])[1:].min() > 0
