"""Load the Airflow recipe in Airflow's own environment and render what it would run: `make test-airflow`.

Airflow pins other versions than csnb, so it lives in cache/airflow and nothing here imports csnb.
"""

import os
import sys
import tempfile
from pathlib import Path

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="csnb-airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

import pendulum  # noqa: E402
from airflow.dag_processing.dagbag import DagBag  # noqa: E402


def main():
    """Check the DAG; the first thing that does not hold raises."""
    bag = DagBag(RECIPES / "airflow_dag.py")
    assert bag.import_errors == {}, bag.import_errors
    (dag,) = bag.dags.values()
    assert [task.task_id for task in dag.topological_sort()] == ["pages", "notebook"]
    assert not dag.catchup

    monday = pendulum.datetime(2026, 11, 23, 6, 30, tz="Asia/Shanghai")
    pages, notebook = (dag.get_task(name) for name in ("pages", "notebook"))
    for task in (pages, notebook):
        task.render_template_fields({"logical_date": monday.in_timezone("UTC")})
    assert pages.bash_command == "sh docs/recipes/report.sh 2026-11-16..2026-11-22", pages.bash_command
    assert notebook.parameters["date_from"] == "2026-11-16"
    assert notebook.parameters["date_to"] == "2026-11-22"
    assert notebook.output_nb.endswith("response_2026-11-16.ipynb")
    print("1 passed: the DAG loads and asks for Monday to Sunday of last week")


if __name__ == "__main__":
    sys.exit(main())
