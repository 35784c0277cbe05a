"""What trajectories and sweeps tell: plain functions on xarray's Datasets, by the names of their dimensions.

    >>> from sims.analysis import learning_curve
    >>> learning_curve(sweep.loss, over="seed").centre.plot()     # doctest: +SKIP

Every function takes arrays with named dimensions, works along those it is told of and leaves all others as
they are. What comes out carries its meaning, symbol and units, so that a plot of it labels itself.
"""

from sims.analysis.chaos import lyapunov
from sims.analysis.continuation import hysteresis
from sims.analysis.curvature import gradient_noise, hessian_product, sharpness
from sims.analysis.flows import Flow, kuramoto_flow
from sims.analysis.landscape import Network, loss_on_plane, network, path_plane, random_plane, weights
from sims.analysis.learning import learning_curve
from sims.analysis.scaling import critical_coupling
from sims.analysis.states import cut, hierarchy, mean_states, pca
from sims.analysis.synchrony import synchronisation_time

__all__ = [
    "Flow",
    "Network",
    "critical_coupling",
    "cut",
    "gradient_noise",
    "hessian_product",
    "hierarchy",
    "hysteresis",
    "kuramoto_flow",
    "learning_curve",
    "loss_on_plane",
    "lyapunov",
    "mean_states",
    "network",
    "path_plane",
    "pca",
    "random_plane",
    "sharpness",
    "synchronisation_time",
    "weights",
]
