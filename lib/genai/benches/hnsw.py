"""HNSW of this crate and of faiss-cpu on the same vectors, one thread each, in one run.

    python lib/genai/benches/hnsw.py [COUNT]        (default: 100,000 vectors)

The vectors are GloVe's, 50 values each, at length 1: `cargo course data fetch glove` brings them. The index holds the
commonest words, the next 2,000 words are the queries, exact search is the truth. faiss-cpu is installed into a virtual
environment that is thrown away afterwards. Both build with the same M and efConstruction, and are asked with the same ef;
since the two graphs are not the same at the same ef, the queries a second are also compared at equal recall. Times are
seconds of the one thread on the processor, which other programs do not lengthen; queries a second are medians of seven
rounds. Writes `hnsw.json` beside this file.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FAISS, NUMPY = "1.15.1", "2.4.6"
K, ROUNDS, DIMENSIONS = 10, 7, 50
M, EF_CONSTRUCTION = 16, 200
EFS = [10, 20, 40, 80, 120, 160, 240, 320]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def measure(folder, metric_name):
    """Runs within the environment: builds faiss's index, and prints a line of JSON for each ef."""
    import faiss
    import numpy as np

    def read(name, kind, width):
        return np.fromfile(folder / name, dtype=kind).reshape(-1, width)

    faiss.omp_set_num_threads(1)
    base, queries = read("base.f32", "<f4", DIMENSIONS), read("queries.f32", "<f4", DIMENSIONS)
    truth = read("truth.u32", "<u4", K)
    metric = {"L2": faiss.METRIC_L2, "inner product": faiss.METRIC_INNER_PRODUCT}[metric_name]
    index = faiss.IndexHNSWFlat(DIMENSIONS, M, metric)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    began = time.thread_time()
    index.add(base)
    build = time.thread_time() - began
    size = len(faiss.serialize_index(index)) / 1e6
    for ef in EFS:
        index.hnsw.efSearch = ef
        _, ids = index.search(queries, K)
        recall = sum(len(set(a) & set(b)) for a, b in zip(ids.tolist(), truth.tolist())) / truth.size
        rounds = []
        for _ in range(ROUNDS):
            began = time.thread_time()
            index.search(queries, K)
            rounds.append(len(queries) / (time.thread_time() - began))
        line = {
            "library": f"faiss-cpu {faiss.__version__}, {metric_name}",
            "m": M,
            "ef_construction": EF_CONSTRUCTION,
            "ef": ef,
            "recall": round(recall, 4),
            "qps": round(sorted(rounds)[ROUNDS // 2]),
            "build_s": round(build, 1),
            "index_mb": round(size, 1),
        }
        print(json.dumps(line), flush=True)


def lines(command, env):
    """What a command prints, as JSON, and the most memory that it held in MB."""
    with tempfile.NamedTemporaryFile("r+") as out:
        process = subprocess.Popen(command, stdout=out, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{command[0]} failed with {process.returncode}")
        out.seek(0)
        return [dict(json.loads(line), peak_mb=round(usage.ru_maxrss / 1024)) for line in out]


def at_recall(rows, recall):
    """Queries a second at a recall, between the two nearest points of a curve; None outside of it."""
    rows = sorted(rows, key=lambda row: row["recall"])
    for low, high in zip(rows, rows[1:]):
        if low["recall"] <= recall <= high["recall"] and low["recall"] < high["recall"]:
            part = (recall - low["recall"]) / (high["recall"] - low["recall"])
            return low["qps"] ** (1 - part) * high["qps"] ** part
    return None


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main(count):
    env = dict(os.environ, **ONE_THREAD)
    build = ["cargo", "build", "--release", "--quiet", "-p", "genai", "--example", "hnsw"]
    subprocess.run(build, cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    example = str(target / "release" / "examples" / "hnsw")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        subprocess.run([example, "prepare", str(folder), str(count)], cwd=ROOT, env=env, check=True)
        venv.create(folder / "venv", with_pip=True)
        python = str(folder / "venv" / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", f"faiss-cpu=={FAISS}", f"numpy=={NUMPY}"]
        subprocess.run(pip, check=True)
        rows = []
        for metric in ["L2", "inner product"]:
            rows += lines([python, __file__, "--measure", str(folder), metric], env)
        ours = [example, "measure", str(folder), str(M), str(EF_CONSTRUCTION), *map(str, EFS)]
        rows += lines(ours, env)
    report(count, rows)


def report(count, rows):
    print(f"{count} vectors of {DIMENSIONS} values, M {M}, efConstruction {EF_CONSTRUCTION}, one thread, {processor()}")
    libraries = list(dict.fromkeys(row["library"] for row in rows))
    for library in libraries:
        own = [row for row in rows if row["library"] == library]
        print(f"\n{library}: built in {own[0]['build_s']} s, {own[0]['index_mb']} MB, peak {own[0]['peak_mb']} MB")
        print("   ef  recall@10  queries a second")
        for row in own:
            print(f"{row['ef']:5}  {row['recall']:9.4f}  {row['qps']:16,}")
    print("\nqueries a second at equal recall")
    equal = []
    for recall in [0.85, 0.9, 0.95, 0.97, 0.98, 0.99]:
        at = {name: at_recall([r for r in rows if r["library"] == name], recall) for name in libraries}
        theirs = [value for name, value in at.items() if name != "this crate" and value]
        if at["this crate"] and theirs:
            ours, best = at["this crate"], max(theirs)
            equal.append({"recall": recall, "ours": round(ours), "faiss": round(best), "ratio": round(ours / best, 2)})
            print(f"  {recall:.2f}: {ours:8,.0f}, the faster of faiss {best:8,.0f}: {ours / best:.2f} times")
    machine = {"processor": processor(), "threads": 1, "python": platform.python_version()}
    result = {
        "vectors": count,
        "dimensions": DIMENSIONS,
        "queries": 2000,
        "machine": machine,
        "rows": rows,
        "equal_recall": equal,
    }
    temporary = HERE / "hnsw.json.tmp"
    temporary.write_text(json.dumps(result, indent=1) + "\n")
    temporary.replace(HERE / "hnsw.json")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]), sys.argv[3])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
