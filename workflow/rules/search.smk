# The hyper-parameter search: a job for each trial and rung (a stage without halving has one rung), a ranking
# after each rung, and a table of all. A stage that starts from another one's winner reads that one's last
# ranking when it runs, so every trial has its name from the start.
import json
import shlex

from poselift.analysis.view import to_options
from poselift.search.stages import plan as plan_search

SEARCH = f"{RESULTS}/search"
FOUND = [f"{SEARCH}/results.csv", f"{SEARCH}/winner.yaml", f"{RESULTS}/figures/search.pdf"]
try:
    STAGES = plan_search(SETTINGS)
except PoseliftError as error:
    sys.exit(f"error: {error}")


TRIALS = {(stage.name, name): trial for stage in STAGES.values() for name, trial in stage.trials.items()}
LAST_RANKING = {
    stage.name: f"{SEARCH}/{stage.name}/ranking-{stage.last_rung}.json" for stage in STAGES.values()
}


wildcard_constraints:
    stage="|".join(STAGES),
    trial="[^/]+",
    rung=r"\d+",


rule trial:
    input:
        unpack(lambda wildcards: clips(TRIALS[wildcards.stage, wildcards.trial].base.n_frames)),
        previous=lambda wildcards: (
            f"{SEARCH}/{wildcards.stage}/ranking-{int(wildcards.rung) - 1}.json"
            if int(wildcards.rung)
            else []
        ),
        start=lambda wildcards: LAST_RANKING.get(STAGES[wildcards.stage].start_from, []),
    output:
        outcome=f"{SEARCH}/{{stage}}/{{trial}}/rung-{{rung}}.json",
    log:
        f"{RESULTS}/logs/search/{{stage}}/{{trial}}-{{rung}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/search/{{stage}}/{{trial}}-{{rung}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        execution=sections.options(SETTINGS.execution),
    params:
        code=lambda wildcards: code(
            "poselift.search.trial",
            f"poselift.models.{TRIALS[wildcards.stage, wildcards.trial].base.architecture}",
        ),
        options=lambda wildcards: STAGES[wildcards.stage].options(wildcards.trial, int(wildcards.rung)),
        weights="--keep-weights" if SETTINGS.search.keep_weights else "",
        store=subpath(input.frames, ancestor=2),
    shell:
        "python -m poselift.search.trial --store {params.store} --out {output.outcome:q} --threads {threads}"
        " --previous {input.previous} --start {input.start} {params.options} {params.weights}"
        " {resources.execution}"
        " > {log:q} 2> >(tee -a {log:q} >&2)"


rule ranking:
    input:
        outcomes=lambda wildcards: expand(
            f"{SEARCH}/{wildcards.stage}/{{trial}}/rung-{wildcards.rung}.json",
            trial=STAGES[wildcards.stage].trials,
        ),
    output:
        ranking=f"{SEARCH}/{{stage}}/ranking-{{rung}}.json",
    log:
        f"{RESULTS}/logs/search/{{stage}}/ranking-{{rung}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/search/{{stage}}/ranking-{{rung}}.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.search.rank"),
        keep=lambda wildcards: STAGES[wildcards.stage].keep or 1,
        stage=subpath(output.ranking, parent=True),
        # names, not paths: the system takes commands of 128 KiB, which a thousand paths can fill
        trials=lambda wildcards: list(STAGES[wildcards.stage].trials),
    shell:
        "python -m poselift.search.rank --stage {params.stage} --trials {params.trials:q}"
        " --rung {wildcards.rung} --keep {params.keep} --out {output.ranking}"
        " > {log} 2> >(tee -a {log} >&2)"


rule search_results:
    input:
        rankings=list(LAST_RANKING.values()),
    output:
        table=f"{SEARCH}/results.csv",
        winner=f"{SEARCH}/winner.yaml",
    log:
        f"{RESULTS}/logs/search/results.log",
    benchmark:
        f"{RESULTS}/benchmarks/search/results.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.search.collect"),
        overrides=shlex.quote(
            json.dumps([o.model_dump(mode="json", exclude_unset=True) for o in SETTINGS.overrides])
        ),
        subject=sections.options(SETTINGS.search, only=("validation_subject",)),
        data=to_options(VIEW, ["notice"]),
    shell:
        "python -m poselift.search.collect --rankings {input.rankings} --overrides {params.overrides}"
        " {params.subject} {params.data} --out {output.table} --winner {output.winner}"
        " 2>&1 | tee {log}"
