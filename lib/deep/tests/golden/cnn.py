"""Golden values for a forward and a backward pass of the network, and three steps of AdamW, from PyTorch.

    python lib/deep/tests/golden/cnn.py            # rewrite cnn.json: needs PyTorch
    python lib/deep/tests/golden/cnn.py --check    # compute again and compare with cnn.json, exit 1 if it differs

PyTorch is two gigabytes, so it is not among the course's requirements. Where it is missing, --check computes the same
with numpy alone, by formulas written here a second time, and says so.
"""

import json
import sys
from pathlib import Path

import numpy as np

try:
    import torch
except ImportError:
    torch = None

OUT = Path(__file__).with_suffix(".json")
SHAPES = {
    "conv1.weight": (2, 1, 5, 5),
    "conv1.bias": (2,),
    "conv2.weight": (3, 2, 5, 5),
    "conv2.bias": (3,),
    "dense1.weight": (4, 48),
    "dense1.bias": (4,),
    "dense2.weight": (10, 4),
    "dense2.bias": (10,),
}
SEED, LABELS = 1998, [3, 0, 7]
STEPS, LEARNING_RATE, WEIGHT_DECAY = 3, 0.01, 0.1


def inputs():
    """Images and parameters, rounded so that the file is short and exact."""
    rng = np.random.default_rng(SEED)
    x = np.round(rng.uniform(0, 1, (3, 1, 28, 28)), 3)
    bound = {name: 1 / np.sqrt(np.prod(SHAPES[name.split(".")[0] + ".weight"][1:])) for name in SHAPES}
    parameters = {name: np.round(rng.uniform(-bound[name], bound[name], shape), 4) for name, shape in SHAPES.items()}
    return x, parameters


def with_torch(x, start):
    """Logits, loss, gradients, and the parameters after three steps."""
    p = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in start.items()}
    x, labels = torch.tensor(x, dtype=torch.float64), torch.tensor(LABELS)
    f = torch.nn.functional

    def forward():
        h = f.relu(f.max_pool2d(f.conv2d(x, p["conv1.weight"], p["conv1.bias"]), 2))
        h = f.relu(f.max_pool2d(f.conv2d(h, p["conv2.weight"], p["conv2.bias"]), 2))
        h = f.relu(f.linear(h.flatten(1), p["dense1.weight"], p["dense1.bias"]))
        return f.linear(h, p["dense2.weight"], p["dense2.bias"])

    weights, biases = ([v for name, v in p.items() if name.endswith(end)] for end in ("weight", "bias"))
    groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": biases, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8)
    for step in range(STEPS):
        adam.zero_grad()
        logits = forward()
        loss = f.cross_entropy(logits, labels)
        loss.backward()
        if step == 0:
            first = {
                "logits": logits.detach().numpy(),
                "loss": loss.detach().numpy(),
                "gradients": {name: v.grad.numpy().copy() for name, v in p.items()},
            }
        adam.step()
    return first | {"stepped": {name: v.detach().numpy() for name, v in p.items()}}


def with_numpy(x, start):
    """The same, by hand."""
    p = {name: value.copy() for name, value in start.items()}
    windows = np.lib.stride_tricks.sliding_window_view

    def conv(x, w, b):
        return np.einsum("ncrsij,ocij->nors", windows(x, w.shape[2:], (2, 3)), w) + b[:, None, None]

    def conv_back(x, w, g):
        k = w.shape[2] - 1
        wide = np.pad(g, ((0, 0), (0, 0), (k, k), (k, k)))
        back = np.einsum("norsij,ocij->ncrs", windows(wide, w.shape[2:], (2, 3)), w[:, :, ::-1, ::-1])
        return back, np.einsum("ncijrs,nors->ocij", windows(x, g.shape[2:], (2, 3)), g), g.sum((0, 2, 3))

    def cells(x):
        n, c, h, w = x.shape
        return x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)

    def pool_back(x, g):
        n, c, h, w = g.shape
        won = np.eye(4)[cells(x).argmax(-1)] * g[..., None]
        return won.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(x.shape)

    def loss_and_gradients():
        a1 = conv(x, p["conv1.weight"], p["conv1.bias"])
        m1 = cells(a1).max(-1)
        r1 = np.maximum(m1, 0)
        a2 = conv(r1, p["conv2.weight"], p["conv2.bias"])
        m2 = cells(a2).max(-1)
        flat = np.maximum(m2, 0).reshape(len(x), -1)
        a3 = flat @ p["dense1.weight"].T + p["dense1.bias"]
        r3 = np.maximum(a3, 0)
        z = r3 @ p["dense2.weight"].T + p["dense2.bias"]
        probability = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        at = (range(len(x)), LABELS)
        loss, g = -np.log(probability[at]).mean(), probability.copy()
        g[at] -= 1
        g /= len(x)
        d = {"dense2.weight": g.T @ r3, "dense2.bias": g.sum(0)}
        g = (g @ p["dense2.weight"]) * (a3 > 0)
        d |= {"dense1.weight": g.T @ flat, "dense1.bias": g.sum(0)}
        g = pool_back(a2, (g @ p["dense1.weight"]).reshape(m2.shape) * (m2 > 0))
        g, d["conv2.weight"], d["conv2.bias"] = conv_back(r1, p["conv2.weight"], g)
        _, d["conv1.weight"], d["conv1.bias"] = conv_back(x, p["conv1.weight"], pool_back(a1, g * (m1 > 0)))
        return z, loss, d

    m = {name: np.zeros_like(value) for name, value in p.items()}
    v = {name: np.zeros_like(value) for name, value in p.items()}
    for t in range(1, STEPS + 1):
        z, loss, d = loss_and_gradients()
        if t == 1:
            first = {"logits": z, "loss": loss, "gradients": d}
        for name in p:
            m[name] = 0.9 * m[name] + 0.1 * d[name]
            v[name] = 0.999 * v[name] + 0.001 * d[name] ** 2
            if name.endswith("weight"):
                p[name] = p[name] * (1 - LEARNING_RATE * WEIGHT_DECAY)
            root = np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8
            p[name] = p[name] - LEARNING_RATE * m[name] / (1 - 0.9**t) / root
    return first | {"stepped": p}


def plain(value):
    """Arrays as flat lists."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return np.asarray(value).ravel().tolist()


def apart(a, b):
    """The largest difference of two trees of numbers, infinite if their shapes differ."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return max(apart(a[key], b[key]) for key in a)
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return float(np.abs(a - b).max()) if a.shape == b.shape else float("inf")


def main():
    x, parameters = inputs()
    given = plain({"x": x, "parameters": parameters})
    if sys.argv[1:] == ["--check"]:
        stored = json.loads(OUT.read_text())
        compute, by = (with_torch, f"torch {torch.__version__}") if torch else (with_numpy, "numpy; torch is not here")
        fresh = given | plain(compute(x, parameters))
        difference = apart({name: stored[name] for name in fresh}, fresh)
        print(f"{OUT.name}: written with torch {stored['versions']['torch']}, computed again with {by}:", end=" ")
        print(f"at most {difference:.1e} apart")
        sys.exit(0 if difference < 1e-12 else 1)
    if sys.argv[1:]:
        sys.exit(__doc__)
    if torch is None:
        sys.exit("PyTorch is needed to write the file: pip install torch")
    settings = {"labels": LABELS, "seed": SEED, "steps": STEPS, "learning_rate": LEARNING_RATE}
    versions = {"torch": torch.__version__, "numpy": np.__version__}
    golden = {"versions": versions, **settings, "weight_decay": WEIGHT_DECAY}
    golden |= given | plain(with_torch(x, parameters))
    OUT.write_text(json.dumps(golden) + "\n")
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
