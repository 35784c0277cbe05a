"""Runge-Kutta for phase oscillators in one compiled pass a stage, with its own sine and cosine; needs numba.

What `_phase_flow` and `rk4_in_place` do in a dozen passes over the oscillators: one stage's drift, the state
of the next, its sine and cosine and their sums. Equal to them but for rounding. A member is computed alone,
so that a batch has its bytes. Inside, phases and frequencies are in turns: of 2πy the whole ones fall away
without an error.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba  # type: ignore[import-not-found, import-untyped, unused-ignore]
import numba.extending  # type: ignore[import-not-found, import-untyped, unused-ignore]
import numpy as np
from numpy.typing import NDArray

from sims import _pair as pairs
from sims._integrate import CURE, empty
from sims._network import Edges, adjacency
from sims._progress import ticks
from sims._trajectory import check_finite

Array = NDArray[np.float64]
# indptr and indices of an array of sparse rows, and room for 2N numbers; unsigned, or each index would be
# asked whether it counts from the end
Graph = tuple[NDArray[np.uint32], NDArray[np.uint32], Array]
Function = TypeVar("Function", bound=Callable[..., object])

LARGEST = 1e15  # rad: beyond it neighbouring numbers are an eighth of a radian apart
AT_ONCE = 2**24  # oscillator-steps between two looks at what came out, a tenth of a second

TWO_PI = 2 * np.pi  # rad
ROUND = 1.5 * 2**52  # added and taken away it rounds to a whole number
# √2 sin πr = r (A₀ + A₁z + A₂z² + …) within 3e-16 and √2 cos πr = B₀ + B₁z + B₂z² + … within 1e-16, z = r²,
# |r| <= 1/2: the polynomials of least largest error, by Remez' exchange in fifty digits, each coefficient
# rounded before the next is found
A0, A1, A2, A3 = 4.442882938158362, -7.308249499994565, 3.6064765714225113, -0.8474880236381572
A4, A5, A6, A7 = 0.1161718116109042, -0.010423248566457358, 0.0006589550334212811, -2.9838741485616967e-05
B0, B1, B2, B3 = 1.4142135623730951, -6.978864199638927, 5.73988573495061, -1.8883467171647952
B4, B5, B6, B7 = 0.3328077708631323, -0.03649646974287639, 0.0027288875746998807, -0.00014808201730650636
B8 = 6.0695347476980805e-06


def compiled(*liberties: str) -> Callable[[Function], Function]:
    """Compile on first use and keep the code on disk; no liberty blinds it to what is not finite."""
    jit = numba.njit(fastmath=set(liberties), cache=True, nogil=True, error_model="numpy")
    return cast(Callable[[Function], Function], jit)


def _prefer(typing_context: object) -> object:
    def mark(context: Any, builder: Any, signature: object, arguments: object) -> object:
        # numba has no word for it, and llvmlite's own `add` knows no attribute with a value
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return numba.types.void(), mark


# Called in a function, it asks for vectors as wide as the machine's: LLVM by itself takes half of AVX-512's.
widest = cast(Callable[[], None], numba.extending.intrinsic(_prefer))


# sums may not be taken in another order here: it would undo the rounding to whole turns
@compiled("contract")
def sin_cos(y: float) -> tuple[float, float]:
    """Sine and cosine of θ = 2πy within 1e-15: uv and v² - 1, u = √2 sin πr, v = √2 cos πr, r = y mod 1.

    No branches and no table, so that it runs in vectors.
    """
    r = y - ((y + ROUND) - ROUND)
    z = r * r
    u = r * (A0 + z * (A1 + z * (A2 + z * (A3 + z * (A4 + z * (A5 + z * (A6 + z * A7)))))))
    v = B0 + z * (B1 + z * (B2 + z * (B3 + z * (B4 + z * (B5 + z * (B6 + z * (B7 + z * B8)))))))
    return u * v, v * v - 1


@compiled("contract", "reassoc")
def start(y: Array, s: Array, c: Array) -> tuple[float, float]:
    """Sine and cosine of y, and their sums."""
    widest()
    S = C = 0.0
    for i in range(y.size):
        sine, cosine = sin_cos(y[i])
        s[i], c[i] = sine, cosine
        S, C = S + sine, C + cosine
    return S, C


@compiled("contract", "reassoc")
def stage(
    y: Array,
    omega: Array,
    a: float,
    b: float,
    h: float,
    w: float,
    first: bool,
    total: Array,
    s: Array,
    c: Array,
) -> tuple[float, float]:
    """k = ω + a cos θ + b sin θ; total += wk, which begins as y; sine and cosine of the next state y + hk."""
    widest()
    S = C = 0.0
    for i in range(y.size):
        k = omega[i] + a * c[i] + b * s[i]
        total[i] = (y[i] if first else total[i]) + w * k
        sine, cosine = sin_cos(y[i] + h * k)
        s[i], c[i] = sine, cosine
        S, C = S + sine, C + cosine
    return S, C


@compiled("contract", "reassoc")
def finish(
    y: Array, omega: Array, a: float, b: float, w: float, total: Array, s: Array, c: Array
) -> tuple[float, float]:
    """The step's end: total += wk becomes y."""
    widest()
    S = C = 0.0
    for i in range(y.size):
        y[i] = total[i] + w * (omega[i] + a * c[i] + b * s[i])
        sine, cosine = sin_cos(y[i])
        s[i], c[i] = sine, cosine
        S, C = S + sine, C + cosine
    return S, C


@compiled("contract")
def pull(
    s: Array, c: Array, S: float, C: float, turn: Array, pin: Array, omega: Array, graph: Graph, flow: Array
) -> tuple[float, float]:
    """a and b of the mean field; on a network, where they differ, the drift itself in flow, and 0 and 0."""
    indptr, indices, beside = graph
    # by names of their own, or they would be read anew for every oscillator
    aC, aS, bC, bS = turn[0, 0], turn[0, 1], turn[1, 0], turn[1, 1]
    a0, b0 = pin[0], pin[1]
    if indices.size == 0:
        return aC * C + aS * S + a0, bC * C + bS * S + b0
    # side by side, so that a neighbour far away is one look into memory, not two
    for i in range(s.size):
        beside[2 * i], beside[2 * i + 1] = s[i], c[i]
    for i in range(s.size):
        seen = pairs.zeros()
        for k in range(indptr[i], indptr[i + 1]):
            seen = pairs.plus(seen, beside, 2 * indices[k])
        S, C = pairs.both(seen)
        a, b = aC * C + aS * S + a0, bC * C + bS * S + b0
        flow[i] = omega[i] + a * c[i] + b * s[i]
    return 0.0, 0.0


@compiled("contract", "reassoc")
def march(
    state: tuple[Array, Array, Array, Array],
    sums: Array,
    omega: Array,
    turn: Array,
    pin: Array,
    graph: Graph,
    dt: float,
    steps: tuple[int, int, int],
    kept: Array,
) -> None:
    """One member's steps from `begin` to `end`; its state stays, 2πy of every so many goes into kept."""
    widest()
    y, s, c, total = state
    begin, end, every = steps
    S, C = sums
    flow = np.empty_like(y) if graph[1].size else omega
    for step in range(begin, end):
        for h, w, first in ((dt / 2, dt / 6, True), (dt / 2, dt / 3, False), (dt, dt / 3, False)):
            a, b = pull(s, c, S, C, turn, pin, omega, graph, flow)
            S, C = stage(y, flow, a, b, h, w, first, total, s, c)
        a, b = pull(s, c, S, C, turn, pin, omega, graph, flow)
        S, C = finish(y, flow, a, b, dt / 6, total, s, c)
        if (step + 1) % every == 0:
            for i in range(y.size):
                kept[(step + 1) // every, i] = TWO_PI * y[i]
    sums[0], sums[1] = S, C


def rk4(
    theta: Array,
    omega: Array,
    K: Array,
    alpha: Array,
    kappa: Array,
    target: Array,
    links: Edges,
    dt: float,
    steps: int,
    every: int,
) -> Array:
    """The phases (B, T, N) at the recorded times; theta, omega (B, N), links (B, M, 2), all else (B, 1).

    Raises Diverged where they stop being finite, or grow so large that sine and cosine mean nothing.
    """
    B, N = theta.shape
    share = K * N / (2 * links.shape[1]) if links.size else K / N
    Kc, Ks = (share * np.cos(alpha))[:, 0], (share * np.sin(alpha))[:, 0]
    turn = np.array([[-Ks, Kc], [-Kc, -Ks]]).transpose(2, 0, 1).copy() / TWO_PI
    pin = np.hstack([kappa * np.sin(target), -kappa * np.cos(target)]) / TWO_PI
    kept = np.empty((B, steps // every + 1, N))
    kept[:, 0] = theta
    # four arrays, and not one of four rows: only so is it plain to the compiler that they lie apart
    y, s, c, total, frequencies = (empty(N) for _ in range(5))
    beside, sums = empty(2 * N), np.empty(2)
    at_once = max(1, AT_ONCE // N)
    # member after member, whose state then stays in the cache
    stretches = -(-steps // at_once)
    for stretch in ticks(B * stretches):
        m, begin = stretch // stretches, stretch % stretches * at_once
        end = min(steps, begin + at_once)
        if begin == 0:
            A = adjacency(links[m], N)
            graph = A.indptr.astype(np.uint32), A.indices.astype(np.uint32), beside
            np.divide(omega[m], TWO_PI, out=frequencies)
            np.divide(theta[m], TWO_PI, out=y)
            sums[:] = start(y, s, c)
        march((y, s, c, total), sums, frequencies, turn[m], pin[m], graph, dt, (begin, end, every), kept[m])
        if not np.abs(y).max() < LARGEST / TWO_PI:
            rows = kept[m, begin // every + 1 : end // every + 1]
            lost = np.flatnonzero(~(np.abs(rows).max(-1) < LARGEST))
            last = (begin // every + 1 + lost[0]) * every if lost.size else end
            bad = np.where(np.arange(B) == m, np.nan, 0.0)
            check_finite(bad, "the state", when=f"t = {last * dt:g}", cure=CURE)
    return kept
