# From evaluated runs to the compiled paper. Tables read results.csv and cost.csv only; figures what they show.
import shlex

TABLES = ["main", "per_action", "ablation", "cost", "published"]
FIGURES = ["architecture", "comparison", "curves", "per_action", "qualitative"]
SOURCES = [path for path in sorted(Path("paper").rglob("*")) if path.is_file()]

GRID = SETTINGS.experiment
MODELS = [f"{architecture}-{size}" for architecture in GRID.architectures for size in GRID.sizes]
COSTS = expand(f"{RESULTS}/cost/{{model}}.csv", model=MODELS)

# the run whose median and worst clips are shown
EXAMPLE_RUN = f"{GRID.architectures[-1]}-{SETTINGS.paper.per_action_size}-s{GRID.seeds[0]}"

# what the text alone shows, what figures and text show
HEADING = sections.options(SETTINGS.paper, only=("title", "authors"))
NUMBER_FORMAT = sections.options(SETTINGS.paper, only=("decimals", "published"))
SHOWN = " ".join(
    [
        sections.options(GRID),
        sections.options(SETTINGS.paper, only=("per_action_size",)),
        f"--dataset-title {shlex.quote(SETTINGS.data.title)}",
        "--synthetic" if SETTINGS.data.synthetic else "",
    ]
)
RUN_FOLDERS = [f"{RESULTS}/runs/{run}" for run in GRID_RUNS]
RUN_FILES = expand("{folder}/{file}", folder=RUN_FOLDERS, file=("metrics.json", "config.yaml"))


rule results:
    input:
        evaluations=expand(f"{RESULTS}/evaluation/{{run}}.json", run=PAPER_RUNS),
        references=f"{RESULTS}/evaluation/references.json",
    output:
        table=f"{RESULTS}/results.csv",
    log:
        f"{RESULTS}/logs/paper/results.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/results.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.results"),
    shell:
        "python -m poselift.paper.results --evaluations {input.evaluations} --references {input.references}"
        " --out {output.table}"
        " > {log} 2> >(tee -a {log} >&2)"


rule table:
    input:
        results=f"{RESULTS}/results.csv",
        costs=COSTS,
        template="src/poselift/paper/templates/{table}.tex.j2",
        published=SETTINGS.paper.published or [],
    output:
        table=f"{RESULTS}/tables/{{table}}.tex",
    log:
        f"{RESULTS}/logs/paper/table_{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/table_{{table}}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("poselift.paper.tables.{table}"),
        options=f"{SHOWN} {NUMBER_FORMAT}",
    shell:
        "python -m poselift.paper.tables.{wildcards.table} --results {input.results} --costs {input.costs}"
        " {params.options} --out {output.table}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure:
    input:
        results=f"{RESULTS}/results.csv",
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        png=f"{RESULTS}/figures/{{figure}}.png",
    log:
        f"{RESULTS}/logs/paper/figure_{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_{{figure}}.tsv"
    wildcard_constraints:
        figure="comparison|per_action",
    conda:
        ENVIRONMENT
    params:
        code=code_of("poselift.paper.figures.{figure}"),
        options=SHOWN,
    shell:
        "python -m poselift.paper.figures.{wildcards.figure} --results {input.results} {params.options}"
        " --out {output.pdf}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure_curves:
    input:
        files=RUN_FILES,
    output:
        pdf=f"{RESULTS}/figures/curves.pdf",
        png=f"{RESULTS}/figures/curves.png",
    log:
        f"{RESULTS}/logs/paper/figure_curves.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_curves.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.figures.curves"),
        runs=RUN_FOLDERS,
        options=SHOWN,
    shell:
        "python -m poselift.paper.figures.curves --runs {params.runs} {params.options} --out {output.pdf}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure_qualitative:
    input:
        examples=f"{RESULTS}/evaluation/{EXAMPLE_RUN}-examples.npz",
    output:
        pdf=f"{RESULTS}/figures/qualitative.pdf",
        png=f"{RESULTS}/figures/qualitative.png",
    log:
        f"{RESULTS}/logs/paper/figure_qualitative.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_qualitative.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.figures.qualitative"),
        options=SHOWN,
    shell:
        "python -m poselift.paper.figures.qualitative --examples {input.examples} {params.options} --out {output.pdf}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure_architecture:
    output:
        pdf=f"{RESULTS}/figures/architecture.pdf",
        png=f"{RESULTS}/figures/architecture.png",
    log:
        f"{RESULTS}/logs/paper/figure_architecture.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_architecture.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.figures.architecture"),
    shell:
        "python -m poselift.paper.figures.architecture --out {output.pdf}" " > {log} 2> >(tee -a {log} >&2)"


rule numbers:
    input:
        results=f"{RESULTS}/results.csv",
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
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.numbers"),
        runs=RUN_FOLDERS,
        options=f"{SHOWN} {NUMBER_FORMAT}",
        heading=HEADING,
        store=subpath(input.frames, ancestor=2),
    shell:
        "python -m poselift.paper.numbers --results {input.results} --costs {input.costs} --runs {params.runs}"
        " --store {params.store} {params.heading} {params.options} --out {output.numbers}"
        " > {log} 2> >(tee -a {log} >&2)"


rule pdf:
    input:
        sources=SOURCES,
        tables=expand(f"{RESULTS}/tables/{{table}}.tex", table=TABLES),
        figures=expand(f"{RESULTS}/figures/{{figure}}.pdf", figure=FIGURES),
        numbers=f"{RESULTS}/numbers.tex",
    output:
        pdf=f"{RESULTS}/paper/main.pdf",
    log:
        f"{RESULTS}/logs/paper/pdf.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/pdf.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.assemble", "poselift.paper.compile"),
        folder=subpath(output.pdf, parent=True),
    shell:
        "(python -m poselift.paper.assemble --sources paper --tables {input.tables} --figures {input.figures}"
        " --numbers {input.numbers} --out {params.folder}"
        " && python -m poselift.paper.compile {params.folder})"
        " > {log} 2> >(tee -a {log} >&2)"


rule summary:
    input:
        results=f"{RESULTS}/results.csv",
        pdf=f"{RESULTS}/paper/main.pdf",
    output:
        text=f"{RESULTS}/summary.txt",
    log:
        f"{RESULTS}/logs/paper/summary.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/summary.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.show"),
        options=f"{SHOWN} {NUMBER_FORMAT}",
    shell:
        "python -m poselift.paper.show --results {input.results} --pdf {input.pdf} {params.options}"
        " > {output.text} 2> >(tee {log} >&2)"
