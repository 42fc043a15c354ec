"""`temporary_settings` changes settings for the code of a block; elsewhere those of the environment and profile hold.

For tests, and for the one run that should be tried more often or log more.

Prints:
    retries by default: 0
    inside: 2
    3 attempts
    after: 0
"""

from antiphon import flow, task
from antiphon.runtime import task_run
from antiphon.settings import ANTIPHON_TASKS_DEFAULT_RETRIES, get_current_settings, temporary_settings


@flow
def patient() -> int:
    @task  # it says nothing of retries, so the settings decide when it is defined
    def flaky() -> int:
        if task_run.run_count < 3:
            raise ConnectionError("not yet")
        return task_run.run_count

    return flaky()


if __name__ == "__main__":
    print("retries by default:", get_current_settings().tasks.default_retries)
    with temporary_settings({ANTIPHON_TASKS_DEFAULT_RETRIES: 2}):
        print("inside:", ANTIPHON_TASKS_DEFAULT_RETRIES.value())
        print(patient(), "attempts")
    print("after:", ANTIPHON_TASKS_DEFAULT_RETRIES.value())
