"""Reference values for BM25 (the formula in numpy), nDCG (scikit-learn) and the interval of a share (scipy).

    python lib/genai/tests/golden/retrieval.py           writes retrieval.json
    python lib/genai/tests/golden/retrieval.py --check   compares
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.stats import binomtest
from sklearn.metrics import ndcg_score

HERE = Path(__file__).parent
PASSAGES = [
    "Ownership is a set of rules that govern how a Rust program manages memory.",
    "References are immutable by default. A reference allows you to refer to a value without taking ownership of it.",
    "Each value in Rust has an owner. There can only be one owner at a time.",
    "Closures can capture values from the scope in which they are defined, by reference, by mutable reference, or by value.",
    "cargo build compiles a package; cargo run compiles and runs it; cargo check only checks it.",
    "Iterators are lazy: they have no effect until you call methods that consume the iterator.",
    "A vector, Vec, stores values next to each other in memory; a value can be pushed, popped, or read by index.",
    "Panics unwind the stack, or abort. A Result carries an error to the caller instead.",
]
# what the chapter prints beside its own numbers
TOY = ["the cat sat", "the dog barked", "a cat and a dog"]
QUERIES = ["who is the owner of a value", "cargo run", "reference reference value", "memory", "xylophone cargo", "the"]


def words(text):
    return re.findall(r"[a-z0-9_]+", text.lower())


def bm25(query, k1, b, passages=PASSAGES):
    documents = [words(p) for p in passages]
    lengths = np.array([len(d) for d in documents], dtype=float)
    scores = np.zeros(len(documents))
    for term in words(query):
        f = np.array([d.count(term) for d in documents], dtype=float)
        n = np.count_nonzero(f)
        idf = np.log(1.0 + (len(documents) - n + 0.5) / (n + 0.5))
        damping = k1 * (1.0 - b + b * lengths / lengths.mean())
        scores += np.where(f > 0, idf * f * (k1 + 1.0) / np.maximum(f + damping, 1e-300), 0.0)
    return scores.tolist()


def ndcg_cases():
    random = np.random.default_rng(20260101)
    cases = []
    for n, relevant, k in [(10, 1, 10), (20, 3, 5), (20, 3, 20), (50, 7, 10), (6, 6, 3), (12, 2, 1)]:
        ids = random.permutation(n)  # ranked, best first
        gold = np.sort(random.choice(n, relevant, replace=False))
        truth = np.zeros(n)
        truth[gold] = 1.0
        scores = np.zeros(n)
        scores[ids] = np.arange(n, 0, -1)
        cases.append(
            {
                "ranked": ids.tolist(),
                "relevant": gold.tolist(),
                "k": k,
                "ndcg": float(ndcg_score([truth], [scores], k=k)),
            }
        )
    return cases


def share_cases():
    cases = []
    for count, of in [(0, 15), (1, 15), (2, 48), (46, 48), (48, 48), (1, 1), (500, 1000)]:
        ends = binomtest(count, of).proportion_ci(0.95, method="wilson")
        cases.append({"count": count, "of": of, "low": float(ends.low), "high": float(ends.high)})
    return cases


def golden():
    return {
        "made_by": "lib/genai/tests/golden/retrieval.py",
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "scipy": scipy.__version__},
        "passages": PASSAGES,
        "bm25": [
            {"query": q, "k1": k1, "b": b, "scores": bm25(q, k1, b)}
            for q in QUERIES
            for k1, b in [(1.2, 0.75), (2.0, 0.0), (0.0, 1.0)]
        ],
        "toy": {
            "passages": TOY,
            "query": "a cat",
            "scores": bm25("a cat", 1.2, 0.75, TOY),
            "ranked": [2, 0, 3, 1],
            "relevant": [0, 1],
            "ndcg": float(ndcg_score([[1, 1, 0, 0]], [[3, 1, 4, 2]], k=3)),
        },
        "ndcg": ndcg_cases(),
        "shares": share_cases(),
    }


if __name__ == "__main__":
    path = HERE / "retrieval.json"
    new = json.dumps(golden(), indent=1) + "\n"
    if "--check" in sys.argv:
        old, new = json.loads(path.read_text()), json.loads(new)
        old.pop("versions"), new.pop("versions")
        if old != new:
            sys.exit(f"{path}: not what this script computes")
        print(f"{path}: as computed")
    else:
        path.write_text(new)
        print(f"{path}: written")
