"""What a kernel in Triton compiles to, without a GPU."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

CUOBJDUMP = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
SHARED = {80: 163 * 1024, 90: 227 * 1024}
"""Bytes of shared memory that a program may have on an A100, on an H100 (CUDA C programming guide)."""


def assert_fits(
    kernel: Any, constants: dict[str, Any], types: Mapping[str, str], architecture: int, folder: Path
) -> None:
    """A kernel must fit into the shared memory of a GPU and spill no register.

    `types` are those of its arguments, where they are no pointers to float32.
    """
    constants = dict(constants)
    launch = {key: constants.pop(key) for key in ("num_warps", "num_stages") if key in constants}
    signature, aligned = {}, {}
    for i, argument in enumerate(kernel.arg_names):
        signature[argument] = "constexpr" if argument in constants else types.get(argument, "*fp32")
        if signature[argument].startswith("*"):  # as torch allocates
            aligned[(i,)] = [["tt.divisibility", 16]]
    source = ASTSource(kernel, signature, constants, aligned)
    compiled = triton.compile(source, target=GPUTarget("cuda", architecture, 32), options=launch)
    assert compiled.metadata.shared <= SHARED[architecture]
    (folder / "cubin").write_bytes(compiled.asm["cubin"])
    used = subprocess.check_output([CUOBJDUMP, "-res-usage", folder / "cubin"], text=True)
    (stack,) = re.findall(r"STACK:(\d+)", used)  # where registers are spilled to
    assert stack == "0", (kernel.__name__, constants, used)
