"""Golden values for production::drift, from scipy.

    python lib/production/tests/golden/drift.py            # rewrite drift.json
    python lib/production/tests/golden/drift.py --check    # compare with drift.json, exit 1 if it differs
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import scipy
from scipy import special, stats

OUT = Path(__file__).with_suffix(".json")
SEED = 20261125


def shares(counts):
    counts = np.asarray(counts, dtype=float) + 0.5
    return counts / counts.sum()


def generate():
    rng = np.random.default_rng(SEED)
    psi = []
    for k, n, m in [(2, 50, 40), (3, 1000, 1000), (10, 5000, 200), (10, 5000, 5000), (20, 300, 7)]:
        p = rng.dirichlet(np.ones(k))
        q = rng.dirichlet(np.ones(k))
        reference, sample = rng.multinomial(n, p), rng.multinomial(m, q)
        p, q = shares(reference), shares(sample)
        psi.append(
            {
                "reference": reference.tolist(),
                "sample": sample.tolist(),
                "psi": float(stats.entropy(p, q) + stats.entropy(q, p)),
                "by_chance": float(stats.chi2.ppf(0.999, k - 1) * (1 / n + 1 / m)),
            }
        )
    ks = []
    for n, m, shift, decimals in [(5, 7, 0.5, 6), (20, 20, 0.0, 6), (90, 100, 0.4, 6), (60, 60, 0.0, 1), (300, 200, 0.1, 6), (400, 500, 0.3, 1)]:
        a = np.round(rng.normal(size=n), decimals)
        b = np.round(rng.normal(size=m) + shift, decimals)
        exact = n * m <= 10_000
        test = stats.ks_2samp(a, b, method="exact" if exact else "asymp")
        limit = special.kolmogorov(math.sqrt(n * m / (n + m)) * test.statistic)
        ks.append(
            {
                "reference": a.tolist(),
                "sample": b.tolist(),
                "statistic": float(test.statistic),
                "p_value": float(test.pvalue if exact else limit),
                "scipy_p_value": float(test.pvalue),
            }
        )
    return {"versions": {"scipy": scipy.__version__, "numpy": np.__version__}, "seed": SEED, "psi": psi, "ks": ks}


def close(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b))
    return math.isclose(a, b, rel_tol=1e-10, abs_tol=1e-12)


def main():
    fresh = generate()
    if sys.argv[1:] == ["--check"]:
        stored = json.loads(OUT.read_text())
        if stored["versions"] != fresh["versions"]:
            print(f"written with {stored['versions']}, checked with {fresh['versions']}")
        same = all(close(stored[key], fresh[key]) for key in ("psi", "ks"))
        print(f"{OUT.name}: {'no difference' if same else 'differs'}")
        sys.exit(0 if same else 1)
    if sys.argv[1:]:
        sys.exit(__doc__)
    OUT.write_text(json.dumps(fresh, indent=1) + "\n")
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
