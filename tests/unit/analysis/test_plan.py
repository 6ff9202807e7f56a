"""What the workflow finds of tables and figures, and what it tells them."""

import importlib
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from poselift.analysis import needs
from poselift.analysis.needs import INPUTS, modules
from poselift.analysis.plan import (
    Catalogue,
    caption_of,
    cost_options,
    detailed_runs,
    hidden_of,
    in_paper,
    lifter_options,
    models_of,
    options_of,
    played_runs,
    published_of,
    shown_runs,
    variant_models_of,
    view_of,
    views_of,
)
from poselift.analysis.view import PARTS, DataNotice, Grid
from poselift.config.datasets import dataset
from poselift.config.experiment import Config, Statistics
from poselift.config.sections import parse
from poselift.errors import PoseliftError
from poselift.latex import escape
from poselift.provenance.code_hash import closure
from shown import view

ROOT = Path(__file__).parents[3]
ALL = [(package, name) for package in ("tables", "figures") for name in modules(package)]
NAMED = [(package, name) for package in ("tables", "figures") for name in Catalogue(package).about]


def config(**changes) -> Config:
    told = yaml.safe_load((ROOT / "config.yaml").read_text()) | changes
    return parse(Config, told, "test").in_experiment()


def test_the_search_and_the_look_ahead_are_shown_where_the_configuration_says_so():
    assert hidden_of(config()) == ["trials", "streaming"]
    paper = yaml.safe_load((ROOT / "config.yaml").read_text())["paper"] | {"streaming": True}
    shown = config(paper=paper)
    assert hidden_of(shown) == ["trials"]
    assert view_of(shown).streaming
    figures = Catalogue("figures", {"": view_of(shown)})
    assert "streaming" in figures.names("svg", without=hidden_of(shown))
    assert "streaming" not in figures.names("svg", without=hidden_of(config()))


def search_stage(name: str) -> dict:
    """A stage of the search with two trials."""
    return {"name": name, "architecture": "full", "size": "base", "epochs": 2, "grid": {"lr": [1e-3, 2e-3]}}


def test_published_results_are_those_of_their_data_set():
    further = {"mpi_inf_3dhp": {"train": "a.npz", "test": "b.npz", "published": "others.yaml"}}
    told = config(further_data=further)
    assert published_of(told) == {"": told.paper.published, "mpi_inf_3dhp": Path("others.yaml")}
    assert told.paper.published not in (None, Path("others.yaml"))


def test_the_view_is_what_the_configuration_says():
    told = config(
        experiment={
            "architectures": ["full", "baseline"],
            "sizes": ["small", "base", "large"],
            "seeds": [3, 4],
            "more_seeds": {"base": [5], "large": [6]},
        },
        data={"title": "Mine", "raw": "raw.pkl"},
        ablation=[
            {"name": "short", "title": "fewer", "architecture": "full", "size": "base", "n_frames": 9},
            {"name": "long", "architecture": "baseline", "size": "large", "seeds": [6], "n_frames": 81},
            {"name": "tall", "architecture": "baseline", "size": "deep", "against": ["full", "base"]},
            {"name": "gone", "architecture": "full", "size": "base", "against": ["mamba_gcn", "base"]},
        ],
        ground_truth_2d={"architectures": ["baseline"], "sizes": ["large"], "seeds": [7]},
        paper={"title": "T", "authors": ["A"], "per_action_size": "base", "decimals": 3},
        statistics={"confidence": 0.9, "resamples": 321, "seed": 5},
        search={"stages": [search_stage("coarse"), search_stage("all")]},
    )
    found = view_of(told)
    assert found.notice == DataNotice("Mine", synthetic=False)
    more = {"base": (5,), "large": (6,)}  # of the main grid alone
    assert found.grid == Grid(("full", "baseline"), ("small", "base", "large"), (3, 4), "", more)
    assert found.detail == Grid(("full", "baseline"), ("base",), (3, 4, 5))
    assert found.ground_truth_2d == Grid(("baseline",), ("large",), (7,), "gt2d")
    assert [tuple(dict(entry).values()) for entry in found.ablation] == [
        ("short", "fewer", "full", "base", (3, 4), None),
        ("long", "", "baseline", "large", (6,), None),
        ("tall", "", "baseline", "deep", (3, 4), ("full", "base")),
    ]  # and not what would be compared with a model that the experiment does not have
    assert [entry.base for entry in found.ablation] == [
        ("full", "base"),
        ("baseline", "large"),
        ("full", "base"),
    ]
    assert variant_models_of(told) == ["full-base-short", "baseline-large-long", "baseline-deep-tall"]
    assert (found.decimals, found.per_action_size) == (3, "base")
    assert found.statistics == Statistics(confidence=0.9, resamples=321, seed=5)
    assert found.stages == ("coarse", "all")
    assert found.label("full") == "Full"
    assert list(views_of(told)) == [""]


def test_a_further_data_set_has_a_view_of_its_own():
    told = config(further_data={"mpi_inf_3dhp": {"synthetic": {}, "sizes": ["small"], "seeds": [5]}})
    found = views_of(told)["mpi_inf_3dhp"]
    assert found.notice == DataNotice("synthetic motion in the form of MPI-INF-3DHP", synthetic=True)
    assert (found.grid.sizes, found.grid.seeds) == (("small",), (5,))
    assert found.grid.architectures == tuple(told.experiment.architectures)
    (recipe,) = view_of(told).further["mpi_inf_3dhp"].recipes  # the same for all models
    assert recipe == dataset("mpi_inf_3dhp").recipe


@pytest.mark.parametrize(("package", "name"), ALL)
def test_a_module_needs_what_there_is_and_has_what_its_program_calls(package, name):
    constants = modules(package)[name]
    assert set(constants["NEEDS"]) <= {*INPUTS, *PARTS}
    assert constants.get("ONLY_WITH", constants["NEEDS"][:1]) or not constants["NEEDS"]
    module = importlib.import_module(f"poselift.{package}.{name}")
    assert callable(module.table if package == "tables" else module.draw)
    if package == "figures":
        caption = caption_of(constants["CAPTION"], view(), published=True)
        assert "'" not in caption  # Snakemake's report finds it between the quotes of the shell
        assert "[U+" not in escape(caption)
        assert len(caption) > 40


@pytest.mark.parametrize(("package", "name"), NAMED)
def test_the_code_of_a_module_includes_that_which_reads_its_inputs(package, name):
    used, _ = closure(*Catalogue(package).programs(SimpleNamespace(name=name)))
    module, its, _ = Catalogue(package).about[name]
    assert {f"poselift.{package}.make", f"poselift.{package}.{module}"} <= set(used)
    readers = {INPUTS[need].module for need in its["NEEDS"] if need in INPUTS}
    assert readers <= set(used)


def test_nothing_is_imported_to_find_modules(tmp_path, monkeypatch):
    monkeypatch.setattr(needs, "__file__", str(tmp_path / "analysis" / "needs.py"))
    package = tmp_path / "tables"
    package.mkdir()
    (package / "mine.py").write_text('NEEDS = ("results",)\nOTHER = f(1)\nraise SystemExit\n')
    (package / "helper.py").write_text("X = 1\n")
    assert modules("tables") == {"mine": {"NEEDS": ("results",)}}


def test_inputs_are_the_files_that_a_module_needs():
    files = {
        "results": {"results": "r.csv", "digest": "r.sha256"},
        "costs": {"costs": ["a.csv", "b.csv"]},
    }
    inputs = Catalogue("tables", {"": view()}).inputs(files)
    none = {"published": []}
    assert inputs(SimpleNamespace(name="cost")) == none | {
        "results": [], "digest": [], "costs": ["a.csv", "b.csv"],
    }  # fmt: skip
    assert inputs(SimpleNamespace(name="main")) == none | files["results"] | {"costs": []}


def test_a_table_of_a_further_data_set_has_its_view_and_published_results():
    files = {"results": {"results": "r.csv"}}
    wanted = SimpleNamespace(name="mpi_inf_3dhp")
    main, further = view(), view(notice=DataNotice("other motion", synthetic=False))
    published = {"": Path("main.yaml"), "mpi_inf_3dhp": Path("further.yaml")}
    alone = Catalogue("tables", {"": main}, published)
    assert alone.options(wanted) == "further --dataset mpi_inf_3dhp"
    assert "mpi_inf_3dhp" not in alone.names()
    assert alone.inputs(files)(wanted) == {"results": [], "published": []}
    both = Catalogue("tables", {"": main, "mpi_inf_3dhp": further}, published)
    assert both.options(wanted).startswith("further --dataset mpi_inf_3dhp --dataset-title 'other motion'")
    assert "mpi_inf_3dhp" in both.names()
    assert both.inputs(files)(wanted) == {"results": "r.csv", "published": Path("further.yaml")}


def test_names_by_format_and_need():
    figures, tables = Catalogue("figures"), Catalogue("tables")
    assert "animation" in figures.names("gif")
    assert "animation" not in figures.names("pdf")
    assert set(figures.names("pdf")) | set(figures.names("gif")) == set(figures.names())
    assert "trials" in tables.names()
    assert "trials" not in tables.names(without=["trials"])
    named = ["tables/main.tex", "figures/pareto.tex", "figures/place.pdf", "tables/unknown.tex"]
    assert tables.names(named_in=named) == ["main"]
    assert figures.names("pdf", named_in=named) == ["pareto", "place"]
    assert figures.names(named_in=[]) == []


def test_decimals_are_told_to_tables_with_numbers_and_to_no_figure():
    assert "--decimals" in options_of("poselift.tables.main", view())
    assert "--decimals" not in options_of("poselift.tables.cost", view())
    for name in modules("figures"):
        assert "--decimals" not in options_of(f"poselift.figures.{name}", view())


def test_a_caption_depends_on_settings():
    notice = DataNotice("My Motion", synthetic=False)
    caption = modules("figures")["pareto"]["CAPTION"]
    assert "in grey" in caption_of(caption, view(notice=notice), published=True)
    assert "in grey" not in caption_of(caption, view(notice=notice), published=False)
    assert "on My Motion. MACs" in caption_of(caption, view(notice=notice), published=False)
    caption = modules("figures")["joints"]["CAPTION"]  # the view's first size is another
    assert "size base" in caption_of(caption, view(notice=notice), published=False)


def test_every_float_that_the_text_names_is_there():
    sources = "".join(path.read_text() for path in (ROOT / "paper").rglob("*.tex"))
    named = set(re.findall(r"generated/((?:tables|figures)/\w+)", sources))
    assert named <= {f"{package}/{name}" for package, name in NAMED}
    assert len(named) > 10


def evaluated(results: Path, *runs: str) -> None:
    for run in runs:
        path = results / f"{run}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")


def test_the_paper_shows_all_runs_but_the_experiments_and_the_reproduction(tmp_path):
    entry = {"architecture": "full", "size": "base"}
    told = config(
        experiments=[entry | {"name": "try", "seeds": [0]}],
        reproduction=[entry | {"name": "again", "seeds": [6], "n_frames": 27, "published": "Theirs"}],
    )
    runs = told.runs_by_folder()
    shown = shown_runs(told, runs, tmp_path)
    assert set(runs["h36m"]) - set(shown["h36m"]) == {"full-base-try-s0", "full-base-again-s6"}
    assert set(told.runs()) < set(shown["h36m"])


def test_a_draft_shows_the_runs_that_are_evaluated(tmp_path):
    further = {"mpi_inf_3dhp": {"synthetic": {}, "sizes": ["small"], "seeds": [5]}}
    told = config(draft=True, further_data=further)
    runs = told.runs_by_folder()
    done, variant = list(told.runs())[2], told.ablation[0]
    ablated = f"{variant.architecture}-{variant.size}-{variant.name}-s0"
    evaluated(tmp_path / "h36m/evaluation", done, ablated, "unknown-base-s0")
    evaluated(tmp_path / "h36m/mpi_inf_3dhp/evaluation", "full-small-s5")
    expected = {"h36m": [done, ablated], "h36m/mpi_inf_3dhp": ["full-small-s5"]}
    assert shown_runs(told, runs, tmp_path) == expected


def test_a_draft_of_nothing_is_refused(tmp_path):
    told = config(draft=True)
    variant = told.ablation[0]
    evaluated(tmp_path / "h36m/evaluation", f"{variant.architecture}-{variant.size}-{variant.name}-s0")
    with pytest.raises(PoseliftError, match="draft: no run of the grid is finished yet; build one"):
        shown_runs(told, told.runs_by_folder(), tmp_path)


def test_clips_are_shown_of_one_run_per_architecture_or_of_what_a_draft_has():
    told = config(
        experiment={"architectures": ["baseline", "full"], "sizes": ["small", "base"], "seeds": [4, 3]}
    )
    assert detailed_runs(told, list(told.runs())) == ["baseline-base-s4", "full-base-s4"]
    assert detailed_runs(told, ["baseline-small-s4", "full-base-s4"]) == ["full-base-s4"]
    assert detailed_runs(told, ["baseline-small-s4", "full-small-s5"]) == ["full-small-s5"]


def test_every_model_is_played_with_its_first_seed_on_clips_of_one_length():
    experiment = {"architectures": ["baseline", "full"], "sizes": ["small", "base"], "seeds": [4, 3]}
    told = config(experiment=experiment)
    played = [f"{name}-{size}-s4" for name in ("baseline", "full") for size in ("small", "base")]
    assert played_runs(told, list(told.runs())) == played
    # a draft has what it has
    assert played_runs(told, ["full-small-s3", "full-base-s4"]) == ["full-small-s3", "full-base-s4"]
    short = config(experiment=experiment, overrides=[{"sizes": ["base"], "n_frames": 27}])
    assert played_runs(short, list(short.runs())) == ["baseline-small-s4", "full-small-s4"]


def test_lifters_are_named_with_their_files(tmp_path):
    assert lifter_options(config(architectures={}, ablation=[])) == ""
    (tmp_path / "my lifter.py").write_text("def build(size, n_frames, settings): ...\n")
    told = config(architectures={"mine": str(tmp_path / "my lifter.py")}, ablation=[])
    assert shlex.split(lifter_options(told)) == ["--lifters", f"mine={tmp_path / 'my lifter.py'}"]


def test_costs_are_those_of_the_grid_and_of_models_that_the_ablation_changes():
    ablation = [
        {"name": "loss", "architecture": "full", "size": "base", "training": {"velocity_weight": 0}},
        {"name": "wide", "architecture": "full", "size": "base", "model": {"mamba_gcn_dim": 512}},
        {"name": "short", "architecture": "baseline", "size": "base", "n_frames": 9},
    ]
    told = config(
        experiment={"architectures": ["baseline", "full"], "sizes": ["base"], "seeds": [0]},
        ablation=[entry | {"title": entry["name"]} for entry in ablation],
    )
    assert models_of(told) == ["baseline-base", "full-base"]
    sizes = config(
        experiment={"architectures": ["full", "baseline"], "sizes": ["small", "base"], "seeds": [0]}
    )
    assert models_of(sizes) == ["full-small", "full-base", "baseline-small", "baseline-base"]
    assert variant_models_of(told) == ["full-base-wide", "baseline-base-short"]
    grid, wide, short = (cost_options(told, name) for name in ("full-base", *variant_models_of(told)))
    assert wide == grid.replace("--mamba-gcn-dim 256", "--mamba-gcn-dim 512") != grid
    assert "--architecture baseline --size base " in short
    assert "--n-frames 9" in short
    assert "--n-frames 243" in grid
    assert "--seed" not in grid
    assert "--epochs" not in grid


@pytest.mark.parametrize(("package", "name"), [("tables", "main"), ("figures", "pareto")])
def test_a_data_set_does_not_take_the_place_of_a_table(package, name):
    with pytest.raises(PoseliftError, match=f"further_data.{name}: a file of {package} has this name"):
        Catalogue(package, {"": view(), name: view()})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tables/main.tex", True),
        ("data/frames/manifest.json", True),
        ("runs/full-base-s0/history.json", True),
        ("evaluation/full-base-s0-examples.npz", True),
        ("evaluation/full-base-wide-s1.json", True),
        ("runs/full-base-other-s0/history.json", False),
        ("further/runs/full-base-s0/history.json", False),
        ("further/runs/full-base-s3/history.json", True),
        ("search/coarse/lr=1/rung-0.json", False),
        ("reproduction.json", False),
    ],
)
def test_what_is_part_of_the_paper(path, expected):
    shown = {"h36m": ["full-base-s0", "full-base-wide-s1"], "h36m/further": ["full-base-s3"]}
    assert in_paper(f"results/h36m/{path}", config(), shown) is expected


def test_the_search_is_part_of_a_paper_with_it():
    assert in_paper("results/h36m/search/coarse/lr=1/rung-0.json", config(search={"with_paper": True}), {})
