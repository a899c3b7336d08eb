"""The import-linter contract type that pyproject.toml names `forbidden_where_present`."""

from grimp import ImportGraph
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain.contract import ContractCheck


class ForbiddenWherePresent(ForbiddenContract):
    """A forbidden contract that may name rooms of the plan which are not built yet."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Drop the modules of ours that do not exist, then check as usual."""
        roots = tuple(self.session_options["root_packages"])

        def is_absent(expression):
            name = expression.expression
            return name.split(".")[0] in roots and name not in graph.modules

        for field in ("source_modules", "forbidden_modules"):
            setattr(self, field, {e for e in getattr(self, field) if not is_absent(e)})
        return super().check(graph, verbose)
