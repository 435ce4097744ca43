"""The churn pipeline behind FastAPI, with scikit-learn: what `serve` is compared with.

    MODEL=models/champion.model uvicorn --app-dir benches/peers fastapi_serving:app --workers 2

It reads the same file, and makes of it the pipeline that one would have fitted in Python: a StandardScaler before a
LogisticRegression, after the columns. Rows are checked by pydantic, with the ranges of the service's schema.
ROWS=frame hands each row to the pipeline as a pandas DataFrame, as it was fitted; ROWS=array, the default, computes the
columns and scales them without pandas, which is as fast as we could make it.
"""

import json
import math
import os
import uuid
from typing import Annotated, Literal, Optional

import numpy as np
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, create_model
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

with open(os.environ["MODEL"], encoding="utf-8") as file:
    header, fitted = json.loads(file.readline()), json.loads(file.readline())
COLUMNS, THRESHOLD = fitted["columns"], fitted["threshold"]
FLAGS = ["female", "senior_citizen", "partner", "dependents", "phone_service", "paperless_billing"]
CATEGORIES = [
    "multiple_lines", "internet_service", "online_security", "online_backup", "device_protection", "tech_support",
    "streaming_tv", "streaming_movies", "contract", "payment_method",
]
LEVELS = dict(zip(CATEGORIES, fitted["preprocessor"]["levels"]))


class Numbers(BaseModel):
    model_config = ConfigDict(extra="forbid")
    tenure: Annotated[int, Field(ge=0, le=1200)]
    monthly_charges: Annotated[float, Field(ge=0, le=1000)]
    total_charges: Annotated[Optional[float], Field(ge=0, le=1e6)] = None


Row = create_model(
    "Row",
    __base__=Numbers,
    **{name: (bool, ...) for name in FLAGS},
    **{name: (Literal[tuple(levels)], ...) for name, levels in LEVELS.items()},
)


def columns_of_frame(frame):
    """The model's columns of a frame of customers."""
    made = {
        "log_tenure": np.log1p(frame["tenure"]),
        "monthly_charges": frame["monthly_charges"],
        "price_change": (frame["monthly_charges"] - frame["total_charges"] / frame["tenure"])
        .where(frame["tenure"] > 0, 0.0).fillna(0.0),
    }
    for name in COLUMNS[3:]:
        field, _, level = name.partition("=")
        made[name] = (frame[field] == (level or (True if field in FLAGS else "Yes"))).astype(float)
    return pd.DataFrame(made)


def columns_of_row(row):
    """The same of one customer, without pandas."""
    tenure, monthly, total = row.tenure, row.monthly_charges, row.total_charges
    values = [math.log1p(tenure), monthly, monthly - total / tenure if tenure and total is not None else 0.0]
    for name in COLUMNS[3:]:
        field, _, level = name.partition("=")
        values.append(float(getattr(row, field) == (level or (True if field in FLAGS else "Yes"))))
    return np.array([values])


def pipeline():
    """The pipeline, as `fit` would have left it."""
    scaler, model = StandardScaler(), LogisticRegression()
    made = make_pipeline(FunctionTransformer(columns_of_frame), scaler, model)
    any_row = {name: levels[0] for name, levels in LEVELS.items()} | dict.fromkeys(FLAGS, True)
    any_row |= {"tenure": 1, "monthly_charges": 1.0, "total_charges": 1.0}
    made.fit(pd.DataFrame([any_row, any_row | {"tenure": 2}]), [0, 1])
    scaler.mean_, scaler.scale_ = np.array(fitted["preprocessor"]["mean"]), np.array(fitted["preprocessor"]["sd"])
    model.coef_, model.intercept_ = np.array([fitted["coef"]]), np.array([fitted["intercept"]])
    return made


model = pipeline()
scaler, regression = model[1], model[2]
app = FastAPI()


def by_frame(row):
    frame = pd.DataFrame([row.model_dump()]).astype({"total_charges": float})
    return model.predict_proba(frame)[0, 1]


def by_array(row):
    scaled = (columns_of_row(row) - scaler.mean_) / scaler.scale_
    return regression.predict_proba(scaled)[0, 1]


probability = {"frame": by_frame, "array": by_array}[os.environ.get("ROWS", "array")]


@app.post("/predict")
def predict(row: Row):
    answer = float(probability(row))
    return {
        "id": uuid.uuid4().hex,
        "prediction": answer,
        "decision": answer >= THRESHOLD,
        "unit": "probability",
        "model": {"name": "churn", "version": header["sha256"][:8], "role": "champion"},
    }


@app.get("/healthz")
def healthz():
    return "ok"
