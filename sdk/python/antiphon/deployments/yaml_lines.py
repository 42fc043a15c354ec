"""YAML with the lines on which its values stand, so that a mistake can be shown where it is."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

#: The keys and places that lead to a value.
Way: TypeAlias = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """What a text of YAML says."""

    data: Any
    #: Counted from 1.
    lines: dict[Way, int] = field(default_factory=dict)

    def line_of(self, way: Way) -> int:
        """The line of a value, or of the nearest around it."""
        while way and way not in self.lines:
            way = way[:-1]
        return self.lines.get(way, 1)


class YamlError(Exception):
    """A text is no YAML that can be used; `line` says where."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


def read_yaml(text: str) -> Document:
    """Return what a text says; anchors and `<<` stand for what they name. Raises YamlError."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        document = Document(None)
        document.data = None if node is None else _Reader(loader, document).value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(str(error.problem or error.context), mark.line + 1 if mark is not None else 1) from error
    except yaml.YAMLError as error:
        raise YamlError(str(error), 1) from error
    except RecursionError as error:
        raise YamlError("it is nested too deeply", 1) from error
    finally:
        loader.dispose()
    return document


class _Reader:
    """Makes values of nodes, and writes down their lines."""

    def __init__(self, loader: yaml.SafeLoader, document: Document) -> None:
        self._loader = loader
        self._document = document
        self._around: list[yaml.Node] = []
        #: Mappings whose `<<` was replaced already: an anchor may be named many times.
        self._flat: set[int] = set()

    def value(self, node: yaml.Node, way: Way) -> Any:
        line = node.start_mark.line + 1
        self._document.lines.setdefault(way, line)
        if any(node is each for each in self._around):
            raise YamlError("an anchor stands for what it is a part of", line)
        self._around.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, way)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(each, (*way, place)) for place, each in enumerate(node.value)]
            return self._scalar(node)
        finally:
            self._around.pop()

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._loader.construct_object(node)
        except ValueError as error:  # such as the 31st of February
            raise YamlError(f"{node.value!r} cannot be: {error}", node.start_mark.line + 1) from error

    def _mapping(self, node: yaml.MappingNode, way: Way) -> dict[Any, Any]:
        if id(node) not in self._flat:
            self._refuse_twins(node)
            self._loader.flatten_mapping(node)
            self._flat.add(id(node))
        made = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node)
            self._document.lines[(*way, key)] = key_node.start_mark.line + 1
            made[key] = self.value(value_node, (*way, key))
        return made

    def _refuse_twins(self, node: yaml.MappingNode) -> None:
        """YAML would take the last of two, which nobody means."""
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError("a key is text", key_node.start_mark.line + 1)
            if key_node.value in seen:
                raise YamlError(f"the key {key_node.value!r} stands here twice", key_node.start_mark.line + 1)
            seen.add(key_node.value)
