"""numpy's times on the sizes of linalg.rs, one thread: python lib/foundations/benches/linalg.py"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import timeit

import numpy as np
import scipy.linalg as sl

rng = np.random.default_rng(20240601)


def show(name, call):
    count, seconds = timeit.Timer(call).autorange()
    print(f"{name:24} {1e6 * seconds / count:12.1f} µs")


print(f"numpy {np.__version__}, one thread")
for n in (16, 64, 256):
    a = rng.uniform(-1, 1, (n, n))
    spd = a @ a.T + np.eye(n)
    show(f"matmul/{n}", lambda: a @ a)
    show(f"lu/{n}", lambda: sl.lu_factor(a))
    show(f"cholesky/{n}", lambda: np.linalg.cholesky(spd))
for n in (16, 28, 64, 128):
    a = rng.uniform(-1, 1, (n, n))
    show(f"symmetric_eigen/{n}", lambda: np.linalg.eigh(a + a.T))
for m, n in ((16, 16), (64, 64), (256, 256), (1000, 10), (1000, 50)):
    a = rng.uniform(-1, 1, (m, n))
    show(f"qr/{m}x{n}", lambda: sl.qr(a, mode="r"))
for m, n in ((16, 16), (28, 28), (64, 64), (128, 128), (1000, 10), (1000, 50)):
    a = rng.uniform(-1, 1, (m, n))
    show(f"svd/{m}x{n}", lambda: np.linalg.svd(a, full_matrices=False))
