"""Oscillators on a network: the sparse product and sums over pairs, graphs, twisted states, small worlds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse, stats
from scipy.integrate import solve_ivp

from sims import Kuramoto, ParameterError, load, save
from sims import _network as network
from sims._integrate import rk4
from sims._network import adjacency, network_drift, network_energy
from sims.kuramoto import drift

NONE, ONE = np.zeros(1), np.ones(1)


@st.composite
def weighted_crowds(draw, symmetric=False):
    """Phases (B, N) and weights (N, N), half of them zero."""
    B, N = draw(st.integers(1, 3)), draw(st.integers(1, 9))
    theta = draw(arrays(np.float64, (B, N), elements=st.floats(-20, 20)))
    A = draw(arrays(np.float64, (N, N), elements=st.floats(-2, 2) | st.just(0.0)))
    return theta, A + A.T if symmetric else A


# The equation


@given(weighted_crowds(), st.floats(-5, 5), st.floats(0, 10), st.floats(-3.2, 3.2))
def test_the_sparse_product_equals_the_sum_over_all_pairs(crowd, omega, K, alpha):
    theta, A = crowd
    naive = omega + K * (A * np.sin(theta[:, None, :] - theta[:, :, None] - alpha)).sum(-1)
    ours = network_drift(theta, np.full_like(theta, omega), K * ONE, alpha * ONE, sparse.csr_array(A))
    np.testing.assert_allclose(ours, naive, rtol=0, atol=1e-11)


@given(weighted_crowds())
def test_one_complex_product_is_two_real_ones(crowd):
    theta, A = crowd
    A = sparse.csr_array(A)
    s, c = np.sin(theta), np.cos(theta)
    two = c * (A @ s.T).T - s * (A @ c.T).T
    np.testing.assert_allclose(network_drift(theta, NONE, ONE, NONE, A), two, rtol=0, atol=1e-12)


@given(arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 12)), elements=st.floats(-20, 20)))
def test_all_weights_equal_is_the_mean_field(theta):
    A = sparse.csr_array(np.full((theta.shape[1],) * 2, 1 / theta.shape[1]))
    K, alpha = np.array([2.0]), np.array([0.4])
    on_a_graph = network_drift(theta, theta / 7, K, alpha, A)
    np.testing.assert_allclose(on_a_graph, drift(theta, theta / 7, K, alpha), rtol=0, atol=1e-12)


@settings(max_examples=50)
@given(weighted_crowds(symmetric=True), st.floats(0, 5))
def test_equal_oscillators_descend_the_energy_of_their_edges(crowd, K):
    (theta, *_), A = crowd

    def pairwise(theta):
        return -K / 2 * (A * np.cos(theta[None, :] - theta[:, None])).sum()

    slope = [pairwise(theta + 1e-200j * unit).imag / 1e-200 for unit in np.eye(theta.size)]
    flow = network_drift(theta, NONE, K * ONE, NONE, sparse.csr_array(A))
    np.testing.assert_allclose(flow, -np.array(slope), rtol=0, atol=1e-11)
    energy = network_energy(theta, K * ONE, sparse.csr_array(A))
    np.testing.assert_allclose(energy, pairwise(theta), rtol=1e-12, atol=1e-11)


# The graphs


@given(st.integers(3, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, (n - 1) // 2))))
def test_on_a_ring_each_is_joined_to_the_next_on_either_side(size):
    n, reach = size
    A = adjacency(network.ring(n, 2 * reach), n).toarray()
    apart = np.abs(np.arange(n) - np.arange(n)[:, None])
    apart = np.minimum(apart, n - apart)
    np.testing.assert_array_equal(A, (apart > 0) & (apart <= reach))


@given(st.integers(2, 60), st.integers(1, 59), st.sampled_from([None, 0.0, 0.3, 1.0]), st.integers(0, 9))
def test_edges_by_chance_are_distinct_pairs_and_as_many_as_the_degree_says(n, degree, share, seed):
    degree = min(degree, n - 1)
    degree -= degree % 2 if share is not None else n * degree % 2
    if degree:
        rng = np.random.default_rng(seed)
        if share is None:
            edges = network.random(n, degree, rng)
        else:
            edges = network.rewired(network.ring(n, degree), n, share, rng)
        A = adjacency(edges, n).toarray()
        assert len(edges) == n * degree // 2
        assert A.sum() == n * degree
        assert set(np.unique(A)) <= {0.0, 1.0}
        assert (np.diag(A) == 0).all()
        assert (A == A.T).all()


def test_by_chance_every_pair_is_as_likely_as_any_other():
    n, degree, draws = 8, 3, 3000
    total = sum(
        adjacency(network.random(n, degree, np.random.default_rng(seed)), n).toarray()
        for seed in range(draws)
    )
    counts = total[np.triu_indices(n, 1)]
    # of draws without replacement the counts of pairs vary less than a multinomial's, by 1 - M/pairs
    pairs, M = n * (n - 1) / 2, n * degree / 2
    chi2 = ((counts - draws * M / pairs) ** 2).sum() / (draws * M / pairs) / (1 - M / pairs)
    assert stats.chi2(pairs - 1).cdf(chi2) == pytest.approx(0.5, abs=0.499)


def test_a_share_of_the_rings_edges_is_rewired():
    n, degree = 1000, 6
    ring = adjacency(network.ring(n, degree), n)
    for share in (0.0, 0.1, 0.5):
        new = adjacency(network.rewired(network.ring(n, degree), n, share, np.random.default_rng(1)), n)
        # of the random pairs a few, share² M²/pairs, are edges of the ring that were taken away
        again = 2 * (share * 3000) ** 2 / (n * (n - 1) / 2)
        left = new.multiply(ring).sum()
        assert left == pytest.approx((1 - share) * ring.sum() + again, abs=5 * np.sqrt(again) + 1e-9)


# What is known of oscillators on them


@pytest.mark.parametrize("reach", [1, 2, 5])
def test_twisted_states_are_at_rest(reach):
    n = 40
    A = adjacency(network.ring(n, 2 * reach), n)
    q = np.arange(-20, 21)[:, None]
    theta = 2 * np.pi * q * np.arange(n) / n
    assert np.abs(network_drift(theta, NONE, ONE, NONE, A)).max() < 1e-12


@pytest.mark.parametrize("q", [0, 3, 9, 11, 15, 20])
def test_twisted_states_are_stable_below_a_quarter_turn_a_neighbour_and_grow_as_theory_says(q):
    """λₘ = 2K cos(2πq/N) (cos(2πm/N) - 1): Wiley, Strogatz & Girvan 2006, with nearest neighbours."""
    n, m, eps = 40, 7, 1e-6
    i = np.arange(n)
    A = adjacency(network.ring(n, 2), n)
    twisted, wave = 2 * np.pi * q * i / n, np.cos(2 * np.pi * m * i / n)
    start = (twisted + eps * wave)[None]
    path = rk4(lambda t, y: network_drift(y, NONE, ONE, NONE, A), start, 0.02, 100)[0]
    amplitude = (path - twisted) @ wave / (wave @ wave) / eps
    rate = 2 * np.cos(2 * np.pi * q / n) * (np.cos(2 * np.pi * m / n) - 1)
    assert (rate < 0) == (abs(q) < n / 4)
    np.testing.assert_allclose(amplitude, np.exp(rate * 0.02 * np.arange(101)), rtol=1e-5)


def test_a_small_world_agrees_where_a_ring_does_not():
    """Hong, Choi & Kim 2002, Phys. Rev. E 65, 026139: few shortcuts are enough."""
    common = {
        "n": 400,
        "network": "ring",
        "degree": 6,
        "K": 3.0,
        "frequencies": "normal",
        "sampling": "random",
    }
    course = {"dt": 0.1, "steps": 1500, "every": 10}
    runs = Kuramoto.run_batch(
        [Kuramoto(rewiring=p, seed=s, **common, **course) for p in (0, 0.5) for s in (1, 2)]
    )
    late = runs.r.isel(time=slice(75, None)).mean("time").values
    assert late[2:].min() > 3 * late[:2].max()
    assert late[2:].min() > 0.5


# The simulation


@pytest.mark.parametrize("scheme", ["rk4", "euler"])
def test_what_is_recorded_follows_from_the_recorded_edges_alone(scheme, tmp_path):
    parameters = {
        "n": 30,
        "degree": 6,
        "alpha": 0.3,
        "K": 2.0,
        "kappa": 0.4,
        "target": 1.0,
        "frequencies": "normal",
    }
    sim = Kuramoto(network="ring", rewiring=0.3, scheme=scheme, dt=0.01, steps=100, every=10, **parameters)
    run = load(save(sim.run(), tmp_path / "run.nc"))
    A = np.zeros((30, 30))
    for i, j in run.link.values:
        A[i, j] = A[j, i] = 1 / 6

    def flow(theta):
        pull = 2.0 * (A * np.sin(theta[None, :] - theta[:, None] - 0.3)).sum(1)
        return run.omega.values + pull - 0.4 * np.sin(theta - 1.0)

    for theta, theta_dot, slope, E in zip(
        *(run[v].values for v in ("theta", "theta_dot", "slope", "energy"))
    ):
        np.testing.assert_allclose(theta_dot, flow(theta), rtol=0, atol=1e-12)
        gaps = theta[None, :] - theta[:, None]
        np.testing.assert_allclose(
            slope, -2.0 * (A * np.sin(gaps)).sum(1) + 0.4 * np.sin(theta - 1.0), rtol=0, atol=1e-12
        )
        pinned = 0.4 * (1 - np.cos(theta - 1.0)).sum()
        np.testing.assert_allclose(E, pinned - (A * np.cos(gaps)).sum(), rtol=0, atol=1e-12)
    end = float(run.time[-1])
    if scheme == "rk4":
        solution = solve_ivp(lambda t, y: flow(y), (0, end), run.theta[0], "DOP853", rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(run.theta[-1], solution.y[:, -1], rtol=0, atol=1e-7)
    else:
        theta = run.theta.values[0]
        for _ in range(100):
            theta = theta + 0.01 * flow(theta)
        np.testing.assert_allclose(run.theta[-1], theta, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "wired", [{"network": "ring"}, {"network": "random"}, {"network": "ring", "rewiring": 0.4}]
)
def test_on_any_graph_equal_oscillators_lose_energy_and_drift_down_its_slope(wired):
    crowd = [
        Kuramoto(n=40, degree=4, frequencies="equal", seed=seed, steps=300, **wired) for seed in range(4)
    ]
    runs = Kuramoto.run_batch(crowd)
    assert runs.energy.diff("time").max() <= 1e-12
    np.testing.assert_allclose(runs.theta_dot, -runs.slope, rtol=0, atol=1e-12)


def test_joined_to_all_others_the_crowd_is_that_of_the_mean_field():
    """With d = N - 1 neighbours K/d stands for K/N, and a sine of nothing is nothing."""
    n = 24
    graph = Kuramoto(n=n, network="random", degree=n - 1, K=2.5 * (n - 1) / n, steps=200).run()
    field = Kuramoto(n=n, K=2.5, steps=200).run()
    np.testing.assert_allclose(graph.theta, field.theta, rtol=0, atol=1e-11)
    assert field.link.shape == (0, 2)


def test_the_graph_is_drawn_by_the_seed():
    links = [Kuramoto(n=30, network="random", degree=4, steps=1, seed=s).run().link.values for s in (1, 1, 2)]
    np.testing.assert_array_equal(links[0], links[1])
    assert (links[0] != links[2]).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"network": "ring", "n": 4, "degree": 4}, "degree must be < n = 4 on a network; got 4"),
        ({"network": "ring", "degree": 3}, "degree must be even on a ring; got 3"),
        ({"network": "random", "n": 5, "degree": 3}, r"degree \* n must be even; got degree = 3 and n = 5"),
        ({"network": "random", "rewiring": 0.1}, "rewiring must be 0 unless network='ring'; got 0.1"),
        ({"network": "star"}, "network must be one of all, ring, random; got 'star'"),
        ({"rewiring": 1.5, "network": "ring"}, "rewiring must be <= 1; got 1.5"),
    ],
)
def test_a_network_that_cannot_be_is_refused_with_the_reason(wrong, message):
    with pytest.raises(ParameterError, match=message):
        Kuramoto(**wrong)
