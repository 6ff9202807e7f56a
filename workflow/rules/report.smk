# The report for those who do not open LaTeX, one page; and the experimental setup, which is a part of it. None of
# it needs the PDF.
TABLE_PAGES = expand(f"{RESULTS}/table_pages/{{page}}.html", page=SHOWN_TABLES)  # for snakemake --report
PAGE_TEMPLATES = [f"{PAGES}/{name}" for name in ("table.html.j2", "page.html.j2", "page.css", "page.js")]
IMAGES = [
    f"{RESULTS}/figures/{name}.{format}"
    for format in ("svg", "gif")
    for name in FIGURES.names(format, without=HIDDEN)
]
CAPTIONS = [str(Path(image).with_suffix(".json")) for image in IMAGES]
RECORDED = ("metrics.json", "config.yaml", "provenance.json")


rule table_page:
    input:
        table=lambda wildcards: SHOWN_TABLES[wildcards.page],
        templates=PAGE_TEMPLATES,
    output:
        page=report(
            f"{RESULTS}/table_pages/{{page}}.html",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "{page}"},
        ),
    log:
        f"{RESULTS}/logs/paper/table_page_{{page}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/table_page_{{page}}.tsv"
    wildcard_constraints:
        page="|".join(SHOWN_TABLES),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.report.table_page"),
    shell:
        "python -m poselift.report.table_page --table {input.table} --out {output.page}"
        " > {log} 2> >(tee -a {log} >&2)"


rule setup_page:
    input:
        **TIDY,
        costs=COSTS,
        changed_costs=CHANGED_COSTS,
        runs=expand(f"{RESULTS}/runs/{{run}}/{{file}}", run=PAPER_RUNS, file=RECORDED),
        second_runs=expand(f"{SECOND_RESULTS}/runs/{{run}}/{{file}}", run=SECOND_RUNS, file=RECORDED),
        sequences=ancient([f"{STORE}/frames/{split}/sequences.json" for split in SPLITS]),
        frames=f"{STORE}/frames/manifest.json",
        second_frames=f"{SECOND_STORE}/frames/manifest.json" if SECOND else [],
        trials=f"{SEARCH}/results.csv" if SETTINGS.search.with_paper else [],
        pins=ancient("envs/constraints.txt"),
        template=f"{PAGES}/setup.md.j2",
    output:
        text=report(
            f"{RESULTS}/setup.md",
            caption="../report/setup.rst",
            category="Paper",
            labels={"part": "experimental setup"},
        ),
    log:
        f"{RESULTS}/logs/paper/setup_page.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/setup_page.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.report.setup"),
        view=plan.options_of("poselift.report.setup", VIEW),
        runs=[f"{RESULTS}/runs/{run}" for run in PAPER_RUNS],
        store=subpath(input.frames, ancestor=2),
        second=(
            f"--second-store {SECOND_STORE} --second-runs "
            + " ".join(f"{SECOND_RESULTS}/runs/{run}" for run in SECOND_RUNS)
            + (" --second-synthetic" if SECOND.synthetic else "")
            if SECOND
            else ""
        ),
        trials=lambda wildcards, input: f"--search {input.trials}" if input.trials else "",
    shell:
        "python -m poselift.report.setup --results {input.results} --costs {input.costs}"
        " --variant-costs {input.changed_costs} --store {params.store} --runs {params.runs} {params.second}"
        " {params.trials} --pins {input.pins} {params.view} --out {output.text}"
        " > {log} 2> >(tee -a {log} >&2)"


# as rule provenance, of what the paper does not have
rule report_provenance:
    input:
        parts=[*SHOWN_TABLES.values(), *IMAGES, f"{RESULTS}/setup.md"],
        pins=ancient("envs/constraints.txt"),
    output:
        record=f"{RESULTS}/report_provenance.json",
    log:
        f"{RESULTS}/logs/paper/report_provenance.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/report_provenance.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.provenance.gather"),
        results=subpath(output.record, parent=True),
        frozen=f"--frozen {' '.join(FROZEN)}" if FROZEN else "",
    shell:
        "python -m poselift.provenance.gather --results {params.results} --parts {input.parts} {params.frozen}"
        " --pins {input.pins} --out {output.record}"
        " > {log} 2> >(tee -a {log} >&2)"


rule report_page:
    input:
        **TIDY,
        tables=list(SHOWN_TABLES.values()),
        figures=IMAGES,
        captions=CAPTIONS,
        setup=f"{RESULTS}/setup.md",
        record=f"{RESULTS}/report_provenance.json",
        templates=[
            *PAGE_TEMPLATES,
            *expand(f"{PAGES}/{{name}}.html.j2", name=("report", "figure", "lineage")),
        ],
    output:
        page=report(
            f"{RESULTS}/report.html",
            caption="../report/report.rst",
            category="Paper",
            labels={"part": "all on one page"},
        ),
    log:
        f"{RESULTS}/logs/paper/report_page.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/report_page.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.report.page"),
        view=plan.options_of("poselift.report.page", VIEW),
        heading=HEADING,
        files=[
            f"{RESULTS}/{name}" for name in ("paper/main.pdf", "results.csv", "provenance.json", "setup.md")
        ],
    shell:
        "python -m poselift.report.page --results {input.results} --tables {input.tables} --figures {input.figures}"
        " --setup {input.setup} --record {input.record}"
        " --files {params.files} {params.heading} {params.view} --out {output.page}"
        " > {log} 2> >(tee -a {log} >&2)"
