"""Golden values for foundations::linear_model::LogisticRegression, the metrics of classes, and resampling.

    python lib/foundations/tests/golden/classification.py            writes classification.json
    python lib/foundations/tests/golden/classification.py --check    compares with it, exit code 1 on a difference

Needs numpy, scikit-learn and statsmodels (requirements.txt). All data are made here, and stand in the JSON.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
import sklearn.linear_model
import sklearn.metrics
import statsmodels
import statsmodels.api as sm

from linear_model import differences, plain

SEED = 20250211
HERE = Path(__file__).resolve().parent
TARGET = HERE / "classification.json"


def problem(rng, n, k, scale=1.0):
    """Correlated features of unlike scale, and classes drawn from a logistic model."""
    x = rng.normal(size=(n, k)) @ (np.eye(k) + 0.4 * rng.normal(size=(k, k)))
    x *= scale * np.array([10.0 ** (j % 3 - 1) for j in range(k)])
    w = rng.normal(size=k) / np.abs(x).mean(axis=0)
    p = 1 / (1 + np.exp(-(x @ w - 0.7)))
    return x, (rng.uniform(size=n) < p).astype(float)


def unpenalised(x, y, intercept):
    """What statsmodels says of maximum likelihood."""
    design = sm.add_constant(x, has_constant="add") if intercept else x
    fit = sm.Logit(y, design).fit(disp=0, method="newton", maxiter=100, tol=1e-14)
    return {
        "alpha": 0.0,
        "fit_intercept": intercept,
        "params": fit.params,
        "std_errors": fit.bse,
        "z_values": fit.tvalues,
        "p_values": fit.pvalues,
        "confidence_intervals": fit.conf_int(alpha=0.05).T,
        "log_likelihood": fit.llf,
        "probabilities": fit.predict(design),
    }


def penalised(x, y, alpha, intercept):
    """scikit-learn's C is one over alpha; its objective is ours times C."""
    fit = sklearn.linear_model.LogisticRegression(
        C=1 / alpha, fit_intercept=intercept, solver="newton-cholesky", tol=1e-12, max_iter=1000
    ).fit(x, y)
    params = np.concatenate([fit.intercept_, fit.coef_[0]]) if intercept else fit.coef_[0]
    return {
        "alpha": alpha,
        "fit_intercept": intercept,
        "params": params,
        "probabilities": fit.predict_proba(x)[:, 1],
    }


def scores(labels, probabilities, threshold, bins):
    """Everything scikit-learn says of probabilities."""
    fpr, tpr, roc_thresholds = sklearn.metrics.roc_curve(labels, probabilities, drop_intermediate=False)
    precision, recall, pr_thresholds = sklearn.metrics.precision_recall_curve(labels, probabilities)
    order = np.argsort(probabilities, kind="stable")
    parts = np.array_split(order, bins)
    called = (probabilities >= threshold).astype(float)
    return {
        "labels": labels,
        "probabilities": probabilities,
        "log_loss": sklearn.metrics.log_loss(labels, probabilities),
        "brier": sklearn.metrics.brier_score_loss(labels, probabilities),
        "auc": sklearn.metrics.roc_auc_score(labels, probabilities),
        "average_precision": sklearn.metrics.average_precision_score(labels, probabilities),
        # the first threshold is infinite, which JSON does not know
        "roc": {"fpr": fpr, "tpr": tpr, "thresholds": roc_thresholds[1:]},
        # from the lowest threshold up, and a last point (0, 1)
        "pr": {"precision": precision[-2::-1], "recall": recall[-2::-1], "thresholds": pr_thresholds[::-1]},
        "calibration": {
            "bins": bins,
            "predicted": [probabilities[part].mean() for part in parts],
            "observed": [labels[part].mean() for part in parts],
        },
        "threshold": threshold,
        "confusion": sklearn.metrics.confusion_matrix(labels, called).ravel(),  # tn, fp, fn, tp
        "precision": sklearn.metrics.precision_score(labels, called),
        "recall": sklearn.metrics.recall_score(labels, called),
        "f1": sklearn.metrics.f1_score(labels, called),
        "accuracy": sklearn.metrics.accuracy_score(labels, called),
    }


def generate():
    rng = np.random.default_rng(SEED)
    x, y = problem(rng, 240, 4)
    wide_x, wide_y = problem(rng, 30, 40)
    steep_x, steep_y = problem(rng, 120, 3, scale=1e3)
    warnings.simplefilter("error")
    labels = (rng.uniform(size=101) < 0.3).astype(float)
    smooth = rng.beta(2, 3, size=101)
    tied = np.round(np.clip(0.25 + 0.3 * labels + rng.normal(scale=0.2, size=101), 0.05, 0.95), 1)
    values = np.sort(rng.normal(size=37))
    levels = [0.0, 0.025, 0.31, 0.5, 0.975, 1.0]
    return {
        "versions": {
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "statsmodels": statsmodels.__version__,
        },
        "seed": SEED,
        "problems": {
            "tall": {
                "x": x,
                "y": y,
                "fits": [unpenalised(x, y, True), unpenalised(x, y, False)]
                + [penalised(x, y, a, i) for a in (0.01, 1.0, 100.0) for i in (True, False)],
            },
            "wide": {"x": wide_x, "y": wide_y, "fits": [penalised(wide_x, wide_y, a, True) for a in (0.1, 10.0)]},
            "steep": {"x": steep_x, "y": steep_y, "fits": [unpenalised(steep_x, steep_y, True)]},
        },
        "scores": [scores(labels, smooth, 0.4, 7), scores(labels, tied, 0.5, 10)],
        "quantiles": {"values": values, "q": levels, "want": np.quantile(values, levels)},
    }


def main():
    fresh = json.loads(json.dumps(plain(generate())))
    if sys.argv[1:] == ["--check"]:
        stored = json.loads(TARGET.read_text())
        if stored["versions"] != fresh["versions"]:
            print(f"written with {stored['versions']}, checked with {fresh['versions']}")
        found = list(differences(stored, fresh))
        print("\n".join(found[:20]) or f"{TARGET.name}: no difference")
        sys.exit(1 if found else 0)
    if sys.argv[1:]:
        sys.exit(__doc__)
    TARGET.write_text(json.dumps(fresh, indent=None, separators=(", ", ": ")) + "\n")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
