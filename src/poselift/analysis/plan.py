"""What the workflow tells tables, figures and pages: the runs and models shown, the view, and captions."""

import re
import shlex
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import jinja2

from poselift.analysis.needs import INPUTS, constants, modules
from poselift.analysis.view import PARTS, AblationEntry, DataNotice, Further, Grid, View, to_options
from poselift.config.datasets import known
from poselift.config.experiment import GROUND_TRUTH_2D, AblationVariant, Config, Experiment
from poselift.config.options import options
from poselift.config.run import TrainingSettings
from poselift.errors import PoseliftError
from poselift.provenance.code_hash import code_manifest

COUNTED = ("architecture", "size", "depth", "dim", "n_frames", "model")
"""What a model's cost depends on, of the settings of its runs."""

Views = Mapping[str, View]
"""By data set: the main one is called "", further ones by their names."""


def files_outside(config: Config) -> tuple[str, ...]:
    """What is not of the paper below `results/<dataset>`, folders with a slash at the end: the verdict on the
    reproduction, and a search that is not `with_paper`."""
    return ("reproduction.json", *(() if config.search.with_paper else ("search/",)))


def shown_runs(
    config: Config, runs: Mapping[str, Collection[str]], results: Path = Path("results")
) -> dict[str, list[str]]:
    """The runs that the paper shows, of all `runs` by the folder of their data set below `results`: all but
    the `experiments` and the reproduction of published numbers.

    A draft shows the runs that are evaluated. Raises `PoseliftError` for a draft without any run of the grid.
    """
    others = config.variant_runs([*config.experiments, *config.reproduction])

    def is_shown(folder: str, run: str) -> bool:
        evaluation = results / folder / "evaluation" / f"{run}.json"
        return run not in others and (not config.draft or evaluation.exists())

    shown = {folder: [run for run in names if is_shown(folder, run)] for folder, names in runs.items()}
    if config.runs().keys().isdisjoint(shown[config.dataset]):
        raise PoseliftError("draft: no run of the grid is finished yet; build one, or leave out draft=true")
    return shown


def in_paper(path: str, config: Config, shown: Mapping[str, Collection[str]]) -> bool:
    """Whether a file below `results` is part of the paper, or made on the way to it, and neither of
    `files_outside` nor of a run that is not `shown`."""
    of_run = re.search(r"results/(.+)/(?:runs|evaluation)/(\w+-[\w-]+-s\d+)", path)
    if of_run:
        return of_run[2] in shown.get(of_run[1], ())
    return not path.removeprefix(f"results/{config.dataset}/").startswith(files_outside(config))


def detailed_runs(config: Config, grid_runs: list[str]) -> list[str]:
    """The runs whose clips are shown, one per architecture: of the size shown in detail, its first seed.

    Those of them that are among `grid_runs`, as a draft may lack some; the last of these if it lacks all.
    """
    grid, size = config.experiment, config.paper.per_action_size
    wanted = [f"{architecture}-{size}-s{grid.seeds[0]}" for architecture in grid.architectures]
    return [run for run in wanted if run in grid_runs] or grid_runs[-1:]


def played_runs(config: Config, grid_runs: list[str]) -> list[str]:
    """The runs whose clips can be played, one per model: the first seed among `grid_runs`.

    Of models that see clips of unlike length only those that see as many frames as the first.
    """
    runs = config.runs()
    of_model = {run.rpartition("-s")[0]: run for run in reversed(grid_runs)}
    played = sorted(of_model.values(), key=grid_runs.index)
    return [run for run in played if runs[run].n_frames == runs[played[0]].n_frames]


def lifter_options(config: Config) -> str:
    """Where lifters of the user's own lie, as the option `--lifters` of a job that builds all models."""
    files = [shlex.quote(f"{name}={file}") for name, file in config.architectures.items()]
    return " ".join(["--lifters", *files]) if files else ""


def models_of(config: Config) -> list[str]:
    """The models of the grid, `<architecture>-<size>`."""
    grid = config.experiment
    return [f"{architecture}-{size}" for architecture in grid.architectures for size in grid.sizes]


def variant_models_of(config: Config) -> list[str]:
    """The models of the ablation that differ from the grid's, `<architecture>-<size>-<variant>`."""
    changed = [entry for entry in config.ablation if entry.model or entry.n_frames or entry.against]
    return [f"{entry.architecture}-{entry.size}-{entry.name}" for entry in changed]


def cost_options(config: Config, model: str) -> str:
    """What the cost of a model depends on, named as by `models_of` and `variant_models_of`, as options."""
    architecture, size, *name = model.split("-")
    variant = next((entry for entry in config.ablation if [entry.name] == name), None)
    return options(config.run(architecture, size, seed=0, variant=variant), only=COUNTED)


def views_of(config: Config) -> Views:
    """The views of the main data set of a configuration and of the further ones."""
    main = view_of(config)
    return {"": main} | {
        name: main.model_copy(update={"notice": its.notice, "grid": its.grid})
        for name, its in main.further.items()
    }


def hidden_of(config: Config) -> list[str]:
    """The needs of tables and figures that neither pages nor text show: they are not asked for."""
    shown = {"trials": config.search.with_paper, "streaming": config.paper.streaming}
    return [need for need, wanted in shown.items() if not wanted]


def published_of(config: Config) -> dict[str, Path | None]:
    """The files of published results by data set, as `Views` name them."""
    return {"": config.paper.published} | {name: data.published for name, data in config.further_data.items()}


def view_of(config: Config) -> View:
    """The view of the main data set of a configuration."""
    usual, wanted = config.experiment, config.ground_truth_2d

    def grid(of: Experiment, variant: str = "") -> Grid:
        more = {size: tuple(seeds) for size, seeds in of.more_seeds.items() if size in of.sizes}
        return Grid(tuple(of.architectures), tuple(of.sizes), tuple(of.seeds), variant, more)

    def notice(data: Any) -> DataNotice:
        return DataNotice(data.title, data.synthetic is not None)

    def recipes(further: str) -> tuple[TrainingSettings, ...]:
        distinct = {run.training.model_dump_json(): run.training for run in config.runs(further).values()}
        return tuple(distinct.values())

    def entry(of: AblationVariant) -> AblationEntry:
        described = of.model_dump(include={"name", "title", "architecture", "size", "against"})
        return AblationEntry(**described, seeds=tuple(of.seeds or usual.seeds))

    return View(
        notice=notice(config.data),
        grid=grid(usual),
        per_action_size=config.paper.per_action_size,
        decimals=config.paper.decimals,
        statistics=config.statistics,
        ablation=tuple(map(entry, config.ablation)),
        ground_truth_2d=grid(wanted.grid(usual), GROUND_TRUTH_2D) if wanted else None,
        further={
            name: Further(notice=notice(data), grid=grid(data.grid(usual)), recipes=recipes(name))
            for name, data in config.further_data.items()
        },
        cards=config.cards(),
        stages=tuple(stage.name for stage in config.search.by_architecture()),
        tuned=config.search.tuned,
        streaming=config.paper.streaming,
    )


def software_of(pins: Mapping[str, str]) -> list[str]:
    """The pinned packages of the programs behind the results, `<name>==<version>`, of all `pins`."""
    used = code_manifest(*constants("poselift.report.setup")["STAGES"], pins=pins)["pins"]
    return [f"{name}=={version}" for name, version in sorted(used.items())]


def options_of(module: str, view: View | None) -> str:
    """The parts of the view that a module needs, as options of its program."""
    needs = constants(module)["NEEDS"]
    return to_options(view, [need for need in needs if need in PARTS]) if view else ""


def caption_of(template: str, view: View, published: bool) -> str:
    """The caption of a figure, from its template: a text of Jinja that may ask for the title of the `data`,
    the `size` shown in detail, and whether there are `published` results."""
    filled = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(template)
    text = filled.render(
        data=view.notice.dataset_title,
        size=view.per_action_size,
        published=published,
    )
    return re.sub(r"[ \n]+", " ", text).strip()


class Catalogue:
    """The tables or the figures that there are, and what the workflow has to know of each.

    A module of further data sets (FURTHER) makes one for each, of its name, from its view and its published
    results; for those that the configuration leaves out it makes an empty one, where the text asks for it.
    """

    def __init__(
        self, package: str, views: Views | None = None, published: Mapping[str, Path | None] | None = None
    ) -> None:
        self.package, self.views, self.published = package, views or {}, published or {}
        for name in modules(package).keys() & self.views.keys():
            raise PoseliftError(f"further_data.{name}: a file of {package} has this name; choose another")
        further = [name for name in dict.fromkeys([*self.views, *known()]) if name]
        self.about = {
            dataset or module: (module, its, dataset)
            for module, its in modules(package).items()
            for dataset in (further if "FURTHER" in its else [""])
        }
        """By name: the module, its constants, the further data set."""

    def names(
        self, format: str = "", without: Collection[str] = (), named_in: Collection[str] | None = None
    ) -> list[str]:
        """The names of those that are made in this format and have no need in `without`.

        Those of the configuration; or, if `named_in` is given, those whose .tex or .pdf is among these files
        that a text names (`tables/main.tex`), be they of a data set that is not there: they say so."""
        texts = {f"{self.package}/{name}.{ending}": name for name in self.about for ending in ("tex", "pdf")}
        named = None if named_in is None else {texts.get(file) for file in named_in}
        return [
            name
            for name, (_, its, dataset) in self.about.items()
            if (not format or format in its.get("FORMATS", ("pdf", "svg", "png")))
            and not set(its["NEEDS"]) & set(without)
            and (dataset in ("", *self.views) if named is None else name in named)
        ]

    def inputs(self, files: Mapping[str, Mapping[str, Any]]) -> Callable[[Any], dict[str, Any]]:
        """An input function: the files by need, named; those that a module does not need are empty."""

        def of(wildcards: Any) -> dict[str, Any]:
            _, its, dataset = self.about[wildcards.name]
            named = {**files, "published": {"published": self.published.get(dataset) or []}}
            return {
                name: paths if need in its["NEEDS"] and dataset in self.views else []
                for need, by_name in named.items()
                for name, paths in by_name.items()
            }

        return of

    def programs(self, wildcards: Any) -> list[str]:
        """The modules whose code makes one of them: the program, its own, and those that read its inputs."""
        module, its, _ = self.about[wildcards.name]
        own = [f"poselift.{self.package}.{name}" for name in ("make", module)]
        return list(dict.fromkeys(own + [INPUTS[need].module for need in its["NEEDS"] if need in INPUTS]))

    def options(self, wildcards: Any) -> str:
        """A function of a rule's params: the module, the data set and the parts of the view, as options."""
        module, _, dataset = self.about[wildcards.name]
        view = options_of(f"poselift.{self.package}.{module}", self.views.get(dataset))
        return " ".join(filter(None, (module, dataset and f"--dataset {dataset}", view)))

    def caption(self, wildcards: Any) -> str:
        """A function of a rule's params: the caption, as an option."""
        _, its, dataset = self.about[wildcards.name]
        text = caption_of(its["CAPTION"], self.views[dataset], bool(self.published.get(dataset)))
        return f"--caption {shlex.quote(text)}"
