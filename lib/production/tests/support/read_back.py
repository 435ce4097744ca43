"""Reads what a server holds, by MLflow's own client, and prints it as JSON.

python read_back.py URI PREFIX

The runs of the experiments, and the models, whose names begin with PREFIX.
"""

import hashlib
import json
import math
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow.entities import ViewType


def artifacts(client, run, folder):
    """The sha256 of each file of a run, by its path."""
    found = {}
    pending = [None]
    while pending:
        for entry in client.list_artifacts(run.info.run_id, pending.pop()):
            if entry.is_dir:
                pending.append(entry.path)
            else:
                path = client.download_artifacts(run.info.run_id, entry.path, folder)
                found[entry.path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return found


def number(value):
    """JSON has no NaN."""
    return value if math.isfinite(value) else str(value)


def one_run(client, run):
    metrics = [
        [key, number(point.value), point.timestamp, point.step]
        for key in sorted(run.data.metrics)
        for point in client.get_metric_history(run.info.run_id, key)
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = artifacts(client, run, folder)
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "params": run.data.params,
        "tags": run.data.tags,
        "latest": {key: number(value) for key, value in run.data.metrics.items()},
        "metrics": metrics,
        "data": [
            {
                "name": i.dataset.name,
                "digest": i.dataset.digest,
                "profile": json.loads(i.dataset.profile),
                "context": [t.value for t in i.tags],
            }
            for i in run.inputs.dataset_inputs
        ],
        "artifacts": files,
    }


def main():
    mlflow.set_tracking_uri(sys.argv[1])
    client = mlflow.MlflowClient()
    runs = {}
    for experiment in client.search_experiments():
        if not experiment.name.startswith(sys.argv[2]):
            continue
        for run in client.search_runs([experiment.experiment_id], "", ViewType.ACTIVE_ONLY, 1000):
            runs.setdefault(experiment.name, []).append(one_run(client, run))
    models = {}
    for model in client.search_registered_models(max_results=1000):
        if not model.name.startswith(sys.argv[2]):
            continue
        versions = client.search_model_versions(f'name = "{model.name}"')
        models[model.name] = {
            "versions": [
                {"version": int(v.version), "run_id": v.run_id, "source": v.source, "tags": v.tags}
                for v in sorted(versions, key=lambda v: int(v.version))
            ],
            "aliases": {alias: int(version) for alias, version in model.aliases.items()},
        }
    json.dump({"mlflow": mlflow.__version__, "runs": runs, "models": models}, sys.stdout)


main()
