# The typed configuration, and the few functions that rules share.
import sys
from functools import cache
from pathlib import Path

from poselift.analysis import plan
from poselift.config import sections
from poselift.config.experiment import Config
from poselift.data.sequence import SPLITS
from poselift.datasets.human36m.raw import MISSING
from poselift.errors import PoseliftError
from poselift.provenance import kept_code, notes
from poselift.provenance.chain import file_hash, frozen_code
from poselift.provenance.code_hash import code_hash, read_pins

try:
    SETTINGS = sections.parse(Config, config, ", ".join(map(str, workflow.configfiles))).in_experiment()
except PoseliftError as error:
    sys.exit(f"error: {error}")

if SETTINGS.data.raw and not SETTINGS.data.raw.exists():
    sys.exit("error: " + MISSING.format(path=SETTINGS.data.raw))

notes.keep_with(Path("results"))
RESULTS = f"results/{SETTINGS.dataset}"
STORE = f"{RESULTS}/data"
RUNS = SETTINGS.all_runs()
PAPER_RUNS = [run for run in RUNS if run not in SETTINGS.variant_runs(SETTINGS.experiments)]
GRID_RUNS = list(SETTINGS.runs())
if SETTINGS.draft:
    done = {run for run in RUNS if Path(RESULTS, "evaluation", f"{run}.json").exists()}
    PAPER_RUNS = [run for run in PAPER_RUNS if run in done]
    GRID_RUNS = [run for run in GRID_RUNS if run in done]
    if not GRID_RUNS:
        sys.exit("error: draft: no run of the grid is finished yet; build one, or leave out draft=true")
try:
    FROZEN = {run: frozen_code(Path(RESULTS), run) for run in SETTINGS.frozen}
except PoseliftError as error:
    sys.exit(f"error: {error}")
PINS = read_pins(Path(workflow.basedir, "envs/constraints.txt"))
ENVIRONMENT = Path(workflow.basedir, "envs/poselift.yaml")

# what tables, figures and pages are about, and which there are
VIEW = plan.view_of(SETTINGS)
PUBLISHED = SETTINGS.paper.published
TABLES = plan.Catalogue("tables", VIEW)
FIGURES = plan.Catalogue("figures", VIEW, published=bool(PUBLISHED))
SECOND_TABLES = plan.Catalogue("tables", plan.second_view_of(SETTINGS))

TEMPLATES = "src/poselift/templates"
PAGES = "src/poselift/report/templates"

# what a model costs depends on these of a run's settings alone
COUNTED = ("architecture", "size", "depth", "dim", "n_frames", "model")
CHANGED_MODELS = {
    f"{entry.architecture}-{entry.size}-{entry.name}": SETTINGS.run(entry.architecture, entry.size, 0, entry)
    for entry in SETTINGS.ablation
    if entry.model or entry.n_frames
}


wildcard_constraints:
    run="|".join(RUNS),
    model=r"[a-z_]+-[a-z0-9]+",
    n_frames=r"\d+",


@cache
def code(*modules):
    """Hash of the code that these modules use: a parameter, so that its change makes a rule's output stale."""
    if workflow.dryrun:
        return code_hash(*modules, pins=PINS)
    return kept_code.keep_code(Path(RESULTS, kept_code.FOLDER), *modules, pins=PINS)


def content(path, results):
    """What a file from outside holds: a parameter of the rule that reads it, which `why` names."""
    return f"{Path(path).name}@sha256:{file_hash(Path(), path, Path(results))}"


def clips(n_frames):
    """Clips of so many frames, with the frames they index, as named inputs."""
    folder = f"{STORE}/clips-{n_frames}"
    return {
        "clips": f"{folder}/manifest.json",
        "index": ancient([f"{folder}/{split}.npy" for split in SPLITS]),
        "frames": f"{STORE}/frames/manifest.json",
        "arrays": ancient(FRAMES),
    }


def clips_of_run(wildcards):
    """The clips that a run is trained and tested on."""
    return clips(RUNS[wildcards.run].n_frames)


def training_clips(wildcards):
    """As `clips_of_run`; nothing that is made anew trains a frozen run again."""
    inputs = clips_of_run(wildcards)
    return {name: ancient(files) for name, files in inputs.items()} if wildcards.run in FROZEN else inputs


def training_code(wildcards):
    """The code that trains a run; of a frozen one, that which did."""
    return FROZEN.get(wildcards.run) or code_with_model("poselift.training.train")(wildcards)


def run_options(wildcards):
    """The settings of a run as options of a command."""
    return sections.options(RUNS[wildcards.run])


def counted_options(wildcards):
    """The settings of a model that its cost depends on, as options of a command."""
    architecture, size = wildcards.model.split("-")
    return sections.options(SETTINGS.run(architecture, size, seed=0), only=COUNTED)


def code_with_model(stage):
    """As `code`, for a stage that builds the model of its wildcard `run` or `model`: it depends on that one."""

    def hashed(wildcards):
        architecture = (wildcards.get("run") or wildcards.get("model")).split("-")[0]
        return code(stage, f"poselift.models.{architecture}")

    return hashed


def code_of(catalogue):
    """As `code`, for a table or figure by its name."""
    return lambda wildcards: code(*catalogue.programs(wildcards))


def processes_of(runs):
    """Resources of a training: a GPU for each of its processes; on one node, or on as many as they fill by
    `cluster.gpus_per_node`, where srun starts them. None asks for nothing."""

    def processes(wildcards):
        return runs[wildcards.run].training.processes

    def nodes(wildcards):
        per_node = SETTINGS.cluster.gpus_per_node or processes(wildcards)
        return -(-processes(wildcards) // per_node)

    def where_spread(value):
        return lambda wildcards: value(wildcards) if nodes(wildcards) > 1 else None

    def per_node(wildcards):
        return processes(wildcards) // nodes(wildcards)

    def launcher(wildcards):
        if nodes(wildcards) == 1:
            return ""  # one process, or the first starts the others
        return (
            "MASTER_ADDR=$(hostname) MASTER_PORT=$((10000 + SLURM_JOB_ID % 20000))"
            f" srun --nodes={nodes(wildcards)} --ntasks-per-node={per_node(wildcards)} --cpu-bind=none"
        )

    return {
        "nodes": nodes,
        "gpu": lambda wildcards: processes(wildcards) if nodes(wildcards) == 1 else None,
        "gres": where_spread(lambda wildcards: f"gpu:{per_node(wildcards)}"),
        "tasks_per_node": where_spread(per_node),
        "mpi": where_spread(lambda wildcards: "srun"),
        "launcher": launcher,
    }
