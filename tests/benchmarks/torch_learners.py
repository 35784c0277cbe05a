"""The learners' steps in PyTorch, by hand and eager. Imported only where PyTorch is installed."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch.func import grad, vmap

from sims.backprop import layers

Array = NDArray[Any]
Given = Mapping[str, Array]
Learner = tuple[Callable[[], None], Callable[[], Given]]  # a step, and what came of the last
Tensors = dict[str, torch.Tensor]

torch.set_num_threads(1)


def leaf(values: Array) -> torch.Tensor:
    """A parameter, in memory of its own."""
    return torch.tensor(np.ascontiguousarray(values)).requires_grad_()


def parameters(given: Given, sizes: tuple[int, ...]) -> list[torch.Tensor]:
    """W and b of each layer."""
    W, b = layers(given["w"], sizes)
    return [leaf(v) for l in W for v in (W[l], b[l])]


def network(sizes: tuple[int, ...], eta: float, given: Given) -> Learner:
    """functional.linear, autograd and optim.SGD: over so few parameters its loop beats its `foreach`."""
    p, x, y = parameters(given, sizes), torch.tensor(given["x"]), torch.tensor(given["y"])
    squared = sizes[-1] == 1
    wanted = y if squared else y.argmax(-1)
    optimiser = torch.optim.SGD(p, lr=eta / 2 if squared else eta, foreach=False)  # mse_loss has no 1/2

    def work() -> None:
        z = F.linear(torch.tanh(F.linear(x, p[0], p[1])), p[2], p[3])
        loss = F.mse_loss(z, wanted) if squared else F.cross_entropy(z, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return work, lambda: {"w": flat(p)}


def flat(p: list[torch.Tensor]) -> Array:
    """The parameters in the order of `sims.backprop.layers`."""
    W_1, b_1, W_2, b_2 = (q.detach().numpy() for q in p)
    lead = b_1.shape[:-1]
    return np.concatenate([v.reshape(*lead, -1) for v in (W_1, b_1, W_2, b_2)], -1)


def networks(sizes: tuple[int, ...], eta: float, given: Given) -> Learner:
    """All networks in products side by side; the matrices lie as baddbmm takes them."""
    W, b = layers(given["w"], sizes)
    p = [leaf(v) for l in W for v in (W[l].mT, b[l][:, None])]
    x, y = torch.tensor(given["x"]), torch.tensor(given["y"])

    def work() -> None:
        z = torch.baddbmm(p[3], torch.tanh(torch.baddbmm(p[1], x, p[0])), p[2])
        found = torch.autograd.grad(((z - y) ** 2).mean((1, 2)).sum(), p)
        with torch.no_grad():
            for q, g in zip(p, found):
                q.sub_(g, alpha=eta / 2)

    def answer() -> Given:
        W_1, b_1, W_2, b_2 = (q.detach() for q in p)
        return {"w": flat([W_1.mT.contiguous(), b_1[:, 0], W_2.mT.contiguous(), b_2[:, 0]])}

    return work, answer


def vmapped(sizes: tuple[int, ...], eta: float, given: Given) -> Learner:
    """One network's loss, its gradient, and that for all networks at once."""
    p, x, y = parameters(given, sizes), torch.tensor(given["x"]), torch.tensor(given["y"])

    def loss(p: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(F.linear(torch.tanh(F.linear(x, p[0], p[1])), p[2], p[3]), y)

    gradient, weights = vmap(grad(loss)), [q.detach() for q in p]

    def work() -> None:
        for q, g in zip(weights, gradient(weights, x, y)):
            q.sub_(g, alpha=eta / 2)

    return work, lambda: {"w": flat(weights)}


def memory(given: Given) -> Learner:
    """nn.GRU: its gates are r, z, n, and where two biases are only added one of them is zero."""
    n = given["U_h"].shape[-1]
    kind = torch.tensor(given["x"]).dtype
    gru = torch.nn.GRU(given["W_h"].shape[-1], n, batch_first=True, dtype=kind)
    second = {"r": np.zeros(n), "z": np.zeros(n), "h": given["c_h"]}
    for name, rows in (
        ("weight_ih_l0", [given[f"W_{k}"] for k in "rzh"]),
        ("weight_hh_l0", [given[f"U_{k}"] for k in "rzh"]),
        ("bias_ih_l0", [given[f"b_{k}"] for k in "rzh"]),
        ("bias_hh_l0", [second[k] for k in "rzh"]),
    ):
        getattr(gru, name).data = torch.tensor(np.concatenate(rows), dtype=kind)
    x, dh = torch.tensor(given["x"]), torch.tensor(given["dh"])
    p, kept = list(gru.parameters()), {}

    def work() -> None:
        h, _ = gru(x)
        kept["h"] = h
        kept["found"] = torch.autograd.grad(h, p, dh)

    def answer() -> Given:
        W, U, b, c = (g.numpy().reshape(3, n, *g.shape[1:]) for g in kept["found"])
        named = {f"{k}_{gate}": v for k, vs in (("W", W), ("U", U), ("b", b)) for gate, v in zip("rzh", vs)}
        return named | {"c_h": c[2], "h": kept["h"].detach().numpy()}

    return work, answer


def attention(heads: int, given: Given) -> Learner:
    """scaled_dot_product_attention, with W_Q, W_K and W_V as one matrix, as in nn.MultiheadAttention."""
    X, G = leaf(given["X"]), torch.tensor(given["G"])
    W_QKV = leaf(np.concatenate([given[f"W_{k}"].T for k in "QKV"]))
    W_O, (B, n, d), kept = leaf(given["W_O"].T), X.shape, []

    def work() -> None:
        q, k, v = (t.view(B, n, heads, -1).transpose(1, 2) for t in F.linear(X, W_QKV).chunk(3, -1))
        blended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, n, d)
        output = F.linear(blended, W_O)
        kept[:] = output.detach(), *torch.autograd.grad(output, [X, W_QKV, W_O], G)

    def answer() -> Given:
        output, dX, dW_QKV, dW_O = (t.numpy() for t in kept)
        dW = {f"W_{k}": v.T for k, v in zip("QKV", np.split(dW_QKV, 3))}
        return {"output": output, "X": dX, "W_O": dW_O.T} | dW

    return work, answer
