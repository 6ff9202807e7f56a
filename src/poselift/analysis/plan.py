"""What the workflow tells tables, figures and pages: the runs and models shown, the view, and captions."""

import re
import shlex
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, cast

import jinja2

from poselift.analysis.needs import INPUTS, constants, modules
from poselift.analysis.view import PARTS, AblationEntry, DataNotice, Grid, View, to_options
from poselift.config.datasets import Source
from poselift.config.experiment import GROUND_TRUTH_2D, Config, Experiment
from poselift.config.sections import options
from poselift.errors import PoseliftError

COUNTED = ("architecture", "architecture_file", "size", "depth", "dim", "n_frames", "model")
"""What a model's cost depends on, of the settings of its runs."""

Views = Mapping[str, View]
"""By data set: the main one is called "", further ones by their names."""


def shown_runs(
    config: Config, runs: Mapping[str, Collection[str]], results: Path = Path("results")
) -> dict[str, list[str]]:
    """The runs that the paper shows, of all `runs` by the folder of their data set below `results`.

    The `experiments` are outside the paper; a draft shows the runs that are evaluated. Raises `PoseliftError`
    for a draft without any run of the grid.
    """
    outside = config.variant_runs(config.experiments)
    shown = {
        folder: [
            run
            for run in names
            if run not in outside
            and (not config.draft or (results / folder / "evaluation" / f"{run}.json").exists())
        ]
        for folder, names in runs.items()
    }
    if config.runs().keys().isdisjoint(shown[config.dataset]):
        raise PoseliftError("draft: no run of the grid is finished yet; build one, or leave out draft=true")
    return shown


def detailed_runs(config: Config, grid_runs: list[str]) -> list[str]:
    """The runs whose clips are shown, one per architecture: of the size shown in detail, its first seed.

    Those of them that are among `grid_runs`, as a draft may lack some; the last of these if it lacks all.
    """
    grid, size = config.experiment, config.paper.per_action_size
    wanted = [f"{architecture}-{size}-s{grid.seeds[0]}" for architecture in grid.architectures]
    return [run for run in wanted if run in grid_runs] or grid_runs[-1:]


def models_of(config: Config) -> list[str]:
    """The models of the grid, `<architecture>-<size>`."""
    grid = config.experiment
    return [f"{architecture}-{size}" for architecture in grid.architectures for size in grid.sizes]


def variant_models_of(config: Config) -> list[str]:
    """The models of the ablation that differ from the grid's, `<architecture>-<size>-<variant>`."""
    return [
        f"{entry.architecture}-{entry.size}-{entry.name}"
        for entry in config.ablation
        if entry.model or entry.n_frames
    ]


def cost_options(config: Config, model: str) -> str:
    """What the cost of a model depends on, named as by `models_of` and `variant_models_of`, as options."""
    architecture, size, *name = model.split("-")
    variant = next((entry for entry in config.ablation if [entry.name] == name), None)
    return options(config.run(architecture, size, seed=0, variant=variant), only=COUNTED)


def views_of(config: Config) -> Views:
    """The views of the main data set of a configuration and of the further ones."""
    views = {"": view_of(config)}
    for name, data in config.further_data.items():
        source = cast(Source, data)  # it is that as well
        notice = DataNotice(source.title, source.synthetic is not None)
        grid = _grid(data.grid(config.experiment))
        views[name] = views[""].model_copy(update={"notice": notice, "grid": grid})
    return views


def published_of(config: Config) -> dict[str, Path | None]:
    """The files of published results by data set, as `Views` name them."""
    return {"": config.paper.published} | {name: data.published for name, data in config.further_data.items()}


def view_of(config: Config) -> View:
    """The view of the main data set of a configuration."""
    grid, wanted = config.experiment, config.ground_truth_2d
    return View(
        notice=DataNotice(config.data.title, config.data.synthetic is not None),
        grid=_grid(grid),
        per_action_size=config.paper.per_action_size,
        decimals=config.paper.decimals,
        statistics=config.statistics,
        ablation=tuple(
            AblationEntry(
                name=entry.name,
                title=entry.title,
                architecture=entry.architecture,
                size=entry.size,
                seeds=tuple(entry.seeds or grid.seeds),
            )
            for entry in config.ablation
        ),
        ground_truth_2d=Grid(
            tuple(wanted.architectures or grid.architectures),
            tuple(wanted.sizes),
            tuple(wanted.seeds or grid.seeds),
            GROUND_TRUTH_2D,
        )
        if wanted
        else None,
        cards=config.cards(),
        stages=tuple(stage.name for stage in config.search.stages),
    )


def _grid(experiment: Experiment) -> Grid:
    return Grid(tuple(experiment.architectures), tuple(experiment.sizes), tuple(experiment.seeds))


def options_of(module: str, view: View | None) -> str:
    """The parts of the view that a module needs, as options of its program."""
    needs = constants(module)["NEEDS"]
    return to_options(view, [need for need in needs if need in PARTS]) if view else ""


def caption_of(template: str, view: View, published: bool) -> str:
    """The caption of a figure, from its template: a text of Jinja that may ask for the title of the `data`,
    the `size` shown in detail, the `confidence` of intervals, and whether there are `published` results."""
    filled = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(template)
    text = filled.render(
        data=view.notice.dataset_title,
        size=view.per_action_size,
        confidence=f"{100 * view.statistics.confidence:g}\N{NARROW NO-BREAK SPACE}%",
        published=published,
    )
    return re.sub(r"[ \n]+", " ", text).strip()


class Catalogue:
    """The tables or the figures that there are, and what the workflow has to know of each.

    One that is of a further data set (DATASET) is about that one's view and published results.
    """

    def __init__(
        self, package: str, views: Views | None = None, published: Mapping[str, Path | None] | None = None
    ) -> None:
        self.package, self.views, self.published = package, views or {}, published or {}
        self.modules = modules(package)

    def names(
        self, format: str = "", without: Collection[str] = (), named_in: Collection[str] | None = None
    ) -> list[str]:
        """The names of those that are made in this format and have no need in `without`; only of those whose
        .tex or .pdf is in `named_in`, the files that a text names (`tables/main.tex`), if it is given."""
        return [
            name
            for name, its in self.modules.items()
            if (not format or format in its.get("FORMATS", ("pdf", "svg", "png")))
            and not set(its["NEEDS"]) & set(without)
            and (named_in is None or {f"{self.package}/{name}.{end}" for end in ("tex", "pdf")} & {*named_in})
        ]

    def needing(self, need: str) -> list[str]:
        """The names of those that need an input or a part of the view."""
        return [name for name, its in self.modules.items() if need in its["NEEDS"]]

    def inputs(self, files: Mapping[str, Mapping[str, Any]]) -> Callable[[Any], dict[str, Any]]:
        """An input function: the files by need, named; those that a module does not need are empty."""

        def of(wildcards: Any) -> dict[str, Any]:
            needs, dataset = self.modules[wildcards.name]["NEEDS"], self._dataset(wildcards)
            named = {**files, "published": {"published": self.published.get(dataset) or []}}
            return {
                name: paths if need in needs and dataset in self.views else []
                for need, its in named.items()
                for name, paths in its.items()
            }

        return of

    def programs(self, wildcards: Any) -> list[str]:
        """The modules whose code makes one of them: the program, its own, and those that read its inputs."""
        needs = self.modules[wildcards.name]["NEEDS"]
        readers = [INPUTS[need].module for need in needs if need in INPUTS]
        names = (f"poselift.{self.package}.make", f"poselift.{self.package}.{wildcards.name}", *readers)
        return list(dict.fromkeys(names))

    def options(self, wildcards: Any) -> str:
        """A function of a rule's params: the parts of the view, as options."""
        view = self.views.get(self._dataset(wildcards))
        return options_of(f"poselift.{self.package}.{wildcards.name}", view)

    def caption(self, wildcards: Any) -> str:
        """A function of a rule's params: the caption, as an option."""
        template, dataset = self.modules[wildcards.name]["CAPTION"], self._dataset(wildcards)
        text = caption_of(template, self.views[dataset], bool(self.published.get(dataset)))
        return f"--caption {shlex.quote(text)}"

    def _dataset(self, wildcards: Any) -> str:
        return str(self.modules[wildcards.name].get("DATASET", ""))
