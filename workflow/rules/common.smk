# The typed configuration, what the paper shows of it, and the functions that rules share.
from functools import cache
from pathlib import Path

from poselift.analysis import plan
from poselift.analysis.to_reproduce import published_numbers
from poselift.config import sections
from poselift.config.experiment import Config
from poselift.config.options import options
from poselift.data.sequence import SPLITS
from poselift.program import reported
from poselift.machine.launch import resources_of_run
from poselift.data import outside
from poselift.provenance.chain import frozen_code
from poselift.provenance.code_hash import code_manifest, manifest_hash, read_pins
from poselift.training import core_modules

# what a workflow that includes this one as a module has already
OF_OTHERS = {each.run_func for each in workflow.rules}

with reported():
    SETTINGS = sections.parse(Config, config, ", ".join(map(str, workflow.configfiles))).in_experiment()

RESULTS = f"results/{SETTINGS.dataset}"
STORE = f"{RESULTS}/data"
# by the folder below results/ of all that is made from a data set, the wildcard `dataset`; the main one is first
RUNS_IN = SETTINGS.runs_by_folder()
with reported():
    SHOWN_RUNS = plan.shown_runs(SETTINGS, RUNS_IN)
    FROZEN = {run: frozen_code(Path(RESULTS), run) for run in SETTINGS.frozen}
PAPER_RUNS = SHOWN_RUNS[SETTINGS.dataset]
GRID_RUNS = [run for run in SETTINGS.runs() if run in PAPER_RUNS]
MODELS = plan.models_of(SETTINGS)
VARIANT_MODELS = plan.variant_models_of(SETTINGS)
PINS = read_pins(Path("envs/constraints.txt"))
ENVIRONMENT = "../../envs/poselift.yaml"

# what tables, figures and pages are about, by data set, and which there are
VIEWS = plan.views_of(SETTINGS)
VIEW = VIEWS[""]
with reported():
    TABLES = plan.Catalogue("tables", VIEWS, plan.published_of(SETTINGS))
    FIGURES = plan.Catalogue("figures", VIEWS, plan.published_of(SETTINGS))

TEMPLATES = "src/poselift/templates"
PAGES = "src/poselift/report/templates"


wildcard_constraints:
    dataset="|".join(RUNS_IN),
    run="|".join(run for runs in RUNS_IN.values() for run in runs),
    model="|".join([r"[a-z0-9_]+-[a-z0-9]+", *VARIANT_MODELS]),
    n_frames=r"\d+",


def in_report(path, caption, category, **labels):
    """An output that `snakemake --report` shows, with a caption from workflow/report."""
    return report(path, caption=f"../report/{caption}.rst", category=category, labels=labels)


MANIFESTS = {}  # of code hashes; receipts take theirs along
CONTENT = {}  # files from outside by what they hold, by data set; receipts name them


@cache
def code(*modules):
    """Hash of the code that these modules use: a parameter, so that its change makes a rule's output stale."""
    manifest = code_manifest(*modules, pins=PINS)
    MANIFESTS[manifest_hash(manifest)] = manifest
    return manifest_hash(manifest)


def clips(n_frames, dataset=SETTINGS.dataset):
    """Clips of so many frames, with the frames they index, as named inputs."""
    store = f"results/{dataset}/data"
    folder = f"{store}/clips-{n_frames}"
    return {
        "clips": f"{folder}/manifest.json",
        "index": ancient([f"{folder}/{split}.npy" for split in SPLITS]),
        "frames": f"{store}/frames/manifest.json",
        "arrays": ancient([f"{store}/frames/{array}" for array in FRAMES]),
    }


def run_settings(wildcards):
    """The settings of a run."""
    return RUNS_IN[wildcards.dataset][wildcards.run]


def clips_of_run(wildcards):
    """The clips that a run is trained and tested on."""
    return clips(run_settings(wildcards).n_frames, wildcards.dataset)


def training_clips(wildcards):
    """As `clips_of_run`; no rebuilt input trains a frozen run again."""
    inputs = clips_of_run(wildcards)
    return {name: ancient(files) for name, files in inputs.items()} if frozen(wildcards) else inputs


def training_code(wildcards):
    """The code that decides a run's weights; of a frozen run, that which trained it."""
    run = run_settings(wildcards)
    return frozen(wildcards) or code(*core_modules(run.architecture, run.architecture_file))


def frozen(wildcards):
    """The code that trained a frozen run, of which there are some on the main data set; None for others."""
    return FROZEN.get(wildcards.run) if wildcards.dataset == SETTINGS.dataset else None


def run_options(wildcards):
    """The settings of a run as options of a command."""
    return options(run_settings(wildcards), without=("architecture_file",))


def lifter(wildcards):
    """Where a lifter of the user's own lies, as an option: a resource, as moving it makes nothing stale."""
    run = wildcards.get("run") or wildcards.get("model")
    return SETTINGS.file_option(run.split("-")[0] if run else TRIALS.base(wildcards).architecture)


def cost_options(wildcards):
    """What the cost of a model depends on, as options of a command."""
    return plan.cost_options(SETTINGS, wildcards.model)


def cost_code(wildcards):
    """The code that counts a model's cost, which builds that one model."""
    return code("poselift.models.cost", *SETTINGS.code_entries(wildcards.model.split("-")[0]))


def raw_content(wildcards):
    """What the files from outside hold."""
    return list(CONTENT[wildcards.dataset])


def data_code(stage):
    """As `code`, for a stage that reads the files of the data set of its wildcard."""

    def hashed(wildcards):
        return code(stage, *DATA.code_entries(wildcards.dataset, "read"))

    return hashed


def trial_clips(wildcards):
    """The clips of a trial."""
    return clips(TRIALS.base(wildcards).n_frames)


def trial_code(wildcards):
    """The code of a trial, which builds one model."""
    return code("poselift.search.trial", *SETTINGS.code_entries(TRIALS.base(wildcards).architecture))


def evaluation_code(wildcards):
    """The code of an evaluation: that of the model, and what the data set says of its metrics."""
    model = SETTINGS.code_entries(wildcards.run.split("-")[0])
    return code("poselift.evaluation.evaluate", *model, *DATA.code_entries(wildcards.dataset))


def code_of(catalogue):
    """As `code`, for a table or figure by its name."""
    return lambda wildcards: code(*catalogue.programs(wildcards))


def processes_of(settings_of):
    """Resources of a training: GPUs, nodes, and what starts its processes there."""
    return resources_of_run(settings_of, SETTINGS.cluster.gpus_per_node)


@reported()
def published_checked(wildcards):
    """The file of published results, which must have a number for each entry before these are trained."""
    published_numbers(SETTINGS.reproduction, SETTINGS.paper.published)
    return SETTINGS.paper.published or []
