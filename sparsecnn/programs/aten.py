"""From the graph of torch.export to a program."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import fx
from torch.export import ExportedProgram

from sparsecnn.programs.step import Program, Step
from sparsecnn.programs.translations import IDENTITIES, TRANSLATIONS, Arguments, Options, UntraceableError, is_whole

VALUES = ("weight", "bias", "running_mean", "running_var")


def as_program(exported: ExportedProgram) -> Program:
    """The steps of an exported network; UntraceableError, which names the operation, when it has no program."""
    signature = exported.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    return _Translation(names).program(exported.graph)


class _Translation:
    """What is known of a graph while its nodes are turned into steps, in order."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self.steps: list[Step] = []
        self.results: dict[fx.Node, int] = {}

    def program(self, graph: fx.Graph) -> Program:
        for node in graph.nodes:
            if node.op == "placeholder" and node.name not in self.names:
                if self.results:
                    raise UntraceableError("it takes more than one input")
                self.results[node] = 0
            elif node.op == "call_function":
                self._add(node)
            elif node.op == "output":
                self._end(node)
        return Program(tuple(self.steps))

    def _end(self, node: fx.Node) -> None:
        (outputs,) = node.args
        if not isinstance(outputs, Sequence) or len(outputs) != 1 or not isinstance(outputs[0], fx.Node):
            raise UntraceableError("it does not return one tensor")
        if not self.steps:
            raise UntraceableError("it computes nothing")
        if self.results.get(outputs[0]) != len(self.steps):
            raise UntraceableError("it does not return what it computes last")

    def _add(self, node: fx.Node) -> None:
        name, arguments = _called(node)
        if name not in TRANSLATIONS:
            if name == "sym_size" and not node.users:
                return
            raise UntraceableError(f"programs have no operation for {name}")
        first = next(value for value in arguments.values() if value is not None)
        if name in IDENTITIES or (name == "slice" and is_whole(arguments)):
            if first not in self.results:
                raise UntraceableError(f"{name} uses a value that belongs to no layer")
            self.results[node] = self.results[first]
            return
        operation, options = TRANSLATIONS[name](arguments)
        layer = self._layer(arguments, options, operation)
        tensors = first if isinstance(first, Sequence) else [arguments.get("self", first), arguments.get("other")]
        sources = [value for value in tensors if isinstance(value, fx.Node)]
        if not sources or any(source not in self.results for source in sources):
            raise UntraceableError(f"{name} uses a value that belongs to no layer")
        self.steps.append(Step(operation, tuple(self.results[source] for source in sources), layer, options))
        self.results[node] = len(self.steps)
        if name.endswith("_"):  # in place: whoever reads the input from now on reads the result
            self.results[first] = len(self.steps)

    def _layer(self, arguments: Arguments, options: Options, operation: str) -> str | None:
        """The module whose values the step uses; its tensors must have the names that torch gives them."""
        if operation not in ("conv", "linear", "batch_norm"):
            return None
        named = {key: self.names.get(str(arguments[key])) for key in VALUES if arguments.get(key) is not None}
        layers = {str(name).rpartition(".")[0] for key, name in named.items() if name == _expected(name, key)}
        if len(layers) != 1 or len(named) != sum(name == _expected(name, key) for key, name in named.items()):
            raise UntraceableError(f"a {operation} uses values that belong to no layer")
        if operation == "batch_norm":
            mean = arguments["running_mean"]
            if mean is None:
                raise UntraceableError("a batch normalisation keeps no running statistics")
            options["n"] = (int(mean.meta["val"].shape[0]),)
        if "bias" in named and operation != "batch_norm":
            options["b"] = ()
        return layers.pop() or None


def _expected(name: str | None, key: str) -> str:
    layer = str(name).rpartition(".")[0]
    return f"{layer}.{key}"


def _called(node: fx.Node) -> tuple[str, dict[str, Any]]:
    """The name of the operation without its overload, and all its arguments by name, defaults included."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        raise UntraceableError(f"programs have no operation for {node.target}")
    values = {argument.name: argument.default_value for argument in schema.arguments if argument.has_default_value()}
    values |= {argument.name: value for argument, value in zip(schema.arguments, node.args, strict=False)}
    values |= dict(node.kwargs)
    ordered = {argument.name: values.get(argument.name) for argument in schema.arguments}
    return schema.name.partition("::")[2], ordered
