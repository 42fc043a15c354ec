"""Flows: functions whose calls are runs, and in which tasks are called."""

from antiphon.flow_core import Flow, FlowDecorator, FlowHook, FlowStateHook, flow
from antiphon.flow_loading import (
    is_entrypoint_async,
    load_flow_arguments_from_entrypoint,
    load_flow_from_entrypoint,
    load_function_and_convert_to_flow,
    load_placeholder_flow,
    safe_load_flow_from_entrypoint,
    select_flow,
)
from antiphon.flow_options import FlowOptions
from antiphon.flow_serving import aserve, serve

__all__ = [
    "Flow",
    "FlowDecorator",
    "FlowHook",
    "FlowOptions",
    "FlowStateHook",
    "aserve",
    "flow",
    "is_entrypoint_async",
    "load_flow_arguments_from_entrypoint",
    "load_flow_from_entrypoint",
    "load_function_and_convert_to_flow",
    "load_placeholder_flow",
    "safe_load_flow_from_entrypoint",
    "select_flow",
    "serve",
]
