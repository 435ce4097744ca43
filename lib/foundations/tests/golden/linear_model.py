"""Golden values for foundations::linear_model and foundations::metrics.

    python lib/foundations/tests/golden/linear_model.py            writes linear_model.json
    python lib/foundations/tests/golden/linear_model.py --check    compares with it, exit code 1 on a difference

Needs numpy, scipy, scikit-learn and statsmodels (requirements.txt). Real data come from
lib/datasets/data, whose checksums are recorded; made data stand in the JSON.
"""

import csv
import hashlib
import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy
import scipy.stats
import sklearn
import sklearn.linear_model
import sklearn.metrics
import statsmodels
import statsmodels.api as sm
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.outliers_influence import variance_inflation_factor

SEED = 20240117
HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "datasets" / "data"
TARGET = HERE / "linear_model.json"


def table(name):
    """A data file as text, column by column."""
    with open(DATA / name, newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


def floats(columns, names):
    return np.array([[float(v) for v in columns[name]] for name in names]).T


def ols(x, y, at, intercept=True, influence=True):
    """Everything statsmodels says of a fit, under the names of the Rust methods."""
    add = (lambda a: sm.add_constant(a, has_constant="add")) if intercept else (lambda a: a)
    design = add(x)
    fit = sm.OLS(y, design).fit()
    at_design = add(at)
    frame = fit.get_prediction(at_design).summary_frame(alpha=0.05)
    out = {
        "fit_intercept": intercept,
        "params": fit.params,
        "std_errors": fit.bse,
        "t_values": fit.tvalues,
        "p_values": fit.pvalues,
        "confidence_intervals": {
            str(level): fit.conf_int(alpha=1 - level).T for level in (0.5, 0.95, 0.99)
        },
        "covariance": fit.cov_params(),
        "r_squared": fit.rsquared,
        "adjusted_r_squared": fit.rsquared_adj,
        "residual_std_error": np.sqrt(fit.scale),
        "f_statistic": fit.fvalue,
        "f_p_value": fit.f_pvalue,
        "log_likelihood": fit.llf,
        "aic": fit.aic,
        "bic": fit.bic,
        "at": at,
        "predict": frame["mean"],
        "mean_lower": frame["mean_ci_lower"],
        "mean_upper": frame["mean_ci_upper"],
        "new_lower": frame["obs_ci_lower"],
        "new_upper": frame["obs_ci_upper"],
        "residuals": fit.resid,
    }
    if influence:
        of = fit.get_influence()
        out |= {
            "leverage": of.hat_matrix_diag,
            "studentized_residuals": of.resid_studentized_internal,
            "externally_studentized_residuals": of.resid_studentized_external,
            "cooks_distance": of.cooks_distance[0],
        }
        if design.shape[1] > 1:
            # By default statsmodels centres the columns first, intercept or not.
            out["vif"] = [
                variance_inflation_factor(design, j, standardize=False) for j in range(int(intercept), design.shape[1])
            ]
        if intercept:
            statistic, p_value, _, _ = het_breuschpagan(fit.resid, design)
            out["breusch_pagan"] = {"statistic": statistic, "p_value": p_value}
    return out


def ridge(x, y, alphas, intercept=True):
    out = []
    for alpha in alphas:
        fit = sklearn.linear_model.Ridge(alpha=alpha, fit_intercept=intercept, solver="svd").fit(x, y)
        d = np.linalg.svd(x - x.mean(axis=0) if intercept else x, compute_uv=False)
        out.append(
            {
                "alpha": alpha,
                "fit_intercept": intercept,
                "coef": fit.coef_,
                "intercept": float(fit.intercept_),
                "effective_df": np.sum(d**2 / (d**2 + alpha)) + intercept,
            }
        )
    return out


def exact_least_squares(columns, names, target):
    """Least squares in rational arithmetic: no rounding before the last step."""
    rows = [[Fraction(1)] + [Fraction(columns[name][i]) for name in names] for i in range(len(columns[target]))]
    y = [Fraction(v) for v in columns[target]]
    p, n = len(rows[0]), len(rows)
    # Gauss-Jordan on (AᵀA | Aᵀy | I)
    m = [
        [sum(row[i] * row[j] for row in rows) for j in range(p)]
        + [sum(row[i] * v for row, v in zip(rows, y))]
        + [Fraction(int(i == j)) for j in range(p)]
        for i in range(p)
    ]
    for i in range(p):
        pivot = next(k for k in range(i, p) if m[k][i] != 0)
        m[i], m[pivot] = m[pivot], m[i]
        m[i] = [v / m[i][i] for v in m[i]]
        for k in range(p):
            if k != i:
                m[k] = [a - m[k][i] * b for a, b in zip(m[k], m[i])]
    beta = [row[p] for row in m]
    residuals = [v - sum(a * b for a, b in zip(row, beta)) for row, v in zip(rows, y)]
    variance = sum(e * e for e in residuals) / (n - p)
    return {
        "params": [float(b) for b in beta],
        "std_errors": [float(variance * m[j][p + 1 + j]) ** 0.5 for j in range(p)],
        "residual_std_error": float(variance) ** 0.5,
    }


def generate():
    rng = np.random.default_rng(SEED)
    auto = table("auto.csv")
    mpg = floats(auto, ["mpg"])[:, 0]
    horsepower = floats(auto, ["horsepower"])
    many_names = ["displacement", "horsepower", "weight", "acceleration", "year"]
    many = floats(auto, many_names)
    scaled = (many - many.mean(axis=0)) / many.std(axis=0)

    made_x = rng.normal(size=(40, 4)) * [1.0, 10.0, 0.01, 1000.0] + [0.0, 100.0, 5.0, -20.0]
    made_y = made_x @ [2.0, -0.3, 40.0, 0.001] + 7.0 + rng.normal(size=40)
    made_at = rng.normal(size=(6, 4)) * [1.0, 10.0, 0.01, 1000.0] + [0.0, 100.0, 5.0, -20.0]
    wide_x = rng.normal(size=(8, 20))
    wide_y = rng.normal(size=8)

    grid = np.arange(50.0, 230.0, 20.0)[:, None]
    quadratic = np.hstack([horsepower, horsepower**2])
    longley = table("longley.csv")
    longley_names = [name for name in longley if name != "employed"]

    predictions = sm.OLS(mpg, sm.add_constant(horsepower)).fit().fittedvalues
    freedoms = [1, 2, 3, 5, 10, 30, 390, 10_000]
    levels = [0.5, 0.9, 0.95, 0.99, 0.9999]
    return {
        "versions": {
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
            "statsmodels": statsmodels.__version__,
        },
        "seed": SEED,
        "sha256": {
            name: hashlib.sha256((DATA / f"{name}.csv").read_bytes()).hexdigest()
            for name in ("auto", "longley")
        },
        "made": {"x": made_x, "y": made_y},
        "wide": {"x": wide_x, "y": wide_y},
        "ols": {
            "auto_horsepower": ols(horsepower, mpg, grid),
            "auto_many": ols(many, mpg, many[::49]),
            "auto_quadratic": ols(quadratic, mpg, np.hstack([grid, grid**2]), influence=False),
            "auto_no_intercept": ols(horsepower, mpg, grid, intercept=False),
            "made": ols(made_x, made_y, made_at),
            "made_no_intercept": ols(made_x, made_y, made_at, intercept=False),
        },
        "longley_exact": exact_least_squares(longley, longley_names, "employed"),
        "ridge": {
            "auto_scaled": ridge(scaled, mpg, [0.0, 0.1, 1.0, 10.0, 100.0, 1000.0, 1e6]),
            "auto_many": ridge(many, mpg, [0.0, 1.0, 1e4]),
            "made": ridge(made_x, made_y, [0.0, 0.5, 50.0], intercept=False),
            "wide": ridge(wide_x, wide_y, [1e-6, 0.1, 10.0]) + ridge(wide_x, wide_y, [0.1], intercept=False),
        },
        "metrics": {
            "mse": sklearn.metrics.mean_squared_error(mpg, predictions),
            "rmse": sklearn.metrics.root_mean_squared_error(mpg, predictions),
            "mae": sklearn.metrics.mean_absolute_error(mpg, predictions),
            "r2": sklearn.metrics.r2_score(mpg, predictions),
        },
        "t_quantiles": [
            {"df": df, "level": level, "t": scipy.stats.t.isf((1 - level) / 2, df)}
            for df in freedoms
            for level in levels
        ],
        "t_tails": [
            {"df": df, "t": t, "p": 2 * scipy.stats.t.sf(t, df)} for df in freedoms for t in (0.0, 0.5, 2.0, 8.0, 25.0)
        ],
        "f_tails": [
            {"df_model": k, "df_residual": df, "f": f, "p": scipy.stats.f.sf(f, k, df)}
            for k in (1, 3, 7)
            for df in (2, 10, 390)
            for f in (0.1, 1.0, 5.0, 600.0)
        ],
        "chi_squared_tails": [
            {"df": df, "c": c, "p": scipy.stats.chi2.sf(c, df)} for df in (1, 2, 5, 20) for c in (0.1, 1.0, 10.0, 100.0)
        ],
    }


def plain(value):
    """numpy and pandas to what JSON knows."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return value


def differences(stored, fresh, path=""):
    """Places where two documents differ by more than the rounding of another BLAS."""
    if isinstance(stored, dict) and isinstance(fresh, dict):
        for key in stored.keys() | fresh.keys():
            if path == "" and key == "versions":
                continue
            if key not in stored or key not in fresh:
                yield f"{path}/{key}: on one side only"
            else:
                yield from differences(stored[key], fresh[key], f"{path}/{key}")
    elif isinstance(stored, list) and isinstance(fresh, list):
        if len(stored) != len(fresh):
            yield f"{path}: {len(stored)} entries stored, {len(fresh)} now"
        for i, (a, b) in enumerate(zip(stored, fresh)):
            yield from differences(a, b, f"{path}/{i}")
    elif isinstance(stored, float) or isinstance(fresh, float):
        if not np.isclose(stored, fresh, rtol=1e-7, atol=1e-11):
            yield f"{path}: {stored!r} stored, {fresh!r} now"
    elif stored != fresh:
        yield f"{path}: {stored!r} stored, {fresh!r} now"


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
