# From evaluated runs to the compiled paper. What tables and figures need, and which there are, say their modules.
from poselift.config.submission import Submission
from poselift.paper.assemble import parts_named
from poselift.paper.sources import sources
from poselift.paper.submission import style_file

with reported():
    SOURCES = list(sources(Path("paper")).values())
    NAMED = parts_named(Path("paper"))
    style_file(Path("paper"), SETTINGS.paper.style)  # before anything is trained
HEADING = options(SETTINGS.paper.as_shown(), only=("title", "authors"))

# the digest says when the table has changed: it is larger than what Snakemake hashes by itself
TIDY = {"results": ancient(f"{RESULTS}/results.csv"), "digest": f"{RESULTS}/results.sha256"}

# the runs whose median and worst clips are shown: the last architecture, and all of them side by side
EXAMPLES = expand(f"{RESULTS}/evaluation/{{run}}-examples.npz", run=plan.detailed_runs(SETTINGS, GRID_RUNS))

# the input files of tables and figures by need
FILES = {
    "results": TIDY,
    "costs": {"costs": expand(f"{RESULTS}/cost/{{model}}.csv", model=MODELS)},
    "variant_costs": {"variant_costs": expand(f"{RESULTS}/cost/{{model}}.csv", model=VARIANT_MODELS)},
    "runs": {
        "runs": expand(f"{RESULTS}/runs/{{run}}/metrics.json", run=GRID_RUNS),
        "settings": expand(f"{RESULTS}/runs/{{run}}/config.yaml", run=GRID_RUNS),
    },
    "examples": {"examples": EXAMPLES},
    "last_examples": {"last_examples": EXAMPLES[-1:]},
    "judgements": {"judgements": f"{RESULTS}/claims.json"},
    "trials": {"trials": f"{SEARCH}/results.csv"},
}

# the tables that the pages show, and the tables and figures that the text names
HIDDEN = plan.hidden_of(SETTINGS)
SHOWN_TABLES = expand(f"{RESULTS}/tables/{{name}}.json", name=TABLES.names(without=HIDDEN))
PAPER_TABLES = expand(f"{RESULTS}/tables/{{name}}.tex", name=TABLES.names(without=HIDDEN, named_in=NAMED))
PAPER_FIGURES = FIGURES.names("pdf", named_in=NAMED)
DRAWN = expand(f"{RESULTS}/figures/{{name}}.pdf", name=PAPER_FIGURES)


EVALUATIONS = [
    f"results/{folder}/evaluation/{run}.json" for folder, runs in SHOWN_RUNS.items() for run in runs
]


rule results:
    input:
        evaluations=EVALUATIONS,
        references=f"{RESULTS}/evaluation/references.json",
    output:
        table=in_report(f"{RESULTS}/results.csv", "results", "Data", part="all numbers"),
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


rule table:
    input:
        unpack(TABLES.inputs(FILES)),
        template=f"{TEMPLATES}/table.tex.j2",
    output:
        table=f"{RESULTS}/tables/{{name}}.tex",
        content=f"{RESULTS}/tables/{{name}}.json",
    log:
        f"{RESULTS}/logs/paper/table_{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/table_{{name}}.tsv"
    wildcard_constraints:
        name="|".join(TABLES.about),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of(TABLES),
        view=TABLES.options,
    shell:
        "python -m poselift.tables.make {params.view} --results {input.results} --costs {input.costs}"
        " --variant-costs {input.variant_costs} --published {input.published} --judgements {input.judgements}"
        " --trials {input.trials} --out {output.table}"
        " > {log} 2> >(tee -a {log} >&2)"


rule figure:
    input:
        unpack(FIGURES.inputs(FILES)),
        template=f"{TEMPLATES}/figure.tex.j2",
    output:
        figure=f"{RESULTS}/figures/{{name}}.pdf",
        svg=in_report(f"{RESULTS}/figures/{{name}}.svg", "figures", "Figures", figure="{name}"),
        png=f"{RESULTS}/figures/{{name}}.png",
        text=f"{RESULTS}/figures/{{name}}.tex",
        caption=f"{RESULTS}/figures/{{name}}.json",
    log:
        f"{RESULTS}/logs/paper/figure_{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/figure_{{name}}.tsv"
    wildcard_constraints:
        name="|".join(FIGURES.names("pdf")),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of(FIGURES),
        view=FIGURES.options,
        caption=FIGURES.caption,
    shell:
        "python -m poselift.figures.make {params.view} --results {input.results} --costs {input.costs}"
        " --published {input.published} --runs {input.runs} --examples {input.examples}"
        " --last-examples {input.last_examples} --trials {input.trials} {params.caption}"
        " --out {output.figure}"
        " > {log} 2> >(tee -a {log} >&2)"


use rule figure as animation with:
    output:
        figure=in_report(f"{RESULTS}/figures/{{name}}.gif", "figures", "Figures", figure="{name}"),
        caption=f"{RESULTS}/figures/{{name}}.json",
    wildcard_constraints:
        name="|".join(FIGURES.names("gif")),
    localrule: True


rule numbers:
    input:
        **TIDY,
        **FILES["runs"],
        **FILES["costs"],
        **FILES["judgements"],
        sequences=ancient([f"{STORE}/frames/{split}/sequences.json" for split in SPLITS]),
        frames=f"{STORE}/frames/manifest.json",
        template=f"{TEMPLATES}/numbers.tex.j2",
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
        folders=[f"{RESULTS}/runs/{run}" for run in GRID_RUNS],
        view=plan.options_of("poselift.paper.numbers", VIEW),
        heading=HEADING,
        store=subpath(input.frames, ancestor=2),
    shell:
        "python -m poselift.paper.numbers --results {input.results} --costs {input.costs} --runs {params.folders}"
        " --judgements {input.judgements} --store {params.store} {params.heading} {params.view} --out {output.numbers}"
        " > {log} 2> >(tee -a {log} >&2)"


rule pdf:
    input:
        sources=SOURCES,
        tables=PAPER_TABLES,
        figures=[*DRAWN, *expand(f"{RESULTS}/figures/{{name}}.tex", name=PAPER_FIGURES)],
        others=[f"{RESULTS}/{name}" for name in ("numbers.tex", "provenance.tex")],
        # larger than what Snakemake hashes by itself; made with the text that has its hash
        record=ancient(f"{RESULTS}/provenance.json"),
    output:
        pdf=in_report(f"{RESULTS}/paper/main.pdf", "pdf", "Paper", part="paper"),
    log:
        f"{RESULTS}/logs/paper/pdf.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/pdf.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.assemble", "poselift.paper.compile", "poselift.paper.crate"),
        folder=subpath(output.pdf, parent=True),
        form=options(SETTINGS.paper, only=Submission.model_fields),
        draft="--draft" if SETTINGS.draft else "",
        # Snakemake deletes main.pdf before the job starts
        kept=f"{RESULTS}/paper.pdf",
    shell:
        "(python -m poselift.paper.assemble --sources paper --tables {input.tables} --figures {input.figures}"
        " --others {input.others} {input.record} {params.form} --out {params.folder}"
        " && python -m poselift.paper.compile {params.folder} --keep {params.kept} {params.draft}"
        " && python -m poselift.paper.crate {params.folder})"
        " > {log} 2> >(tee -a {log} >&2)"


# what in the text does not fit the results: said at the end of a build, and on the page
rule prose:
    input:
        sources=SOURCES,
        parts=[*PAPER_TABLES, *DRAWN, *expand(f"{RESULTS}/figures/{{name}}.tex", name=PAPER_FIGURES)],
        numbers=f"{RESULTS}/numbers.tex",
    output:
        remarks=f"{RESULTS}/prose.json",
    log:
        f"{RESULTS}/logs/paper/prose.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/prose.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.prose"),
        hidden=SETTINGS.paper.authors if SETTINGS.paper.anonymous else [],
    shell:
        "python -m poselift.paper.prose paper --parts {input.parts} {input.numbers} --hidden {params.hidden:q}"
        " --out {output.remarks}"
        " > {log} 2> >(tee -a {log} >&2)"


# prints it; fails if there is something
rule strict:
    input:
        remarks=f"{RESULTS}/prose.json",
    log:
        f"{RESULTS}/logs/paper/prose_checked.log",
    localrule: True
    conda:
        ENVIRONMENT
    shell:
        "python -m poselift.paper.prose {input.remarks} --strict 2>&1 | tee {log}"


rule summary:
    input:
        table=f"{RESULTS}/tables/main.json",
        pdf=f"{RESULTS}/paper/main.pdf",
        record=ancient(f"{RESULTS}/provenance.json"),
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
        view=plan.options_of("poselift.report.summary", VIEW),
    shell:
        "python -m poselift.report.summary --table {input.table} --pdf {input.pdf} --record {input.record}"
        " {params.view} --out {output.text}"
        " > {log} 2> >(tee -a {log} >&2)"
