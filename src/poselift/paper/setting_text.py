"""What the text says of settings: numbers, and sentences that hold whatever the settings are."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from poselift.analysis.intervals import grid_pairs
from poselift.analysis.runs import Run
from poselift.analysis.view import Grid, View
from poselift.config.architectures import known
from poselift.config.run import TrainingSettings
from poselift.config.sections import Section
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.statistics import POWER
from poselift.latex import Tex
from poselift.paper.number_text import MISSING, Numbers, counted, listing, of_all, setting

OPTIMIZERS = {
    "adamw": Tex(r"AdamW~\cite{loshchilov2019adamw}"),
    "amsgrad": Tex("Adam with AMSGrad and an L2 penalty"),
}
ARITHMETIC = {
    "fp32": "single precision",
    "bf16": "bfloat16 where autocast allows it",
    "fp16": "half precision",
}
NOT_DEFAULT = r"Some settings of these models are not the default ones (\cref{sec:method})."


def of_settings(runs: Sequence[Run], grid: Grid) -> Numbers:
    """The settings of the grid's runs, and how the text describes them."""
    settings = [run.settings for run in runs]
    recipes = [each.training for each in settings]
    shapes = {
        each.size: f"{counted(setting(each.depth), 'block')} of {counted(setting(each.dim), 'channel')}"
        for each in settings
    }
    return of_recipes(recipes) | {
        "n_frames": of_all(each.n_frames for each in settings),
        "runs": setting(len(runs)),
        "architectures": setting(len(grid.architectures)),
        "base": grid.base,
        "seeds": of_all(len(grid.seeds_of(size)) for size in grid.sizes),
        "seeds.counted": _seeds(grid),
        "sizes": setting(len(grid.sizes)),
        "size_names": listing(grid.sizes),
        "sizes_described": listing([f"{size} ({shapes[size]})" for size in grid.sizes if size in shapes]),
    }


def of_recipes(recipes: Sequence[TrainingSettings]) -> Numbers:
    """The settings of some trainings, and how the text describes them."""
    numbers = {
        name: of_all(getattr(each, name) for each in recipes) for name in TrainingSettings.model_fields
    }
    return numbers | {
        "epochs.counted": counted(numbers["epochs"], "epoch"),
        "optimizer.described": Tex(" or ".join(OPTIMIZERS[name] for name in _values(recipes, "optimizer"))),
        "schedule.described": _either(map(_schedule, recipes)),
        "warmup.described": _either(map(_warmup, recipes)),
        "precision.described": _either(ARITHMETIC[each.precision] for each in recipes),
        "eval_every.described": _either(map(_evaluated, recipes)),
        "repeats.described": _repeats(recipes),
        "recipes.counted": _recipes(recipes),
        "recipes.differ": _differ(recipes),
    }


def _seeds(grid: Grid) -> str:
    """`3 seeds (5 at size base)`."""
    usual = len(grid.seeds)
    more = [f"{setting(n)} at size {size}" for size in grid.sizes if (n := len(grid.seeds_of(size))) > usual]
    return counted(setting(usual), "seed") + (f" ({listing(more)})" if more else "")


def _values(recipes: Sequence[TrainingSettings], name: str) -> list[Any]:
    return sorted({getattr(each, name) for each in recipes})


def _either(texts: Any) -> str:
    """What all share, or what some and others do."""
    return ", or ".join(dict.fromkeys(texts))


def _schedule(recipe: TrainingSettings) -> str:
    if recipe.lr_scheduler == "exponential":
        return f"is multiplied by {setting(recipe.lr_decay)} after each epoch"
    return {"cosine": "falls to zero along a cosine", "constant": "stays the same"}[recipe.lr_scheduler]


def _warmup(recipe: TrainingSettings) -> str:
    steps = counted(setting(recipe.warmup_steps), "step")
    return f"it rises linearly in the first {steps}" if recipe.warmup_steps else "there is no warm-up"


def _evaluated(recipe: TrainingSettings) -> str:
    return (
        "after each epoch" if recipe.eval_every == 1 else f"after every {setting(recipe.eval_every)} epochs"
    )


def _repeats(recipes: Sequence[TrainingSettings]) -> str:
    if all(each.deterministic for each in recipes):
        return "repeats to the bit on the same machine with the same versions"
    return "repeats up to the order in which numbers are added, which is left to the machine"


def _recipes(recipes: Sequence[TrainingSettings]) -> str:
    distinct = len({each.model_dump_json() for each in recipes})
    return "one recipe" if distinct == 1 else f"{setting(distinct)} recipes"


def _differ(recipes: Sequence[TrainingSettings]) -> str:
    """A sentence on the settings that models differ in; empty where they share all."""
    names = [name for name in TrainingSettings.model_fields if len(_values(recipes, name)) > 1]
    described = [name.replace("_", " ") for name in names]
    return f"Models differ in their recipe, in: {listing(described)}." if names else ""


def of_tuning(runs: Sequence[Run], view: View) -> Numbers:
    """Sentences on what was tuned for which models, and on what that may mean for their comparison."""
    architectures = view.grid.architectures
    tuned = {view.label(name): view.tuned[name] for name in architectures if name in view.tuned}
    others = [view.label(name) for name in architectures if name not in view.tuned]
    if not tuned:
        published = {run.settings.training for run in runs} == {TrainingSettings()}
        whose = "is the one published for the baseline" if published else "is not chosen by a search"
        return {
            "described": "Nothing was tuned for any of these models.",
            "limit": f"The recipe {whose}; a search for each model, with the same budget, might change "
            "their order: the comparison is fair to the recipe rather than to the best that each model can "
            "do.",
        }
    alike: dict[str, list[str]] = {}
    for label, of in tuned.items():
        keys = listing([key.replace("_", " ") for key in of.keys])
        seeds = f", the mean of {setting(of.seeds)} seeds" if of.seeds > 1 else ""
        how = (
            f"{keys} tuned by {counted(setting(of.trials), 'trial')} at size {of.size}; the winner has the "
            f"lowest error on training subject {of.subject} after the last epoch{seeds}"
        )
        alike.setdefault(how, []).append(label)
    told = [
        f"{listing(labels)} {'each have' if len(labels) > 1 else 'has'} {how}."
        for how, labels in alike.items()
    ]
    told += [f"Nothing was tuned for {listing(others)}."] if others else []
    fair = len(alike) == 1 and not others
    return {
        "described": " ".join(told),
        "limit": "All models were tuned with the same budget, at one size, and keep the values in all others."
        if fair
        else "The models were not tuned alike, which may favour those for which more was tried.",
    }


def of_statistics(view: View) -> Numbers:
    """How differences are judged."""
    statistics = view.statistics
    return {
        "confidence": setting(100 * statistics.confidence),
        "resamples": setting(statistics.resamples),
        "error": f"{100 * (1 - statistics.confidence):.3g}",
        "margin": setting(statistics.equivalence_margin),
        "power": setting(100 * POWER),
        "primary": METRICS[statistics.primary].label,
        "families.described": _families(view),
    }


def _families(view: View) -> str:
    """The families of comparisons that the text has, each with the number of those that are tested: for that
    two models need two seeds in common."""

    def in_common(grid: Grid | None) -> list[Collection[int]]:
        """The seeds of each comparison in a grid."""
        return [grid.seeds_of(model.size) for model, _ in grid_pairs(grid)] if grid else []

    in_ablation = [{*entry.seeds} & {*view.grid.seeds_of(entry.base[1])} for entry in view.ablation]
    families: list[tuple[str, str, Sequence[Collection[int]]]] = [
        ("grid", "between architectures of one size", in_common(view.grid)),
        ("ablation", "of the ablation with the unchanged model", in_ablation),
        ("ground_truth_2d", "on ground-truth 2D", in_common(view.ground_truth_2d)),
    ]
    for its in view.further.values():
        families.append(("further_data", f"on {its.notice.dataset_title}", in_common(its.grid)))
    told = [
        f"the {counted(setting(tested), 'comparison')} {what}"
        for name, what, comparisons in families
        if (tested := sum(len(seeds) > 1 for seeds in comparisons)) and name in view.statistics.families
    ]
    return listing(told) if told else "no family"


def of_hyperparameters(runs: Sequence[Run], view: View) -> Numbers:
    """The hyper-parameters of the architectures, and sentences on those that are not the default ones."""
    settings = {name: one.settings for name, one in known({}).items()}
    settings |= {run.settings.architecture: type(run.settings.model) for run in runs}
    fields = [(name, field) for name, of in settings.items() for field in of.model_fields]
    # without the name of an architecture: of all that have it
    keys = [*map(".".join, fields), *(field for _, field in fields)]
    values: dict[str, list[Any]] = {key: [] for key in keys}
    for each in runs:
        for field, value in each.settings.model:
            values[f"{each.settings.architecture}.{field}"].append(value)
            values[field].append(value)
    numbers = {key: of_all(each) for key, each in values.items()}
    channels = numbers.get("dim_rep", MISSING)
    numbers["dim_rep.described"] = "" if channels == MISSING else f" to {counted(channels, 'channel')}"
    models = {run.settings.architecture: run.settings.model for run in runs}
    return numbers | _not_default({view.label(name): model for name, model in models.items()})


def _not_default(models: Mapping[str, Section]) -> Numbers:
    """Which settings of the models, by their labels, are not the default ones that the text describes."""
    whose: dict[str, list[str]] = {}
    for label, model in models.items():
        for name, field in type(model).model_fields.items():
            value, usual = getattr(model, name), field.get_default(call_default_factory=True)
            if value != usual and not field.is_required():
                what = field.description or name.replace("_", " ")
                changed = f"{what} ({setting(value)} in place of {setting(usual)}"
                whose.setdefault(changed, []).append(label)
    others = "; ".join(f"{changed}: {listing(labels)})" for changed, labels in whose.items())
    return {
        "not_default": Tex(NOT_DEFAULT) if others else "",
        "not_default.described": f"Other settings in this study: {others}." if others else "",
    }
