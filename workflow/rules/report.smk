# The report, one page for those who do not open LaTeX, and the experimental setup, which is a part of it. They do
# not need the PDF.
TABLE_PAGES = expand(
    f"{RESULTS}/table_pages/{{page}}.html", page=TABLES.names(without=HIDDEN)
)  # for snakemake --report
PAGE_TEMPLATES = expand(f"{PAGES}/{{name}}", name=("table.html.j2", "page.html.j2", "page.css", "page.js"))
IMAGES = [
    f"{RESULTS}/figures/{name}.{format}"
    for format in ("svg", "gif")
    for name in FIGURES.names(format, without=HIDDEN)
]
CAPTIONS = [str(Path(image).with_suffix(".json")) for image in IMAGES]
SECOND_RUNS = SHOWN_RUNS.get(f"{SETTINGS.dataset}/mpi_inf_3dhp", [])
RECORDED = ("config.yaml", "provenance.json")


rule table_page:
    input:
        table=f"{RESULTS}/tables/{{page}}.json",
        templates=PAGE_TEMPLATES,
    output:
        page=in_report(f"{RESULTS}/table_pages/{{page}}.html", "tables", "Tables", table="{page}"),
    log:
        f"{RESULTS}/logs/paper/table_page_{{page}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/table_page_{{page}}.tsv"
    wildcard_constraints:
        page="|".join(TABLES.names()),
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
        **FILES["costs"],
        **FILES["variant_costs"],
        runs=expand(f"{RESULTS}/runs/{{run}}/metrics.json", run=PAPER_RUNS),
        second_runs=expand(f"{SECOND_RESULTS}/runs/{{run}}/metrics.json", run=SECOND_RUNS),
        records=[
            *expand(f"{RESULTS}/runs/{{run}}/{{file}}", run=PAPER_RUNS, file=RECORDED),
            *expand(f"{SECOND_RESULTS}/runs/{{run}}/{{file}}", run=SECOND_RUNS, file=RECORDED),
        ],
        sequences=ancient([f"{STORE}/frames/{split}/sequences.json" for split in SPLITS]),
        frames=f"{STORE}/frames/manifest.json",
        second_frames=f"{SECOND_RESULTS}/data/frames/manifest.json" if SECOND else [],
        trials=[f"{SEARCH}/results.csv"] if SETTINGS.search.with_paper else [],
        pins=ancient("envs/constraints.txt"),
        template=f"{PAGES}/setup.md.j2",
    output:
        text=in_report(f"{RESULTS}/setup.md", "setup", "Paper", part="experimental setup"),
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
        second=f"--second-title {shlex.quote(SECOND.title)}" if SECOND else "",
    shell:
        "python -m poselift.report.setup --results {input.results} --costs {input.costs}"
        " --variant-costs {input.variant_costs} --frames {input.frames} --runs {input.runs}"
        " --second-frames {input.second_frames} --second-runs {input.second_runs} {params.second}"
        " --trials {input.trials} --pins {input.pins} {params.view} --out {output.text}"
        " > {log} 2> >(tee -a {log} >&2)"


# as rule provenance, of what the paper does not have
rule report_provenance:
    input:
        parts=[*SHOWN_TABLES, *IMAGES, f"{RESULTS}/setup.md"],
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
        code=code("poselift.provenance.record"),
        results=subpath(output.record, parent=True),
        frozen=list(FROZEN),
    shell:
        "python -m poselift.provenance.record --results {params.results} --parts {input.parts} --frozen {params.frozen}"
        " --pins {input.pins} --out {output.record}"
        " > {log} 2> >(tee -a {log} >&2)"


rule report_page:
    input:
        **TIDY,
        tables=SHOWN_TABLES,
        figures=IMAGES,
        captions=CAPTIONS,
        setup=f"{RESULTS}/setup.md",
        record=f"{RESULTS}/report_provenance.json",
        templates=[
            *PAGE_TEMPLATES,
            *expand(f"{PAGES}/{{name}}.html.j2", name=("report", "figure", "lineage")),
        ],
    output:
        page=in_report(f"{RESULTS}/report.html", "report", "Paper", part="all on one page"),
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
        files=expand(
            f"{RESULTS}/{{name}}", name=("paper/main.pdf", "results.csv", "provenance.json", "setup.md")
        ),
    shell:
        "python -m poselift.report.page --results {input.results} --tables {input.tables} --figures {input.figures}"
        " --setup {input.setup} --record {input.record}"
        " --files {params.files} {params.heading} {params.view} --out {output.page}"
        " > {log} 2> >(tee -a {log} >&2)"
