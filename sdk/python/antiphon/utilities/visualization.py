"""What goes wrong as flows are drawn, and what stands for a task's value then."""

from antiphon.visualization import (
    FlowVisualizationError,
    GraphvizExecutableNotFoundError,
    GraphvizImportError,
    VisualizationUnsupportedError,
    VizTask,
)

__all__ = [
    "FlowVisualizationError",
    "GraphvizExecutableNotFoundError",
    "GraphvizImportError",
    "VisualizationUnsupportedError",
    "VizTask",
]
