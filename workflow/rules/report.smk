# The report, one page for those who do not open LaTeX, and the experimental setup, which is a part of it. They do
# not need the PDF.
TABLE_PAGES = expand(
    f"{RESULTS}/table_pages/{{page}}.html", page=TABLES.names(without=HIDDEN)
)  # for snakemake --report
PAGE_TEMPLATES = expand(f"{PAGES}/{{name}}", name=("table.html.j2", "page.html.j2", "page.css", "page.js"))
IMAGES = expand(f"{RESULTS}/figures/{{name}}.svg", name=FIGURES.names("svg", without=HIDDEN))
CAPTIONS = [str(Path(image).with_suffix(".json")) for image in IMAGES]
# for talks; the page plays its clips itself
ANIMATIONS = expand(f"{RESULTS}/figures/{{name}}.gif", name=FIGURES.names("gif", without=HIDDEN))
# as the table of results: larger than what Snakemake hashes by itself
CLIPS = {
    "clips": ancient(f"{RESULTS}/evaluation/shown_clips.npz"),
    "clips_digest": f"{RESULTS}/evaluation/shown_clips.sha256",
}
RUN_FOLDERS = [f"results/{folder}/runs/{run}" for folder, runs in SHOWN_RUNS.items() for run in runs]
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
        runs=expand("{folder}/metrics.json", folder=RUN_FOLDERS),
        records=expand("{folder}/{file}", folder=RUN_FOLDERS, file=RECORDED),
        sequences=ancient(
            expand("results/{dataset}/data/frames/{split}/sequences.json", dataset=SHOWN_RUNS, split=SPLITS)
        ),
        frames=expand("results/{dataset}/data/frames/manifest.json", dataset=SHOWN_RUNS),
        trials=[f"{SEARCH}/results.csv"] if SETTINGS.search.with_paper else [],
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
        software=plan.software_of(PINS),
    shell:
        "python -m poselift.report.setup --results {input.results} --costs {input.costs}"
        " --variant-costs {input.variant_costs} --frames {input.frames} --runs {input.runs}"
        " --trials {input.trials} --software {params.software} {params.view} --out {output.text}"
        " > {log} 2> >(tee -a {log} >&2)"


# as rule provenance, of what the paper does not have
rule report_provenance:
    input:
        parts=[
            *SHOWN_TABLES,
            *IMAGES,
            *ANIMATIONS,
            CLIPS["clips"],
            f"{RESULTS}/setup.md",
        ],
        digest=CLIPS["clips_digest"],
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
        **CLIPS,
        **FILES["costs"],
        **FILES["judgements"],
        evaluations=expand(f"{RESULTS}/evaluation/{{run}}.json", run=GRID_RUNS),
        tables=SHOWN_TABLES,
        figures=IMAGES,
        captions=CAPTIONS,
        setup=f"{RESULTS}/setup.md",
        prose=f"{RESULTS}/prose.json",
        record=f"{RESULTS}/report_provenance.json",
        templates=[
            *PAGE_TEMPLATES,
            *expand(f"{PAGES}/{{name}}.html.j2", name=("report", "figure", "lineage", "player", "prose")),
            f"{PAGES}/player.js",
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
        files=[
            *expand(
                f"{RESULTS}/{{name}}", name=("paper/main.pdf", "results.csv", "provenance.json", "setup.md")
            ),
            *ANIMATIONS,
        ],
    shell:
        "python -m poselift.report.page --results {input.results} --costs {input.costs}"
        " --judgements {input.judgements} --evaluations {input.evaluations} --tables {input.tables} --figures {input.figures}"
        " --clips {input.clips} --setup {input.setup} --prose {input.prose} --record {input.record}"
        " --files {params.files} {params.heading} {params.view} --out {output.page}"
        " > {log} 2> >(tee -a {log} >&2)"
