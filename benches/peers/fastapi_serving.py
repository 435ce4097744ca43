"""The churn model behind FastAPI, with scikit-learn: what `serve` is compared with.

    MODEL=models/champion.model uvicorn --app-dir benches/peers fastapi_serving:app --workers 2

It reads the same file, and builds of it what one would have fitted in Python: a ColumnTransformer (StandardScaler,
OneHotEncoder) before a LogisticRegression. Rows are checked by pydantic, with the ranges of the schema.
"""

import json
import os
import uuid

import numpy as np
import pandas as pd
from fastapi import FastAPI
from pydantic import ConfigDict, Field, create_model
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from typing import Literal, Optional

with open(os.environ["MODEL"], encoding="utf-8") as file:
    header, body = json.loads(file.readline()), json.loads(file.readline())
fields, terms = body["schema"]["fields"], body["terms"]
threshold = body["schema"]["task"]["probability"]["threshold"]
version = header["sha256"][:8]


def kind(field):
    """A field's type, with its range."""
    if field["kind"] == "flag":
        return (bool, ...)
    name, about = next(iter(field["kind"].items()))
    if name == "category":
        return (Literal[tuple(about["levels"])], ...)
    number = int if about["whole"] else float
    within = {"ge": about["min"], "le": about["max"]}
    if field["optional"]:
        return (Optional[number], Field(None, **within))
    return (number, Field(..., **within))


Row = create_model("Row", __config__=ConfigDict(extra="forbid"), **{f["name"]: kind(f) for f in fields})


def pipeline():
    """The pipeline, as `fit` would have left it."""
    numbers = [f["name"] for f, t in zip(fields, terms) if "number" in t]
    categories = [f["name"] for f, t in zip(fields, terms) if "category" in t]
    levels = [f["kind"]["category"]["levels"] for f, t in zip(fields, terms) if "category" in t]
    by_name = {f["name"]: t for f, t in zip(fields, terms)}
    frame = pd.DataFrame({name: [0.0, 1.0] for name in numbers} | {n: (l * 2)[:2] for n, l in zip(categories, levels)})
    transform = ColumnTransformer(
        [("number", StandardScaler(), numbers), ("category", OneHotEncoder(categories=levels), categories)]
    )
    made = Pipeline([("transform", transform), ("model", LogisticRegression())])
    made.fit(frame, [0, 1])
    scaler = made["transform"].named_transformers_["number"]
    scaler.mean_ = np.array([by_name[n]["number"]["mean"] for n in numbers])
    scaler.scale_ = np.array([by_name[n]["number"]["scale"] for n in numbers])
    weights = [by_name[n]["number"]["weight"] for n in numbers]
    for name in categories:
        weights += by_name[name]["category"]["weights"]
    made["model"].coef_ = np.array([weights])
    made["model"].intercept_ = np.array([body["intercept"]])
    return made


model = pipeline()
missing = {f["name"]: t["number"]["missing"] for f, t in zip(fields, terms) if "number" in t and f["optional"]}
app = FastAPI()


@app.post("/predict")
def predict(row: Row):
    frame = pd.DataFrame([row.model_dump()]).fillna(missing)
    probability = float(model.predict_proba(frame)[0, 1])
    return {
        "id": uuid.uuid4().hex,
        "prediction": probability,
        "decision": probability >= threshold,
        "unit": "probability",
        "model": {"name": header["model"], "version": version, "role": "champion"},
    }


@app.get("/healthz")
def healthz():
    return "ok"
