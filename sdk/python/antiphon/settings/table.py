"""Every setting: its group, name, kind, default and description.

The class of a group is the table of its settings; `antiphon.settings.rows` reads it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from antiphon.settings import kinds
from antiphon.settings.groups import About, SettingsGroup
from antiphon.settings.profiles_file import DEFAULT_PROFILE


class APISettings(SettingsGroup):
    """The server to talk to, and how."""

    url: Annotated[
        str | None,
        About(
            kinds.ADDRESS,
            None,
            "The server to talk to, or several of which any will do. Empty: one that starts itself.",
        ),
    ]
    request_timeout: Annotated[
        float, About(kinds.POSITIVE_SECONDS, 60.0, "How long one call of the server may take where no code says.")
    ]


class CLISettings(SettingsGroup):
    """The command line."""

    colors: Annotated[bool, About(kinds.BOOLEAN, True, "Whether the command line uses colours on a terminal.")]
    prompt: Annotated[
        bool | None,
        About(kinds.OPTIONAL_BOOLEAN, None, "Whether the command line may ask; where there is a terminal if not set."),
    ]
    wrap_lines: Annotated[bool, About(kinds.BOOLEAN, True, "Whether the command line wraps long lines on a terminal.")]


class ClientSettings(SettingsGroup):
    """How this process keeps in touch with the server."""

    reconnect_timeout_seconds: Annotated[
        float, About(kinds.SECONDS, 600.0, "How long runs go on without a server that answers.")
    ]


class DeploymentsSettings(SettingsGroup):
    """What holds for deployments that do not say otherwise."""

    default_work_pool_name: Annotated[
        str | None,
        About(
            kinds.OPTIONAL_NAME,
            None,
            "The work pool of a deployment that names none.",
            aliases=("ANTIPHON_DEFAULT_WORK_POOL_NAME",),
        ),
    ]
    default_docker_build_namespace: Annotated[
        str | None,
        About(
            kinds.OPTIONAL_NAME,
            None,
            "What comes before names of images that have no slash.",
            aliases=("ANTIPHON_DEFAULT_DOCKER_BUILD_NAMESPACE",),
        ),
    ]


class FlowsSettings(SettingsGroup):
    """What holds for flows that do not say otherwise."""

    default_retries: Annotated[
        int,
        About(
            kinds.COUNT, 0, "Retries of a flow that does not say how many.", aliases=("ANTIPHON_FLOW_DEFAULT_RETRIES",)
        ),
    ]
    default_retry_delay_seconds: Annotated[
        float,
        About(
            kinds.SECONDS,
            0.0,
            "Delay before a retry of a flow that does not say how long.",
            aliases=("ANTIPHON_FLOW_DEFAULT_RETRY_DELAY_SECONDS",),
        ),
    ]


class KubernetesWorkerSettings(SettingsGroup):
    """Workers of the type `kubernetes`."""

    store_env_as_secret: Annotated[
        bool,
        About(kinds.BOOLEAN, False, "Whether the environment of a run is kept in a Kubernetes Secret, not in its job."),
    ]


class KubernetesSettings(SettingsGroup):
    """What runs on Kubernetes."""

    worker: KubernetesWorkerSettings


class IntegrationsSettings(SettingsGroup):
    """What needs an extra of its own."""

    kubernetes: KubernetesSettings


class LoggingToAPISettings(SettingsGroup):
    """Logs of runs on their way to the server."""

    enabled: Annotated[bool, About(kinds.BOOLEAN, True, "Whether logs of runs go to the server.")]
    batch_interval: Annotated[
        float, About(kinds.SECONDS, 0.1, "How long, in seconds, a log line may wait for others to travel with.")
    ]
    batch_size: Annotated[int, About(kinds.BATCH_BYTES, 4_000_000, "Bytes of log lines that travel together at most.")]
    max_log_size: Annotated[int, About(kinds.LINE_BYTES, 1_000_000, "Bytes of one log line; what is longer is cut.")]
    when_missing_flow: Annotated[
        str,
        About(
            kinds.choice("warn", "error", "ignore"),
            "warn",
            "What happens to a record for the server that belongs to no run: a warning, an error, or nothing.",
        ),
    ]


class LoggingSettings(SettingsGroup):
    """What is logged, and where it is shown."""

    level: Annotated[str, About(kinds.LEVEL, "INFO", "The least severe log records to keep; DEBUG in debug mode.")]
    config_path: Annotated[
        Path | None,
        About(
            kinds.OPTIONAL_FILE,
            None,
            "A file of logging.config.dictConfig (.yml, .yaml, .json, .toml) in place of the set-up that Antiphon"
            " makes; <home>/logging.yml if not set and there.",
            aliases=("ANTIPHON_LOGGING_SETTINGS_PATH",),
        ),
    ]
    extra_loggers: Annotated[list[str], About(kinds.NAMES, [], "Loggers whose records are logs of a run too.")]
    log_prints: Annotated[bool, About(kinds.BOOLEAN, False, "Whether print() in flows and tasks writes logs.")]
    colors: Annotated[bool, About(kinds.BOOLEAN, True, "Whether log lines on a terminal have colours.")]
    markup: Annotated[
        bool, About(kinds.BOOLEAN, False, "Whether [red]words[/red] in log messages are Rich's markup on the terminal.")
    ]
    to_api: LoggingToAPISettings


class ResultsSettings(SettingsGroup):
    """What is kept of what runs return."""

    persist_by_default: Annotated[
        bool, About(kinds.BOOLEAN, False, "Whether results are kept in storage unless the code says no.")
    ]
    default_serializer: Annotated[
        str | None,
        About(kinds.OPTIONAL_NAME, None, "Serializer of results in storage; JSON or pickle if not set."),
    ]
    default_storage_block: Annotated[
        str | None,
        About(
            kinds.OPTIONAL_NAME,
            None,
            "Storage block where results are kept, in place of the folder.",
            aliases=("ANTIPHON_DEFAULT_RESULT_STORAGE_BLOCK",),
        ),
    ]
    inline_limit: Annotated[
        int, About(kinds.COUNT, 32768, "Bytes up to which results that nobody asked to keep go to the server.")
    ]
    local_storage_path: Annotated[
        Path,
        About(
            kinds.FOLDER,
            None,
            "Where results are kept; <home>/storage if not set.",
            aliases=("ANTIPHON_LOCAL_STORAGE_PATH",),
        ),
    ]


class EphemeralServerSettings(SettingsGroup):
    """The server that starts by itself where none is named."""

    enabled: Annotated[bool, About(kinds.BOOLEAN, True, "Whether a server may start by itself where none is named.")]
    startup_timeout_seconds: Annotated[
        float, About(kinds.POSITIVE_SECONDS, 20.0, "How long to wait for the server that starts itself.")
    ]
    idle_timeout_seconds: Annotated[
        float, About(kinds.POSITIVE_SECONDS, 60.0, "How long the server that started itself stays when nobody uses it.")
    ]


class ServerSettings(SettingsGroup):
    """Servers that this machine's processes start. What a server itself is told: `antiphon server start --help`."""

    metrics_enabled: Annotated[
        bool, About(kinds.BOOLEAN, False, "Whether `antiphon server start` serves metrics for Prometheus.")
    ]
    metrics_address: Annotated[
        str, About(kinds.LISTEN, "127.0.0.1:4202", "Where it serves them; a port alone is one of this machine.")
    ]
    ephemeral: EphemeralServerSettings


class TasksRunnerSettings(SettingsGroup):
    """Task runners that do not say otherwise."""

    thread_pool_max_workers: Annotated[
        int | None,
        About(
            kinds.OPTIONAL_POSITIVE_COUNT,
            None,
            "Threads of a task runner that does not say how many.",
            aliases=("ANTIPHON_TASK_RUNNER_THREAD_POOL_MAX_WORKERS",),
        ),
    ]
    process_pool_max_workers: Annotated[
        int | None,
        About(
            kinds.OPTIONAL_POSITIVE_COUNT, None, "Processes of a process pool task runner that does not say how many."
        ),
    ]


class TasksSettings(SettingsGroup):
    """What holds for tasks that do not say otherwise."""

    refresh_cache: Annotated[bool, About(kinds.BOOLEAN, False, "Whether tasks run though a result is cached.")]
    default_no_cache: Annotated[bool, About(kinds.BOOLEAN, False, "Whether tasks that name no cache policy have none.")]
    disable_caching: Annotated[bool, About(kinds.BOOLEAN, False, "Whether no task looks for cached results.")]
    default_persist_result: Annotated[
        bool | None, About(kinds.OPTIONAL_BOOLEAN, None, "Whether results of tasks are kept in storage.")
    ]
    default_retries: Annotated[
        int,
        About(
            kinds.COUNT, 0, "Retries of a task that does not say how many.", aliases=("ANTIPHON_TASK_DEFAULT_RETRIES",)
        ),
    ]
    default_retry_delay_seconds: Annotated[
        float | list[float],
        About(
            kinds.DELAYS,
            0.0,
            "Delay before a retry of a task that does not say how long.",
            aliases=("ANTIPHON_TASK_DEFAULT_RETRY_DELAY_SECONDS",),
        ),
    ]
    runner: TasksRunnerSettings


class RunnerSettings(SettingsGroup):
    """Programs that serve deployments."""

    process_limit: Annotated[
        int | None,
        About(
            kinds.OPTIONAL_POSITIVE_COUNT, 5, "Runs at a time of a program that serves deployments; empty: no bound."
        ),
    ]


class WorkerWebserverSettings(SettingsGroup):
    """Where a worker says by HTTP that it is well, if it is asked to."""

    host: Annotated[str, About(kinds.NAME, "0.0.0.0", "The address that a worker's health check listens on.")]
    port: Annotated[int, About(kinds.COUNT, 8080, "The port that a worker's health check listens on.")]


class WorkerSettings(SettingsGroup):
    """Workers that do not say otherwise."""

    prefetch_seconds: Annotated[
        float, About(kinds.SECONDS, 10.0, "How long before its time a run is prepared, so that it begins in time.")
    ]
    webserver: WorkerWebserverSettings


class Settings(SettingsGroup):
    """Every setting with its value: `settings.api.url` is ANTIPHON_API_URL."""

    home: Annotated[Path, About(kinds.FOLDER, "~/.antiphon", "Where profiles and the embedded server's data are kept.")]
    profiles_path: Annotated[
        Path, About(kinds.FILE, None, "The file of profiles; <home>/profiles.toml if not set.", in_profiles=False)
    ]
    profile: Annotated[
        str, About(kinds.NAME, DEFAULT_PROFILE, "The profile to use in place of the active one.", in_profiles=False)
    ]
    debug_mode: Annotated[bool, About(kinds.BOOLEAN, False, "Whether to log at DEBUG where no level is set.")]
    api: APISettings
    cli: CLISettings
    client: ClientSettings
    deployments: DeploymentsSettings
    flows: FlowsSettings
    integrations: IntegrationsSettings
    logging: LoggingSettings
    results: ResultsSettings
    runner: RunnerSettings
    server: ServerSettings
    tasks: TasksSettings
    worker: WorkerSettings

    def __init__(self, values: dict[str, Any], sources: Mapping[str, str]) -> None:
        super().__init__(values)
        self.__dict__["_sources"] = sources

    @property
    def sources(self) -> Mapping[str, str]:
        """Accessor -> where its value was read: `settings.sources["logging.level"]`."""
        found: Mapping[str, str] = self.__dict__["_sources"]
        return found
