"""What the weights of a run are hashed with: the modules that can change a weight, and no others."""

import pytest

from poselift.provenance.code_hash import closure
from poselift.training import core_modules

LIMIT = 2600
"""Lines for `full`, the architecture with the most code, without kernels."""

KERNEL_LIMIT = 1350
"""Lines of kernels, which say more in detail what torch says in a line: they count apart."""

SHARED = {
    "poselift": "package",
    "poselift.config": "package",
    "poselift.config.run": "what a run is told: all its settings",
    "poselift.config.architectures": "finds the architecture by its name",
    "poselift.config.sizes": "depth and width of a model",
    "poselift.config.card": "a field of `config.architectures`",
    "poselift.config.sections": "validates and completes settings",
    "poselift.data": "package",
    "poselift.data.batches": "which clips in which step, and mirrored or not",
    "poselift.data.frame_weights": "the error of an epoch, by which the best weights are chosen",
    "poselift.data.sequence": "a field of `data.store`",
    "poselift.data.store": "what the frames and clips are read from",
    "poselift.errors": "stops a run: no weights at all",
    "poselift.geometry": "mirror images and alignment",
    "poselift.models": "package",
    "poselift.models.architectures": "package",
    "poselift.models.attention": "of every architecture",
    "poselift.models.attention_graph_settings": "the settings of every architecture",
    "poselift.models.blocks": "of every architecture",
    "poselift.models.graph": "of every architecture",
    "poselift.models.precision": "what is computed in float32 whatever the precision",
    "poselift.models.registry": "builds the model from the settings",
    "poselift.skeleton": "the joints, their order and their edges",
    "poselift.training": "package; names the entries of this closure",
    "poselift.training.batch_norm": "the statistics of several processes",
    "poselift.training.arithmetic": "precision, determinism, seeds",
    "poselift.training.distributed": "what processes sum and average",
    "poselift.training.loop": "the steps",
    "poselift.training.losses": "the loss",
    "poselift.training.optimizer": "the optimiser",
    "poselift.training.schedule": "the learning rate",
    "poselift.training.state": "which weights are the best",
    "poselift.training.validation": "what is trained on, and the error of an epoch",
}
"""The modules of every run, each with the reason why it can change a weight."""

SHARED_KERNELS = {
    "poselift.models.kernel_choice": "whether kernels are used",
    "poselift.models.kernel_launch": "how the work of kernels is cut",
    "poselift.models.kernel_tiles": "what kernels read and write",
    "poselift.models.mlp_kernels": "the end of a residual block in half precision on a GPU",
    "poselift.models.mlp_triton": "calls these kernels",
    "poselift.models.graph_kernels": "the graph over similar frames in half precision on a GPU",
    "poselift.models.graph_triton": "calls these kernels",
    "poselift.training.half_kernels": "whether a run calls them",
}
SSD_KERNELS = {
    "poselift.models.ssd_backends": "whether the SSD layer runs kernels, and which",
    "poselift.models.ssd_kernels": "the SSD layer on a GPU",
    "poselift.models.ssd_triton": "calls these kernels",
}
KERNELS = SHARED_KERNELS | SSD_KERNELS
MAMBA = {
    **SSD_KERNELS,
    "poselift.models.mamba_gcn_settings": "the settings of the MambaGCN block",
    "poselift.models.mamba_gcn_block": "the MambaGCN block",
    "poselift.models.ssd": "the SSD layer",
    "poselift.models.dual_form": "its arithmetic and gradient",
}
OWN = {
    "baseline": {"poselift.models.architectures.baseline": "the architecture"},
    "mamba_gcn": {"poselift.models.architectures.mamba_gcn": "the architecture", **MAMBA},
    "full": {
        "poselift.models.architectures.full": "the architecture",
        "poselift.models.full_block": "its block",
        **MAMBA,
    },
}


@pytest.mark.parametrize("architecture", OWN)
def test_only_modules_that_can_change_a_weight(architecture):
    modules, _ = closure(*core_modules(architecture))
    lines = {name: len(path.read_text().splitlines()) for name, path in sorted(modules.items())}
    for name, count in lines.items():
        print(f"{count:5} {name}")
    kernels = sum(lines.get(name, 0) for name in KERNELS)
    print(f"{sum(lines.values()):5} lines in {len(lines)} modules, {kernels} of kernels")
    allowed = SHARED | SHARED_KERNELS | OWN[architecture]
    assert lines.keys() - allowed.keys() == set(), "can it change a weight? then it belongs to the list"
    assert allowed.keys() - lines.keys() == set(), "no longer used: strike it off the list"
    assert sum(lines.values()) - kernels <= LIMIT
    assert kernels <= KERNEL_LIMIT


CONTROLS = {"mixer": "full", "placement": "mamba_gcn", "positions": "baseline"}
"""The controls by their modules, and what they change; no run of that depends on them (see above)."""


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_adds_its_own_modules(control):
    package = "poselift.models.controls"
    modules, _ = closure(*core_modules("mine", f"{package}.{control}"))
    added = modules.keys() - SHARED.keys() - SHARED_KERNELS.keys() - OWN[CONTROLS[control]].keys()
    layers = {f"{package}.layers"} if control != "placement" else set()
    assert added == {package, f"{package}.{control}"} | layers
