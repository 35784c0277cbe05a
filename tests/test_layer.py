"""Products in whatever pieces they are taken, and the memory that is kept for them."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sims._layer import LITTLE, product, sigmoid, summed

SIZES = st.sampled_from([1, 2, 3, 16, 50, 64, 128, 200, 256])


def laid_out(A, order):
    """The same numbers, rows in order, columns in order, or every second of a larger array's."""
    if order == "S":
        spaced = np.zeros((*A.shape[:-1], 2 * A.shape[-1]), A.dtype)
        spaced[..., ::2] = A
        return spaced[..., ::2]
    return A if order == "C" else np.ascontiguousarray(A.mT).mT


@given(
    SIZES,
    SIZES,
    SIZES,
    st.sampled_from([((), ()), ((2,), (2,)), ((2, 3), (3,)), ((), (2,)), ((2,), ())]),
    st.sampled_from("CFS"),
    st.sampled_from("CFS"),
    st.sampled_from(["f4", "f8", "c16"]),
)
@settings(max_examples=200, deadline=None)
def test_a_product_is_that_of_einsum_however_it_is_laid_out_and_cut(m, k, n, leads, a_order, b_order, kind):
    rng = np.random.default_rng(m + 1000 * k + n)
    A, B = (rng.integers(-8, 9, (*lead, *shape)).astype(kind) for lead, shape in zip(leads, ((m, k), (k, n))))
    exact = np.einsum("...ij,...jk->...ik", A, B, optimize=True)  # whole numbers: equal in any order of sums
    A, B = laid_out(A, a_order), laid_out(B, b_order)
    for out in (None, np.full(exact.shape, np.nan, kind), laid_out(np.full(exact.shape, np.nan, kind), "F")):
        C = product(A, B, out)
        assert C.dtype == kind
        assert out is None or np.shares_memory(C, out)
        np.testing.assert_array_equal(C if out is None else out, exact)


def test_the_sizes_tried_reach_from_one_piece_to_eight_and_beyond():
    work = [m * k * n / LITTLE for m in (128, 256) for k in (64, 256) for n in (64, 200, 256)]
    for low, high in ((0, 1), (1, 2), (2, 4), (4, 8), (8, 99)):
        assert any(low < w <= high for w in work)


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_rows_are_summed(lead):
    A = np.arange(np.prod((*lead, 4, 5))).reshape(*lead, 4, 5).astype(float)
    np.testing.assert_array_equal(summed(A), A.sum(-2))
    out = np.empty((*lead, 5))
    summed(A, out, share=1 / 4)
    np.testing.assert_array_equal(out, A.mean(-2))


# by hand: what a system does with freed memory is its own affair, and another may do otherwise
@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="page faults are counted on Linux")
def test_large_arrays_made_again_and_again_fetch_few_new_pages():
    code = """
import resource
import numpy as np
import sims.attention as A

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

X, W = np.ones((256, 64)), np.ones((4, 64, 64)) / 64
for i in range(20):
    if i == 10:
        before = faults()
    A.attention_backward(X, A.attention(X, *W, heads=4), X, *W)
print(faults() - before)
"""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}

    def fetched(**environment: str) -> int:
        return int(subprocess.check_output([sys.executable, "-c", code], env=bare | environment, text=True))

    # whoever sets the threshold takes it out of our hands: that is how the system would do it
    without = fetched(MALLOC_MMAP_THRESHOLD_=str(2**17), MALLOC_TRIM_THRESHOLD_=str(2**17))
    assert without > 10_000  # 20 MB are written to in each of ten rounds
    assert fetched() < without / 10


def test_one_number_is_squashed_like_any_other():
    for z in (0.5, np.float64(0.5), np.array(0.5), np.array([0.5])):
        np.testing.assert_allclose(sigmoid(z), 1 / (1 + np.exp(-0.5)), rtol=1e-15)
