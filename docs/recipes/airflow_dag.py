"""Airflow: bring in exports, make the pages of last week, and keep one notebook as it ran.

Copy it to the folder of your DAGs and set CSNB to your clone. `pages` is the scheduled run of docs/schedule.md with
its exit codes, so Airflow's retries and alerts apply. `notebook` shows the other way, for teams that keep executed
notebooks: papermill runs one with parameters, in a kernel that knows csnb (docs/schedule.md makes it).
"""

from datetime import timedelta

import pendulum
from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

CSNB = "/srv/csnb"
RUN_DAY = "logical_date.in_timezone('Asia/Shanghai')"  # `ds` is the day in UTC, which is still Sunday
FIRST = f"{{{{ {RUN_DAY}.subtract(days=7).to_date_string() }}}}"
LAST = f"{{{{ {RUN_DAY}.subtract(days=1).to_date_string() }}}}"

with DAG(
    "csnb_weekly",
    schedule="30 6 * * 1",
    start_date=pendulum.datetime(2026, 11, 16, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=10)},
):
    pages = BashOperator(
        task_id="pages",
        bash_command=f"sh docs/recipes/report.sh {FIRST}..{LAST}",
        cwd=CSNB,
    )
    notebook = PapermillOperator(
        task_id="notebook",
        input_nb=f"{CSNB}/notebooks/response.ipynb",
        output_nb=f"{CSNB}/reports/response_{FIRST}.ipynb",
        parameters={"book": f"{CSNB}/data/books/shop", "date_from": FIRST, "date_to": LAST},
        kernel_name="csnb",
        language_name="python",
    )
    pages >> notebook
