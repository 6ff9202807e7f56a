# The hyper-parameter search: a job for each trial and rung (a stage without halving has one rung), a ranking
# after each rung, and a table of all. A stage that starts from another one's winner reads that one's last
# ranking when it runs, so every trial has its name from the start.
import shlex

from poselift.analysis.view import to_options
from poselift.search.jobs import Jobs, collect_options
from poselift.search.stages import plan as plan_search

SEARCH = f"{RESULTS}/search"
FOUND = [f"{SEARCH}/results.csv", f"{SEARCH}/winner.yaml", f"{RESULTS}/figures/search.pdf"]
with reported():
    TRIALS = Jobs(plan_search(SETTINGS), SEARCH)


wildcard_constraints:
    stage="|".join(TRIALS.stages),
    trial="[^/]+",
    rung=r"\d+",


rule trial:
    input:
        unpack(trial_clips),
        previous=TRIALS.previous,
        start=TRIALS.start,
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
        execution=options(SETTINGS.execution),
        lifter=lifter,
    params:
        code=trial_code,
        options=TRIALS.options,
        weights="--keep-weights" if SETTINGS.search.keep_weights else "",
        store=subpath(input.frames, ancestor=2),
    shell:
        "python -m poselift.search.trial --store {params.store} --out {output.outcome:q} --threads {threads}"
        " --previous {input.previous} --start {input.start} {params.options} {params.weights}"
        " {resources.lifter} {resources.execution}"
        " > {log:q} 2> >(tee -a {log:q} >&2)"


rule ranking:
    input:
        outcomes=TRIALS.outcomes,
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
        options=TRIALS.ranking_options,
        stage=subpath(output.ranking, parent=True),
    shell:
        "python -m poselift.search.rank --stage {params.stage} --rung {wildcards.rung} {params.options}"
        " --out {output.ranking}"
        " > {log} 2> >(tee -a {log} >&2)"


rule search_results:
    input:
        rankings=list(TRIALS.last_rankings.values()),
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
        options=f"{collect_options(SETTINGS)} {to_options(VIEW, ['notice'])}",
    shell:
        "python -m poselift.search.collect --rankings {input.rankings} {params.options}"
        " --out {output.table} --winner {output.winner}"
        " 2>&1 | tee {log}"
