"""Golden values for tabular: the churn model by numpy and scikit-learn, on the rows of split.json.

    python lib/tabular/tests/golden/churn.py            writes churn.json
    python lib/tabular/tests/golden/churn.py --check    compares with it, exit code 1 on a difference

Needs numpy and scikit-learn (requirements.txt). split.json holds the rows of the training customers and of the
folds, which a test compares with the course's own; the columns are computed here anew.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
TARGET = HERE / "churn.json"
DATA = HERE.parents[2] / "datasets" / "data" / "churn.csv"
ALPHAS = [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]
ALPHA = 10.0

FLAGS = ["female", "senior_citizen", "partner", "dependents", "phone_service", "paperless_billing"]
ADDITIONS = [
    "multiple_lines",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
]
LEVELS = {
    "internet_service": ["Fiber optic", "No"],
    "contract": ["One year", "Two year"],
    "payment_method": ["Credit card (automatic)", "Electronic check", "Mailed check"],
}


def columns():
    """The model's columns and who left."""
    with DATA.open(newline="") as file:
        rows = list(csv.DictReader(file))
    text = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    tenure = text["tenure"].astype(float)
    monthly = text["monthly_charges"].astype(float)
    total = np.array([float(value) if value.strip() else np.nan for value in text["total_charges"]])
    change = np.where((tenure > 0) & ~np.isnan(total), monthly - total / np.maximum(tenure, 1), 0.0)
    x = [np.log1p(tenure), monthly, change]
    x += [text[name].astype(float) for name in FLAGS]
    x += [(text[name] == "Yes").astype(float) for name in ADDITIONS]
    x += [(text[name] == level).astype(float) for name, levels in LEVELS.items() for level in levels]
    return np.column_stack(x), (text["churn"] == "Yes").astype(float)


def model(alpha):
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=1 / alpha, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    )


def cross_validated(x, y, folds, alpha):
    losses, areas = [], []
    for fold in folds:
        judge = np.zeros(len(y), dtype=bool)
        judge[fold] = True
        p = model(alpha).fit(x[~judge], y[~judge]).predict_proba(x[judge])[:, 1]
        losses.append(log_loss(y[judge], p))
        areas.append(roc_auc_score(y[judge], p))
    return {
        "alpha": alpha,
        "fold_losses": losses,
        "log_loss": np.mean(losses),
        "std_error": np.std(losses, ddof=1) / np.sqrt(len(losses)),
        "auc": np.mean(areas),
    }


def generate():
    split = json.loads((HERE / "split.json").read_text())
    x, y = columns()
    train = np.array(split["train"])
    test = np.setdiff1d(np.arange(len(y)), train)
    fit = model(ALPHA).fit(x[train], y[train])
    scaler, logistic = fit[0], fit[1]
    p = fit.predict_proba(x[test])[:, 1]
    return {
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "alpha": ALPHA,
        "mean": scaler.mean_.tolist(),
        "sd": scaler.scale_.tolist(),
        "intercept": float(logistic.intercept_[0]),
        "coef": logistic.coef_[0].tolist(),
        "test": {
            "customers": len(test),
            "probabilities": p.tolist(),
            "auc": roc_auc_score(y[test], p),
            "average_precision": average_precision_score(y[test], p),
            "log_loss": log_loss(y[test], p),
            "brier": brier_score_loss(y[test], p),
        },
        "cross_validation": [cross_validated(x[train], y[train], split["folds"], alpha) for alpha in ALPHAS],
    }


def differences(a, b, where="churn"):
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            if key != "versions":
                yield from differences(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (one, other) in enumerate(zip(a, b)):
            yield from differences(one, other, f"{where}[{i}]")
    elif not (isinstance(a, (int, float)) and isinstance(b, (int, float)) and np.isclose(a, b, rtol=1e-7, atol=1e-12)):
        yield f"{where}: {a}, now {b}"


def main():
    fresh = json.loads(json.dumps(generate(), default=float))
    if sys.argv[1:] == ["--check"]:
        stored = json.loads(TARGET.read_text())
        if stored["versions"] != fresh["versions"]:
            print(f"written with {stored['versions']}, checked with {fresh['versions']}")
        found = list(differences(stored, fresh))
        print("\n".join(found[:20]) or f"{TARGET.name}: no difference")
        sys.exit(1 if found else 0)
    if sys.argv[1:]:
        sys.exit(__doc__)
    TARGET.write_text(json.dumps(fresh, separators=(", ", ": ")) + "\n")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
