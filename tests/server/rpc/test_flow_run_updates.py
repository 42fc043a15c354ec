"""What a process with the code of a deployment's run tells the server of it."""

from world import World


def test_a_retry_policy_that_is_known_late_is_obeyed(world: World) -> None:
    run = world.call("CreateFlowRun", {"flowRun": {"flowName": "f"}}).flow_run.id
    policy = {"maxRetries": 1, "delays": ["7s"]}
    changed = {"id": run, "retryPolicy": policy, "flowVersion": "3"}
    answer = world.call("UpdateFlowRun", {"flowRun": changed, "updateMask": "retryPolicy,flowVersion"}).flow_run
    assert (answer.retry_policy.max_retries, answer.retry_policy.delays[0].seconds) == (1, 7)
    assert answer.flow_version == "3"
    for type_ in ("PENDING", "RUNNING"):
        world.propose(run, type_)
    verdict = world.propose(run, "FAILED")
    assert verdict.state.name == "AwaitingRetry"
    cleared = {"flowRun": {"id": run}, "updateMask": "retryPolicy"}
    assert not world.call("UpdateFlowRun", cleared).flow_run.HasField("retry_policy")


def test_a_policy_that_cannot_be_is_refused(world: World) -> None:
    run = world.call("CreateFlowRun", {"flowRun": {"flowName": "f"}}).flow_run.id
    wrong = {"flowRun": {"id": run, "retryPolicy": {"maxRetries": -1}}, "updateMask": "retryPolicy"}
    assert world.refused("UpdateFlowRun", wrong).reason == "FIELD_INVALID"
