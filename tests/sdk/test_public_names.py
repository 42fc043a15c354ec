"""The public surface: which module has which names. A change of it is to be seen, so it stands here once more."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import antiphon

#: Module -> its `__all__`.
PUBLIC = {
    "antiphon": """
        Flow State Task Transaction __version__ allow_failure apause_flow_run aresume_flow_run aserve
        asuspend_flow_run deploy flow get_client get_run_logger pause_flow_run resume_flow_run serve suspend_flow_run
        tags task unmapped
    """,
    "antiphon.annotations": "BaseAnnotation NotSet Quote allow_failure freeze opaque quote unmapped",
    "antiphon.artifacts": """
        Artifact ImageArtifact LinkArtifact MarkdownArtifact ProgressArtifact TableArtifact
        acreate_image_artifact acreate_link_artifact acreate_markdown_artifact acreate_progress_artifact
        acreate_table_artifact aupdate_progress_artifact create_image_artifact create_link_artifact
        create_markdown_artifact create_progress_artifact create_table_artifact update_progress_artifact
    """,
    "antiphon.blocks": "Block",
    "antiphon.blocks.core": """
        Block BlockNotSavedError InvalidBlockRegistration UnknownBlockType block_schema_to_key schema_extra
    """,
    "antiphon.blocks.docker": "DockerRegistryCredentials",
    "antiphon.blocks.fields": "SecretDict",
    "antiphon.blocks.kubernetes": "KubernetesClusterConfig",
    "antiphon.blocks.notifications": """
        AbstractAppriseNotificationBlock AppriseNotificationBlock CustomWebhookNotificationBlock DiscordWebhook
        MattermostWebhook MicrosoftTeamsWebhook NotificationBlock NotificationError OpsgenieWebhook
        PagerDutyWebHook SendgridEmail SlackWebhook TwilioSMS
    """,
    "antiphon.blocks.redis": "RedisStorageContainer",
    "antiphon.blocks.system": "Secret",
    "antiphon.blocks.webhook": "Webhook",
    "antiphon.cache_policies": """
        CacheKeyFnPolicy CachePolicy CompoundCachePolicy DEFAULT FLOW_PARAMETERS FlowParameters INPUTS Inputs
        NONE NO_CACHE RUN_ID RunId TASK_SOURCE TaskSource
    """,
    "antiphon.client": "AntiphonClient SyncAntiphonClient get_client",
    "antiphon.client.orchestration": "AntiphonClient SyncAntiphonClient get_client",
    "antiphon.client.schemas": """
        FlowRun FlowRunPolicy FlowRunResult OrchestrationResult SetStateStatus State StateAbortDetails
        StateAcceptDetails StateDetails StateRejectDetails StateType TaskRun TaskRunPolicy TaskRunResult
    """,
    "antiphon.client.schemas.actions": """
        ArtifactCreate ArtifactUpdate BlockDocumentCreate BlockDocumentUpdate BlockSchemaCreate BlockTypeCreate
        BlockTypeUpdate DeploymentScheduleCreate DeploymentUpdate GlobalConcurrencyLimitCreate
        GlobalConcurrencyLimitUpdate LogCreate VariableCreate VariableUpdate WorkPoolCreate WorkPoolUpdate
        WorkQueueUpdate
    """,
    "antiphon.client.schemas.filters": """
        ArtifactCollectionFilter ArtifactCollectionFilterFlowRunId ArtifactCollectionFilterKey
        ArtifactCollectionFilterLatestId ArtifactCollectionFilterTaskRunId ArtifactCollectionFilterType ArtifactFilter
        ArtifactFilterFlowRunId ArtifactFilterId ArtifactFilterKey ArtifactFilterTaskRunId ArtifactFilterType
        DeploymentFilter DeploymentFilterConcurrencyLimit DeploymentFilterId DeploymentFilterName DeploymentFilterTags
        DeploymentFilterWorkQueueName FilterSet FlowFilter FlowFilterId FlowFilterName FlowFilterTags FlowRunFilter
        FlowRunFilterDeploymentId FlowRunFilterEndTime FlowRunFilterExpectedStartTime FlowRunFilterFlowVersion
        FlowRunFilterId FlowRunFilterIdempotencyKey FlowRunFilterName FlowRunFilterNextScheduledStartTime
        FlowRunFilterParentFlowRunId FlowRunFilterParentTaskRunId FlowRunFilterStartTime FlowRunFilterState
        FlowRunFilterStateName FlowRunFilterStateType FlowRunFilterTags FlowRunFilterWorkQueueName LogFilter
        LogFilterFlowRunId LogFilterLevel LogFilterName LogFilterTaskRunId LogFilterTextSearch LogFilterTimestamp
        Operator OperatorMixin TaskRunFilter TaskRunFilterEndTime TaskRunFilterFlowRunId TaskRunFilterId
        TaskRunFilterName TaskRunFilterStartTime TaskRunFilterState TaskRunFilterStateName TaskRunFilterStateType
        TaskRunFilterSubFlowRuns TaskRunFilterTags VariableFilter VariableFilterId VariableFilterName
        VariableFilterTags WorkPoolFilter WorkPoolFilterId WorkPoolFilterName WorkPoolFilterType WorkQueueFilter
        WorkQueueFilterId WorkQueueFilterName WorkerFilter WorkerFilterLastHeartbeatTime WorkerFilterStatus
    """,
    "antiphon.client.schemas.objects": """
        Artifact ArtifactCollection BlockDocument BlockSchema BlockType ConcurrencyLeaseHolder ConcurrencyLimit
        ConcurrencyLimitConfig ConcurrencyLimitStrategy ConcurrencyOptions Constant Deployment DeploymentSchedule
        DeploymentStatus Flow FlowRun FlowRunInput FlowRunPolicy FlowRunResult GlobalConcurrencyLimit Log Parameter
        RunInput RunType State StateDetails StateType TERMINAL_STATES TaskInput TaskRun TaskRunPolicy TaskRunResult
        Variable VersionInfo WorkPool WorkPoolStatus WorkQueue WorkQueueStatus Worker WorkerStatus
    """,
    "antiphon.client.schemas.responses": """
        ConcurrencyLimitWithLeaseResponse DeploymentResponse GlobalConcurrencyLimitResponse
        MinimalConcurrencyLimitResponse OrchestrationResult SetStateStatus StateAbortDetails StateAcceptDetails
        StateRejectDetails StateResponseDetails StateWaitDetails WorkerFlowRunResponse
    """,
    "antiphon.client.schemas.schedules": """
        CronSchedule IntervalSchedule RRuleSchedule SCHEDULE_TYPES construct_schedule is_schedule_type
    """,
    "antiphon.client.schemas.sorting": """
        ArtifactCollectionSort ArtifactSort DeploymentSort FlowRunSort FlowSort LogSort TaskRunSort
    """,
    "antiphon.concurrency.asyncio": """
        AcquireConcurrencySlotTimeoutError ConcurrencySlotAcquisitionError ConcurrencySlotsLostError concurrency
        rate_limit
    """,
    "antiphon.concurrency.sync": """
        AcquireConcurrencySlotTimeoutError ConcurrencySlotAcquisitionError ConcurrencySlotsLostError concurrency
        rate_limit
    """,
    "antiphon.context": """
        EngineContext FlowRunContext RunContext SettingsContext TaskRunContext current_tags get_run_context
        get_settings_context hydrated_context refresh_global_settings_context root_settings_context
        serialize_context tags use_profile with_context
    """,
    "antiphon.deployments": """
        ConcurrencyLimitConfig EntrypointType RunnerDeployment adeploy arun_deployment deploy initialize_project
        run_deployment
    """,
    "antiphon.deployments.flow_runs": "arun_deployment run_deployment",
    "antiphon.deployments.runner": "EntrypointType RunnerDeployment",
    "antiphon.deployments.steps": """
        build_docker_image git_clone pip_install_requirements pull_from_remote_storage pull_with_block
        push_docker_image run_shell_script run_step run_steps set_working_directory
    """,
    "antiphon.deployments.steps.core": "arun_step arun_steps run_step run_steps",
    "antiphon.deployments.steps.docker": """
        BuildDockerImageResult abuild_docker_image apush_docker_image build_docker_image push_docker_image
    """,
    "antiphon.deployments.steps.pull": """
        agit_clone apull_from_remote_storage apull_with_block git_clone pull_from_remote_storage pull_with_block
        set_working_directory
    """,
    "antiphon.deployments.steps.utility": """
        RunShellScriptResult apip_install_requirements arun_shell_script pip_install_requirements run_shell_script
    """,
    "antiphon.deployments.versioning": "VersionType",
    "antiphon.docker": "DockerImage",
    "antiphon.exceptions": """
        Abort AntiphonException AntiphonImportError AntiphonSignal BlockMissingCapabilities BlockNotFound
        CancelledRun ConfigurationError CrashedRun EntrypointError EventTooLarge ExternalSignal FailedRun
        FlowPauseTimeout FlowRunWaitTimeout FlowRunWatchError HashError InfrastructureError
        InfrastructureNotAvailable InfrastructureNotFound InvalidNameError InvalidRepositoryURLError
        MappingLengthMismatch MappingMissingIterable MissingContextError MissingFlowError MissingProfileError
        MissingResult NotPausedError ObjectAlreadyExists ObjectLimitReached ObjectNotFound ObjectUnsupported
        ParameterBindError ParameterTypeError Pause PausedRun ProfileSettingsValidationError ProtectedBlockError
        ReservedArgumentError ResultStorageError RunCancelled RunRevoked ScriptError SerializationError
        ServerError ServerUnreachable SessionLost SettingError SignatureMismatchError SlotsLost
        StepExecutionError TemplateError TerminationSignal UnfinishedRun UnspecifiedFlowError UpstreamTaskError
    """,
    "antiphon.filesystems": """
        LocalFileSystem NullFileSystem ReadableDeploymentStorage ReadableFileSystem RemoteFileSystem SMB
        WritableDeploymentStorage WritableFileSystem
    """,
    "antiphon.flow_runs": """
        apause_flow_run aresume_flow_run asuspend_flow_run pause_flow_run resume_flow_run suspend_flow_run
        wait_for_flow_run
    """,
    "antiphon.flows": """
        Flow FlowDecorator FlowHook FlowOptions FlowStateHook aserve flow is_entrypoint_async
        load_flow_arguments_from_entrypoint load_flow_from_entrypoint load_function_and_convert_to_flow
        load_placeholder_flow safe_load_flow_from_entrypoint select_flow serve
    """,
    "antiphon.futures": """
        AntiphonConcurrentFuture AntiphonDistributedFuture AntiphonFlowRunFuture AntiphonFuture AntiphonFutureList
        AntiphonTaskRunFuture AntiphonWrappedFuture DoneAndNotDoneFutures as_completed resolve_futures_to_results
        resolve_futures_to_states wait
    """,
    "antiphon.input": """
        AutomaticRunInput BaseRunInput FlowRunInput GetAutomaticInputHandler GetInputHandler Keyset RunInput
        RunInputMetadata acreate_flow_run_input acreate_flow_run_input_from_model adelete_flow_run_input
        afilter_flow_run_input aread_flow_run_input asend_input create_flow_run_input
        create_flow_run_input_from_model delete_flow_run_input filter_flow_run_input keyset_from_base_key
        keyset_from_paused_state read_flow_run_input receive_input run_input_subclass_from_type send_input
    """,
    "antiphon.input.run_input": """
        AutomaticRunInput BaseRunInput GetAutomaticInputHandler GetInputHandler Keyset RunInput RunInputMetadata
        asend_input keyset_from_base_key keyset_from_paused_state receive_input run_input_subclass_from_type
        send_input
    """,
    "antiphon.locking.filesystem": "FileSystemLockManager",
    "antiphon.locking.memory": "MemoryLockManager",
    "antiphon.locking.protocol": "LockManager",
    "antiphon.locking.redis": "RedisLockManager",
    "antiphon.logging": """
        APILogHandler LogEavesdropper disable_logger disable_run_logger get_logger get_run_logger patch_print
        print_as_log set_log_sink setup_logging
    """,
    "antiphon.logging.formatters": "AntiphonFormatter JsonFormatter",
    "antiphon.logging.handlers": "APILogHandler AntiphonConsoleHandler LogSink set_log_sink",
    "antiphon.logging.loggers": """
        AntiphonLogAdapter LogEavesdropper disable_logger disable_run_logger flow_run_logger get_logger
        get_run_logger get_worker_logger patch_print print_as_log task_run_logger
    """,
    "antiphon.main": """
        Flow State Task Transaction allow_failure apause_flow_run aresume_flow_run aserve asuspend_flow_run flow
        get_client get_run_logger pause_flow_run resume_flow_run serve suspend_flow_run tags task unmapped
    """,
    "antiphon.results": """
        ResultRecord ResultRecordMetadata ResultStore aget_default_result_storage aresolve_result_storage
        get_default_persist_setting get_default_persist_setting_for_tasks get_default_result_serializer
        get_default_result_storage get_result_store is_reference load resolve_result_storage resolve_serializer
        should_persist_result
    """,
    "antiphon.runner": "Runner",
    "antiphon.runner.runner": "Runner",
    "antiphon.runner.storage": """
        BlockStorageAdapter GitCredentials GitRepository LocalStorage RemoteStorage RunnerStorage
        create_storage_from_source
    """,
    "antiphon.schedules": "CatchUp Cron Interval Overlap RRule Schedule",
    "antiphon.runtime": "deployment flow_run task_run",
    "antiphon.runtime.deployment": "flow_run_id id name parameters version",
    "antiphon.runtime.flow_run": """
        api_url flow_name flow_version id job_variables name parameters parent_deployment_id parent_flow_run_id
        root_flow_run_id run_count scheduled_start_time tags ui_url
    """,
    "antiphon.runtime.task_run": "api_url id name parameters run_count tags task_name ui_url",
    "antiphon.serializers": """
        CompressedJSONSerializer CompressedPickleSerializer CompressedSerializer JSONSerializer PickleSerializer
        Serializer UnknownSerializer antiphon_json_object_decoder antiphon_json_object_encoder
    """,
    "antiphon.settings": """
        DEFAULT_PROFILES_PATH Profile ProfilesCollection Setting Settings canonical_environment_prefix
        find_setting get_current_settings load_current_profile load_profile load_profiles save_profiles
        temporary_settings update_current_profile
    """,
    "antiphon.states": """
        AwaitingConcurrencySlot AwaitingRetry Cancelled Cancelling Completed Crashed Failed
        InfrastructurePending Late Paused Pending Retrying Running Scheduled State StateDetails StateGroup
        StateType Submitting Suspended TERMINAL_STATE_TYPES aget_state_exception araise_state_exception
        exception_to_crashed_state exception_to_failed_state format_exception from_proto get_state_exception
        get_state_result is_state_iterable raise_state_exception return_value_to_state to_proto
    """,
    "antiphon.task_runners": """
        AntiphonTaskRunner ConcurrentTaskRunner ProcessPoolTaskRunner TaskRunner ThreadPoolTaskRunner
    """,
    "antiphon.task_worker": """
        StopTaskWorker TaskWorker aserve create_status_server read_parameters serve
        should_try_to_read_parameters store_parameters
    """,
    "antiphon.tasks": "Task TaskHook TaskOptions exponential_backoff task task_input_hash",
    "antiphon.testing.utilities": """
        FakeClock Harness aget_most_recent_flow_run antiphon_test_harness assert_blocks_equal
        assert_does_not_warn assert_uses_result_serializer assert_uses_result_storage exceptions_equal
        get_most_recent_flow_run
    """,
    "antiphon.transactions": """
        AsyncTransaction BaseTransaction CommitMode IsolationLevel Transaction TransactionState atransaction
        get_transaction transaction
    """,
    "antiphon.types": """
        BANNED_CHARACTERS ClientRetryExtraCodes Date DateTime JsonStringOrDict KeyValueLabelsField
        ListOfNonEmptyStrings LogLevel MAX_VARIABLE_NAME_LENGTH MAX_VARIABLE_VALUE_LENGTH Name NameOrEmpty
        NonEmptyishName NonNegativeFloat NonNegativeInteger NonNegativeTimeDelta PositiveInteger
        SecondsTimeDelta SecretDict StatusCode StrictVariableValue TaskRetryDelaySeconds URILike ValidAssetKey
        WITHOUT_BANNED_CHARACTERS
    """,
    "antiphon.utilities.annotations": "BaseAnnotation NotSet Quote allow_failure freeze opaque quote unmapped",
    "antiphon.utilities.visualization": """
        FlowVisualizationError GraphvizExecutableNotFoundError GraphvizImportError VisualizationUnsupportedError
        VizTask
    """,
    "antiphon.variables": "T Variable",
    "antiphon.watching": "Picture Step Watch WatchedKind awatch watch",
    "antiphon.workers": "BaseJobConfiguration BaseVariables BaseWorker BaseWorkerResult ProcessWorker",
    "antiphon.workers.base": """
        BaseJobConfiguration BaseVariables BaseWorker BaseWorkerResult InfrastructureStatus
    """,
    "antiphon.workers.docker": """
        DockerWorker DockerWorkerJobConfiguration DockerWorkerResult DockerWorkerVariables
    """,
    "antiphon.workers.kubernetes": """
        KubernetesWorker KubernetesWorkerJobConfiguration KubernetesWorkerResult KubernetesWorkerVariables
    """,
    "antiphon.workers.process": "ProcessJobConfiguration ProcessVariables ProcessWorker ProcessWorkerResult",
}

#: Modules behind the public ones, whose `__all__` says what those take.
INNER = {
    "antiphon.artifact_records",
    "antiphon.blocks.abstract",
    "antiphon.client.arguments",
    "antiphon.client.artifact_operations",
    "antiphon.client.block_document_operations",
    "antiphon.client.block_type_operations",
    "antiphon.client.conversions.blocks",
    "antiphon.client.conversions.runs",
    "antiphon.client.conversions.schedules",
    "antiphon.client.conversions.shown",
    "antiphon.client.conversions.values",
    "antiphon.client.conversions.work",
    "antiphon.client.deployment_operations",
    "antiphon.client.filter_texts",
    "antiphon.client.flow_operations",
    "antiphon.client.flow_run_input_operations",
    "antiphon.client.flow_run_operations",
    "antiphon.client.limit_operations",
    "antiphon.client.listings",
    "antiphon.client.log_operations",
    "antiphon.client.proposing",
    "antiphon.client.schedule_operations",
    "antiphon.client.schemas.bases",
    "antiphon.client.schemas.block_objects",
    "antiphon.client.schemas.filter_bases",
    "antiphon.client.schemas.run_objects",
    "antiphon.client.schemas.shown_filters",
    "antiphon.client.schemas.shown_objects",
    "antiphon.client.schemas.work_objects",
    "antiphon.client.server_operations",
    "antiphon.client.task_run_operations",
    "antiphon.client.variable_operations",
    "antiphon.client.waiting_runs",
    "antiphon.client.work_pool_operations",
    "antiphon.client.work_queue_lookup",
    "antiphon.client.worker_operations",
    "antiphon.distributed_futures",
    "antiphon.flow_core",
    "antiphon.flow_loading",
    "antiphon.flow_run_futures",
    "antiphon.flow_run_waiting",
    "antiphon.given_clients",
    "antiphon.input.actions",
    "antiphon.input.receiving",
    "antiphon.parameters",
    "antiphon.run_futures",
    "antiphon.stream_cuts",
    "antiphon.telemetry",
    "antiphon.telemetry.provider",
    "antiphon.telemetry.spans",
    "antiphon.telemetry.tracing",
    "antiphon.utilities",
}

#: Packages of the SDK's own.
PRIVATE = ("antiphon.v1.", "antiphon._vendor.", "antiphon.engine.", "antiphon.session.", "antiphon.cli.")


def modules_with_names() -> Iterator[str]:
    for each in pkgutil.walk_packages(antiphon.__path__, "antiphon."):
        if not f"{each.name}.".startswith(PRIVATE) and hasattr(importlib.import_module(each.name), "__all__"):
            yield each.name


@pytest.mark.parametrize("name", PUBLIC)
def test_the_names_of_a_module(name: str) -> None:
    module = importlib.import_module(name)
    assert sorted(module.__all__) == sorted(PUBLIC[name].split())
    assert len(set(module.__all__)) == len(module.__all__)
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


def test_no_module_has_names_that_nobody_knows_of() -> None:
    """A module that is new, and public, belongs into the table above; one behind it into INNER."""
    assert set(modules_with_names()) - set(PUBLIC) - INNER == set()


def test_the_table_has_no_modules_that_are_gone() -> None:
    assert set(PUBLIC) - {"antiphon"} <= set(modules_with_names())


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_star_import_gives_them_all(name: str) -> None:
    there: dict[str, object] = {}
    exec(f"from {name} import *", there)
    assert set(PUBLIC[name].split()) <= set(there)
