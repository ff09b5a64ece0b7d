"""Native code from LLVM text, in the process: the one module that touches `llvmlite.binding`.

Layer L6. It knows nothing of graphs: text goes in, addresses of functions come out.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from glassgrad.errors import GraphError
from glassgrad.text import say

_lock = threading.RLock()


class Code:
    """Machine code in memory, kept as long as this object lives."""

    def __init__(self, engine: Any, addresses: dict[str, int], image: bytes) -> None:
        self._engine = engine
        self._addresses = addresses
        self.image = image

    def address(self, name: str) -> int:
        """Where the function `name` starts."""
        return self._addresses[name]


def compile_text(text: str, names: Sequence[str]) -> Code:
    """The code of a module in LLVM's text form, with the addresses of `names`.

    Raises:    GraphError for a text that LLVM refuses
    """
    import llvmlite.binding as llvm  # noqa: PLC0415

    with _lock:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        try:
            module = llvm.parse_assembly(text)
            module.verify()
        except RuntimeError as error:
            raise GraphError(say("LLVM refuses a text: {reason}", reason=error)) from error
        target = llvm.Target.from_default_triple()
        machine = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=2,
            reloc="pic",
            codemodel="small",
        )
        tuning = llvm.create_pipeline_tuning_options(speed_level=2)
        tuning.loop_vectorization = tuning.slp_vectorization = False
        builder = llvm.create_pass_builder(machine, tuning)
        builder.getModulePassManager().run(module, builder)
        image = machine.emit_object(module)
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        engine.add_object_file(llvm.ObjectFileRef.from_data(image))
        engine.finalize_object()
        return Code(engine, {name: engine.get_function_address(name) for name in names}, image)
