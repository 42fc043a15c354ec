"""What import-linter has no contract for: no import cycle, and a domain that knows nothing but the standard library."""

import graphlib
import sys

import grimp
import pytest


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import statement of both packages, also those inside functions and under TYPE_CHECKING."""
    return grimp.build_graph("antiphon", "antiphon_server", include_external_packages=True, cache_dir=None)


def find_cycle(imports: dict[str, set[str]]) -> list[str]:
    """Returns the modules of one cycle in order, or nothing."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_is_in_an_import_cycle(graph: grimp.ImportGraph) -> None:
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 20, "the graph is empty: are the packages installed?"
    assert find_cycle(imports) == []


def test_a_cycle_would_be_found() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert not find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()})


#: What expands the rules of schedules is a library's, where the standard library has none.
_OF_SCHEDULES = {"croniter", "dateutil"}


def test_the_domain_imports_the_standard_library_only(graph: grimp.ImportGraph) -> None:
    domain = {"antiphon_server.domain"} | graph.find_descendants("antiphon_server.domain")
    foreign = {
        (module, imported)
        for module in domain
        for imported in graph.find_modules_directly_imported_by(module)
        if imported not in domain and imported.partition(".")[0] not in sys.stdlib_module_names
    }
    assert {imported for module, imported in foreign if ".domain.schedules." in module} <= _OF_SCHEDULES
    assert {module for module, _ in foreign if ".domain.schedules." not in module} == set()
