"""Golden values for foundations::linalg, from numpy and scipy.

    python lib/foundations/tests/golden/linalg.py            # rewrite linalg.json
    python lib/foundations/tests/golden/linalg.py --check    # compare with linalg.json, exit 1 if it differs

Inputs, outputs and versions are written together. Where the question is accuracy and not agreement,
the exact answer is computed in rational arithmetic (fractions), and numpy's own error is written
beside it, so that the Rust test compares error with error.
"""

import csv
import gzip
import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy
import scipy.linalg as sl

SEED = 20240601
EPS = np.finfo(float).eps
OUT = Path(__file__).with_suffix(".json")
DATA = Path(__file__).parents[3] / "datasets" / "data"


def hilbert(n):
    return np.array([[1.0 / (i + j + 1) for j in range(n)] for i in range(n)])


def economic_years():
    """Sixteen yearly rows of six series that grow together, in the units of official statistics.

    Made up, in whole numbers, with the shape and the scales of Longley's design: an index near 100,
    national product in millions, three head counts in thousands, the year; a constant in front.
    """
    rng = np.random.default_rng(SEED)
    t = np.arange(16)
    columns = [
        np.ones(16),
        830 + 21 * t + rng.integers(-6, 7, 16),
        234000 + 21000 * t + rng.integers(-4000, 4001, 16),
        2300 + 160 * t + rng.integers(-900, 901, 16),
        1590 + 70 * t + rng.integers(-400, 401, 16),
        107600 + 1500 * t + rng.integers(-150, 151, 16),
        1947 + t,
    ]
    x = np.column_stack(columns).astype(float)
    y = (60300 + 640 * t + rng.integers(-300, 301, 16)).astype(float)
    return x, y


def polynomial(degree, points):
    t = np.arange(points, dtype=float)
    return np.vander(t, degree + 1, increasing=True)


# --- exact answers -----------------------------------------------------------------------------


def exact_solve(a, b):
    """Solves A x = b in rational arithmetic: the floats are taken as the exact numbers they are."""
    n = len(b)
    m = [[Fraction(v) for v in row] + [Fraction(r)] for row, r in zip(a, b)]
    for k in range(n):
        p = next(i for i in range(k, n) if m[i][k] != 0)
        m[k], m[p] = m[p], m[k]
        for i in range(n):
            if i != k:
                f = m[i][k] / m[k][k]
                m[i] = [x - f * y for x, y in zip(m[i], m[k])]
    return [m[i][n] / m[i][i] for i in range(n)]


def exact_least_squares(x, y):
    xf = [[Fraction(v) for v in row] for row in x]
    yf = [Fraction(v) for v in y]
    n = len(xf[0])
    xtx = [[sum(r[i] * r[j] for r in xf) for j in range(n)] for i in range(n)]
    xty = [sum(r[i] * v for r, v in zip(xf, yf)) for i in range(n)]
    return exact_solve(xtx, xty)


def relative_error(x, exact):
    scale = max(abs(v) for v in exact)
    return float(max(abs(Fraction(float(a)) - b) for a, b in zip(x, exact)) / scale)


# --- numpy's own residuals ---------------------------------------------------------------------


def backward_error(a, x, b):
    """‖b - A x‖∞ / (‖A‖∞ ‖x‖∞ + ‖b‖∞), the residual itself in rational arithmetic."""
    residual = max(
        abs(Fraction(bi) - sum(Fraction(v) * Fraction(float(xi)) for v, xi in zip(row, x)))
        for row, bi in zip(a, b)
    )
    scale = np.abs(a).sum(axis=1).max() * np.abs(x).max() + np.abs(b).max()
    return float(residual) / scale


def lu_case(name, a, b):
    p, l, u = sl.lu(a)
    x = np.linalg.solve(a, b)
    exact = exact_solve(a, b)
    case = {
        "name": name,
        "a": a,
        "b": b,
        "p": p.T,  # scipy: A = P L U; ours: P A = L U
        "l": l,
        "u": u,
        "det": np.linalg.det(a),
        "sign": np.linalg.slogdet(a)[0],
        "logdet": np.linalg.slogdet(a)[1],
        "inverse": np.linalg.inv(a),
        "x": x,
        "exact": [float(v) for v in exact],
        "cond": np.linalg.cond(a),
        "numpy_error": relative_error(x, exact),
        "numpy_backward_error": backward_error(a, x, b),
    }
    return case


def factor_case(name, a):
    """QR and SVD of any shape, with the residuals that numpy itself leaves."""
    q, r = np.linalg.qr(a)
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    k = len(s)
    norm = np.linalg.norm(a) or 1.0
    return {
        "name": name,
        "a": a,
        "q": q,
        "r": r,
        "s": s,
        "rank": int(np.linalg.matrix_rank(a)),
        "cond": None if s[-1] == 0 else s[0] / s[-1],
        "pinv": sl.pinv(a),
        "low_rank_1": s[0] * np.outer(u[:, 0], vt[0]),
        "qr_residual": np.linalg.norm(a - q @ r) / norm,
        "q_orthogonality": np.linalg.norm(q.T @ q - np.eye(k)),
        "svd_residual": np.linalg.norm(a - (u * s) @ vt) / norm,
        "u_orthogonality": np.linalg.norm(u.T @ u - np.eye(k)),
        "v_orthogonality": np.linalg.norm(vt @ vt.T - np.eye(k)),
    }


def symmetric_case(name, a):
    values, vectors = np.linalg.eigh(a)
    case = {
        "name": name,
        "a": a,
        "values": values[::-1],
        "residual": np.linalg.norm(a @ vectors - vectors * values) / np.linalg.norm(a),
        "orthogonality": np.linalg.norm(vectors.T @ vectors - np.eye(len(values))),
    }
    if values[0] > 0:
        case["cholesky"] = np.linalg.cholesky(a)
    return case


def least_squares_case(name, x, y):
    exact = exact_least_squares(x, y)
    lstsq = np.linalg.lstsq(x, y, rcond=None)[0]
    qr = sl.solve_triangular(np.linalg.qr(x)[1], np.linalg.qr(x)[0].T @ y)
    try:
        c = np.linalg.cholesky(x.T @ x)
        normal = sl.cho_solve((c, True), x.T @ y)
        normal_error = relative_error(normal, exact)
    except np.linalg.LinAlgError:
        normal_error = None
    return {
        "name": name,
        "x": x,
        "y": y,
        "exact": [float(v) for v in exact],
        "cond": np.linalg.cond(x),
        "lstsq": lstsq,
        "lstsq_error": relative_error(lstsq, exact),
        "qr_error": relative_error(qr, exact),
        "normal_error": normal_error,
    }


def norms_case(name, x, a):
    return {
        "name": name,
        "x": x,
        "a": a,
        "norm_1": np.linalg.norm(x, 1),
        "norm_2": sl.norm(x),
        "norm_inf": np.linalg.norm(x, np.inf),
        "norm_3": np.linalg.norm(x, 3),
        "norm_1_5": np.linalg.norm(x, 1.5),
        "frobenius": np.linalg.norm(a, "fro"),
        "matrix_1": np.linalg.norm(a, 1),
        "matrix_inf": np.linalg.norm(a, np.inf),
        "spectral": np.linalg.norm(a, 2),
    }


def products_case(name, x, y, a, b):
    return {
        "name": name,
        "x": x,
        "y": y,
        "a": a,
        "b": b,
        "dot": np.dot(x, y),
        "matvec": a @ x,
        "matmul": a @ b,
        "outer": np.outer(x, y),
    }


def first_digit(label):
    """The first image of a digit in the course's MNIST file, (28, 28), in 0..1."""
    with gzip.open(DATA / "mnist-5k.csv.gz", "rt") as lines:
        for line in lines:
            *pixels, found = map(int, line.split(","))
            if found == label:
                return np.array(pixels, dtype=float).reshape(28, 28) / 255


def longley():
    with open(DATA / "longley.csv") as lines:
        rows = list(csv.DictReader(lines))
    features = ["gnp_deflator", "gnp", "unemployed", "armed_forces", "population", "year"]
    x = np.array([[1.0] + [float(row[name]) for name in features] for row in rows])
    return x, np.array([float(row["employed"]) for row in rows])


def build():
    rng = np.random.default_rng(SEED)
    n = rng.standard_normal
    economic, employed = economic_years()
    square = n((6, 6))
    pivot = np.array([[1e-20, 1.0], [1.0, 1.0]])
    graded = np.diag(10.0 ** -np.arange(0, 16, 2)) @ n((8, 8))
    duplicate = n((7, 4))
    duplicate[:, 3] = duplicate[:, 0] - 2 * duplicate[:, 1]
    spd = n((8, 5))
    spd = spd.T @ spd + 0.1 * np.eye(5)
    repeated = np.linalg.qr(n((6, 6)))[0]
    repeated = repeated @ np.diag([4.0, 4.0, 1.0, 1.0, -2.0, -2.0]) @ repeated.T
    repeated = (repeated + repeated.T) / 2
    poly = polynomial(6, 21)
    return {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
        "seed": SEED,
        "norms": [
            norms_case("normal", n(9), n((5, 7))),
            norms_case("tall", n(3), n((12, 2))),
            norms_case("small", 1e-7 * n(4), 1e-9 * n((3, 3))),
        ],
        "products": [
            products_case("normal", n(4), n(4), n((5, 4)), n((4, 3))),
            products_case("row", n(6), n(6), n((1, 6)), n((6, 9))),
        ],
        "lu": [
            lu_case("normal", square, n(6)),
            lu_case("small pivot", pivot, np.array([1.0, 2.0])),
            lu_case("normal 20", n((20, 20)), n(20)),
            lu_case("rows of many scales", graded, graded.sum(axis=1)),
        ]
        + [lu_case(f"hilbert {k}", hilbert(k), hilbert(k).sum(axis=1)) for k in (4, 6, 8, 10, 12)],
        "factor": [
            factor_case("square", square),
            factor_case("tall", n((9, 4))),
            factor_case("wide", n((3, 8))),
            factor_case("dependent columns", duplicate),
            factor_case("zero", np.zeros((4, 3))),
            factor_case("one entry", np.array([[-3.0]])),
            factor_case("column", n((5, 1))),
            factor_case("polynomial", poly),
            factor_case("economic", economic),
            factor_case("rows of many scales", graded),
        ]
        + [factor_case(f"hilbert {k}", hilbert(k)) for k in (4, 8, 12)],
        "symmetric": [
            symmetric_case("gram", spd),
            symmetric_case("indefinite", square + square.T),
            symmetric_case("repeated", repeated),
            symmetric_case("diagonal", np.diag([3.0, -1.0, 2.0])),
            symmetric_case("hilbert 6", hilbert(6)),
            symmetric_case("size 40", (lambda m: m + m.T)(n((40, 40)))),
        ],
        "least_squares": [
            least_squares_case("normal", n((12, 3)), n(12)),
            least_squares_case("polynomial", poly, poly.sum(axis=1)),
            least_squares_case("economic", economic, employed),
            least_squares_case("hilbert columns", hilbert(10)[:, :6], np.ones(10)),
            least_squares_case("longley", *longley()),
        ],
        "digit": [{"name": "first 5", "s": np.linalg.svd(first_digit(5), compute_uv=False)}],
    }


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return value


def close(new, old, path=""):
    """The places where two JSON values differ by more than another BLAS may bring about."""
    if isinstance(new, dict):
        if new.keys() != old.keys():
            return [f"{path}: keys"]
        return [d for k in new for d in close(new[k], old[k], f"{path}.{k}")]
    if isinstance(new, list):
        if len(new) != len(old):
            return [f"{path}: length"]
        return [d for i, (a, b) in enumerate(zip(new, old)) for d in close(a, b, f"{path}[{i}]")]
    # residuals and what an ill-conditioned matrix makes of rounding are not compared digit by digit
    free = ("error", "residual", "orthogonality", "inverse", "pinv", "versions", ".q[", ".r[", ".x[")
    if any(word in path for word in free):
        return []
    if isinstance(new, float) and isinstance(old, float):
        return [] if abs(new - old) <= 1e-5 * max(1e-12, abs(old)) else [f"{path}: {new} {old}"]
    return [] if new == old else [f"{path}: {new} {old}"]


if __name__ == "__main__":
    golden = plain(build())
    if "--check" in sys.argv[1:]:
        differences = close(golden, json.loads(OUT.read_text()))
        print("\n".join(differences) or f"{OUT.name}: as computed now")
        sys.exit(bool(differences))
    OUT.write_text(json.dumps(golden, indent=None, separators=(",", ":")) + "\n")
    print(f"wrote {OUT.name}: {OUT.stat().st_size} bytes")
