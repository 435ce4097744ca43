"""Golden values for foundations::proportion, from statsmodels.

    python lib/foundations/tests/golden/proportion.py            # rewrite proportion.json
    python lib/foundations/tests/golden/proportion.py --check    # compare with proportion.json, exit 1 if it differs
"""

import json
import sys
from pathlib import Path

import statsmodels
from statsmodels.stats.proportion import proportion_confint

OUT = Path(__file__).with_suffix(".json")
COUNTS = [(0, 1), (1, 1), (1, 2), (0, 30), (30, 30), (17, 20), (985, 1000), (990, 1000), (49_123, 50_000)]


def generate():
    cases = []
    for successes, trials in COUNTS:
        for level in (0.5, 0.95, 0.999):
            lower, upper = proportion_confint(successes, trials, alpha=1 - level, method="wilson")
            case = {"successes": successes, "trials": trials, "level": level}
            cases.append(case | {"lower": float(lower), "upper": float(upper)})
    return {"versions": {"statsmodels": statsmodels.__version__}, "wilson": cases}


def main():
    fresh = generate()
    if sys.argv[1:] == ["--check"]:
        stored = json.loads(OUT.read_text())
        if stored["versions"] != fresh["versions"]:
            print(f"written with {stored['versions']}, checked with {fresh['versions']}")
        same = len(stored["wilson"]) == len(fresh["wilson"]) and all(
            a.keys() == b.keys() and all(abs(a[key] - b[key]) < 1e-12 for key in a)
            for a, b in zip(stored["wilson"], fresh["wilson"])
        )
        print(f"{OUT.name}: {'no difference' if same else 'differs'}")
        sys.exit(0 if same else 1)
    if sys.argv[1:]:
        sys.exit(__doc__)
    OUT.write_text(json.dumps(fresh, indent=1) + "\n")
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
