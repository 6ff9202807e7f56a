# From evaluated runs to the compiled paper. Tables read results.csv and cost.csv only; figures what they show.
import json
import shlex

SOURCES = [path for path in sorted(Path("paper").rglob("*")) if path.is_file()]

GRID = SETTINGS.experiment
MODELS = [f"{architecture}-{size}" for architecture in GRID.architectures for size in GRID.sizes]
COSTS = expand(f"{RESULTS}/cost/{{model}}.csv", model=MODELS)
CHANGED_COSTS = expand(f"{RESULTS}/cost/{{model}}.csv", model=CHANGED_MODELS)

# the digest says when the table has changed: it is larger than what Snakemake hashes by itself
TIDY = {"results": ancient(f"{RESULTS}/results.csv"), "digest": f"{RESULTS}/results.sha256"}

# the runs whose median and worst clips are shown: the last architecture, and all of them side by side
DETAILED_RUNS = [f"{name}-{SETTINGS.paper.per_action_size}-s{GRID.seeds[0]}" for name in GRID.architectures]
# in a draft those that are there
DETAILED_RUNS = [run for run in DETAILED_RUNS if run in GRID_RUNS] or GRID_RUNS[-1:]

# what the text alone shows, and what nearly all tables and figures show
HEADING = sections.options(SETTINGS.paper, only=("title", "authors"))
SHOWN = f"{sections.options(GRID)} {sections.options(SETTINGS.paper, only=('per_action_size',))} {MOTION}"

# what some of them show
DECIMALS = sections.options(SETTINGS.paper, only=("decimals",))
PUBLISHED = sections.options(SETTINGS.paper, only=("published",))
JUDGED = sections.options(SETTINGS.statistics)
CONFIDENCE = sections.options(SETTINGS.statistics, only=("confidence",))
ENTRIES = [
    {
        "name": entry.name,
        "title": entry.title,
        "architecture": entry.architecture,
        "size": entry.size,
        "seeds": entry.seeds or GRID.seeds,
    }
    for entry in SETTINGS.ablation
]
ABLATION = f"--ablation {shlex.quote(json.dumps(ENTRIES))}"
GROUND_TRUTH = ""
if SETTINGS.ground_truth_2d:
    GROUND_TRUTH = " ".join(
        f"--gt2d-{key} {' '.join(map(str, getattr(SETTINGS.ground_truth_2d, key) or getattr(GRID, key)))}"
        for key in ("architectures", "sizes", "seeds")
    )

TABLE_OPTIONS = {
    "main": f"{DECIMALS} {JUDGED}",
    "differences": f"{DECIMALS} {JUDGED}",
    "per_action": DECIMALS,
    "per_joint": DECIMALS,
    "ablation": f"{DECIMALS} {JUDGED} {ABLATION}",
    "ground_truth_2d": f"{DECIMALS} {JUDGED} {GROUND_TRUTH} {PUBLISHED}",
    "cost": "",
    "published": f"{DECIMALS} {CONFIDENCE} {PUBLISHED}",
}
TABLES = [name for name in TABLE_OPTIONS if name != "per_joint"]  # which the paper draws
FIGURE_OPTIONS = {
    "comparison": CONFIDENCE,
    "per_action": CONFIDENCE,
    "joints": "",
    "place": "",
    "pareto": PUBLISHED,
    "ablation": f"{JUDGED} {ABLATION}",
}
FIGURES = ["architecture", "curves", "qualitative", *FIGURE_OPTIONS]
RUN_FOLDERS = [f"{RESULTS}/runs/{run}" for run in GRID_RUNS]
RUN_FILES = expand("{folder}/{file}", folder=RUN_FOLDERS, file=("metrics.json", "config.yaml"))


EVALUATIONS = [
    f"results/{folder}/evaluation/{run}.json" for folder, runs in SHOWN_RUNS.items() for run in runs
]


rule results:
    input:
        evaluations=EVALUATIONS,
        references=f"{RESULTS}/evaluation/references.json",
    output:
        table=report(
            f"{RESULTS}/results.csv",
            caption="../report/results.rst",
            category="Data",
            labels={"part": "all numbers"},
        ),
        digest=f"{RESULTS}/results.sha256",
    log:
        f"{RESULTS}/logs/paper/results.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/results.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.analysis.results", "poselift.provenance.hashing"),
    shell:
        "python -m poselift.analysis.results --evaluations {input.evaluations} --references {input.references}"
        " --out {output.table}"
        " > {log} 2> >(tee -a {log} >&2)"
        " && python -m poselift.provenance.hashing {output.table} --out {output.digest}"


# of MPI-INF-3DHP; without it in the configuration the table says that there is none
SECOND = SETTINGS.further_data.get("mpi_inf_3dhp")
SECOND_RESULTS = f"{RESULTS}/mpi_inf_3dhp"
SECOND_SHOWN = ""
if SECOND:
    SECOND_SHOWN = " ".join(
        [
            sections.options(SECOND.grid(SETTINGS.experiment)),
            sections.options(SECOND, only=("published",)),
            DECIMALS,
            "--synthetic" if SECOND.synthetic else "",
        ]
    )


rule table_3dhp:
    input:
        **(TIDY if SECOND else {}),
        template=f"{TEMPLATES}/table.tex.j2",
        published=(SECOND and SECOND.published) or [],
    output:
        table=f"{SECOND_RESULTS}/tables/mpi_inf_3dhp.tex",
        content=f"{SECOND_RESULTS}/tables/mpi_inf_3dhp.json",
    log:
        f"{SECOND_RESULTS}/logs/table.log",
    benchmark:
        f"{SECOND_RESULTS}/benchmarks/table.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.tables.mpi_inf_3dhp"),
        options=SECOND_SHOWN,
        results=f"--results {RESULTS}/results.csv" if SECOND else "",
    shell:
        "python -m poselift.tables.mpi_inf_3dhp {params.results} {params.options} --out {output.table}"
        " > {log} 2> >(tee -a {log} >&2)"


rule table:
    input:
        **TIDY,
        costs=COSTS,
        changed_costs=lambda wildcards: CHANGED_COSTS if wildcards.table == "ablation" else [],
        template=f"{TEMPLATES}/table.tex.j2",
        published=lambda wildcards: [
            path
            for path in [SETTINGS.paper.published]
            if path and wildcards.table in ("published", "ground_truth_2d")
        ],
    output:
        table=f"{RESULTS}/tables/{{table}}.tex",
        content=f"{RESULTS}/tables/{{table}}.json",
    log:
        f"{RESULTS}/logs/paper/table_{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/table_{{table}}.tsv"
    wildcard_constraints:
        table="|".join(TABLE_OPTIONS),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of("poselift.tables.{table}"),
        options=lambda wildcards: f"{SHOWN} {TABLE_OPTIONS[wildcards.table]}",
        changed_costs=lambda wildcards, input: (
            f"--variant-costs {input.changed_costs}" if input.changed_costs else ""
        ),
    shell:
        "python -m poselift.tables.{wildcards.table} --results {input.results} --costs {input.costs}"
        " {params.changed_costs} {params.options} --out {output.table}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure:
    input:
        **TIDY,
        costs=lambda wildcards: COSTS if wildcards.figure == "pareto" else [],
        published=lambda wildcards: [
            path for path in [SETTINGS.paper.published] if path and wildcards.figure == "pareto"
        ],
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=report(
            f"{RESULTS}/figures/{{figure}}.svg",
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        png=f"{RESULTS}/figures/{{figure}}.png",
    log:
        f"{RESULTS}/logs/paper/figure_{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_{{figure}}.tsv"
    wildcard_constraints:
        figure="|".join(FIGURE_OPTIONS),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of("poselift.figures.{figure}"),
        options=lambda wildcards: f"{SHOWN} {FIGURE_OPTIONS[wildcards.figure]}",
        costs=lambda wildcards, input: f"--costs {input.costs}" if input.costs else "",
    shell:
        "python -m poselift.figures.{wildcards.figure} --results {input.results} {params.costs}"
        " {params.options} --out {output.pdf}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure_curves:
    input:
        files=RUN_FILES,
    output:
        pdf=f"{RESULTS}/figures/curves.pdf",
        svg=report(
            f"{RESULTS}/figures/curves.svg",
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "curves"},
        ),
        png=f"{RESULTS}/figures/curves.png",
    log:
        f"{RESULTS}/logs/paper/figure_curves.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_curves.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.figures.curves"),
        runs=RUN_FOLDERS,
        options=SHOWN,
    shell:
        "python -m poselift.figures.curves --runs {params.runs} {params.options} --out {output.pdf}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure_qualitative:
    input:
        examples=f"{RESULTS}/evaluation/{DETAILED_RUNS[-1]}-examples.npz",
    output:
        pdf=f"{RESULTS}/figures/qualitative.pdf",
        svg=report(
            f"{RESULTS}/figures/qualitative.svg",
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "qualitative"},
        ),
        png=f"{RESULTS}/figures/qualitative.png",
    log:
        f"{RESULTS}/logs/paper/figure_qualitative.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_qualitative.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.figures.qualitative"),
        options=MOTION,
    shell:
        "python -m poselift.figures.qualitative --examples {input.examples} {params.options} --out {output.pdf}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure_animation:
    input:
        examples=expand(f"{RESULTS}/evaluation/{{run}}-examples.npz", run=DETAILED_RUNS),
    output:
        gif=report(
            f"{RESULTS}/figures/animation.gif",
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "animation"},
        ),
    log:
        f"{RESULTS}/logs/paper/figure_animation.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_animation.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.figures.animation"),
        options=MOTION,
    shell:
        "python -m poselift.figures.animation --examples {input.examples} {params.options} --out {output.gif}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure_architecture:
    output:
        pdf=f"{RESULTS}/figures/architecture.pdf",
        svg=report(
            f"{RESULTS}/figures/architecture.svg",
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "architecture"},
        ),
        png=f"{RESULTS}/figures/architecture.png",
    log:
        f"{RESULTS}/logs/paper/figure_architecture.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_architecture.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.figures.architecture"),
    shell:
        "python -m poselift.figures.architecture --out {output.pdf}" " > {log} 2> >(tee -a {log} >&2)"


rule numbers:
    input:
        **TIDY,
        costs=COSTS,
        files=RUN_FILES,
        sequences=ancient([f"{STORE}/frames/{split}/sequences.json" for split in SPLITS]),
        frames=f"{STORE}/frames/manifest.json",
        template="src/poselift/paper/templates/numbers.tex.j2",
    output:
        numbers=f"{RESULTS}/numbers.tex",
    log:
        f"{RESULTS}/logs/paper/numbers.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/numbers.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.numbers"),
        runs=RUN_FOLDERS,
        options=f"{SHOWN} {DECIMALS} {JUDGED} {ABLATION} {GROUND_TRUTH}",
        heading=HEADING,
        store=subpath(input.frames, ancestor=2),
    shell:
        "python -m poselift.paper.numbers --results {input.results} --costs {input.costs} --runs {params.runs}"
        " --store {params.store} {params.heading} {params.options} --out {output.numbers}"
        " > {log} 2> >(tee -a {log} >&2)"


rule pdf:
    input:
        sources=SOURCES,
        tables=[
            *expand(f"{RESULTS}/tables/{{table}}.tex", table=TABLES),
            f"{SECOND_RESULTS}/tables/mpi_inf_3dhp.tex",
            f"{RESULTS}/tables/claims.tex",
        ],
        figures=expand(f"{RESULTS}/figures/{{figure}}.pdf", figure=FIGURES),
        others=[f"{RESULTS}/{name}" for name in ("numbers.tex", "provenance.tex")],
        # larger than what Snakemake hashes by itself; made with the text that has its hash
        record=ancient(f"{RESULTS}/provenance.json"),
    output:
        pdf=report(
            f"{RESULTS}/paper/main.pdf",
            caption="../report/pdf.rst",
            category="Paper",
            labels={"part": "paper"},
        ),
    log:
        f"{RESULTS}/logs/paper/pdf.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/pdf.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.assemble", "poselift.paper.compile", "poselift.provenance.crate"),
        folder=subpath(output.pdf, parent=True),
    shell:
        "(python -m poselift.paper.assemble --sources paper --tables {input.tables} --figures {input.figures}"
        " --others {input.others} {input.record} --out {params.folder}"
        " && python -m poselift.paper.compile {params.folder}"
        " && python -m poselift.provenance.crate {params.folder})"
        " > {log} 2> >(tee -a {log} >&2)"


rule summary:
    input:
        table=f"{RESULTS}/tables/main.json",
        pdf=f"{RESULTS}/paper/main.pdf",
    output:
        text=f"{RESULTS}/summary.txt",
    log:
        f"{RESULTS}/logs/paper/summary.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/summary.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.report.summary"),
        options=SHOWN,
    shell:
        "python -m poselift.report.summary --table {input.table} --pdf {input.pdf} {params.options}"
        " --out {output.text}"
        " > {log} 2> >(tee -a {log} >&2)"
