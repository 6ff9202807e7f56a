# The protocol on every run and on the reference rows, and the cost of every model.

PLAYED = plan.played_runs(SETTINGS, GRID_RUNS)
PLAYED_FRAMES = SETTINGS.runs()[PLAYED[0]].n_frames
PLAYED_CODE = [entry for run in PLAYED for entry in SETTINGS.code_entries(run.split("-")[0])]


rule evaluate:
    input:
        unpack(clips_of_run),
        history="results/{dataset}/runs/{run}/history.json",
        weights=[
            ancient(f"results/{{dataset}}/runs/{{run}}/{checkpoint}_model.safetensors")
            for checkpoint in ("best", "last")
        ],
    output:
        report="results/{dataset}/evaluation/{run}.json",
        examples="results/{dataset}/evaluation/{run}-examples.npz",
    log:
        "results/{dataset}/logs/evaluate/{run}.log",
    benchmark:
        "results/{dataset}/benchmarks/evaluate/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        dataset=DATA.option,
        lifter=lifter,
    params:
        code=evaluation_code,
        store=subpath(input.frames, ancestor=2),
        folder=subpath(input.history, parent=True),
    shell:
        "python -m poselift.evaluation.evaluate --run {params.folder} --store {params.store} {resources.dataset}"
        " {resources.lifter} --out {output.report}"
        " > {log} 2> >(tee -a {log} >&2)"


# what the page plays: every model on the same few clips
rule shown_clips:
    input:
        **clips(PLAYED_FRAMES),
        history=expand(f"{RESULTS}/runs/{{run}}/history.json", run=PLAYED),
        examples=expand(f"{RESULTS}/evaluation/{{run}}-examples.npz", run=PLAYED),
        weights=ancient(
            expand(
                f"{RESULTS}/runs/{{run}}/{{checkpoint}}_model.safetensors",
                run=PLAYED,
                checkpoint=("best", "last"),
            )
        ),
    output:
        clips=f"{RESULTS}/evaluation/shown_clips.npz",
        digest=f"{RESULTS}/evaluation/shown_clips.sha256",
    log:
        f"{RESULTS}/logs/evaluate/shown_clips.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/shown_clips.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        lifters=plan.lifter_options(SETTINGS),
    params:
        code=code("poselift.evaluation.shown_clips", *PLAYED_CODE, "poselift.provenance.hashing"),
        folders=expand(f"{RESULTS}/runs/{{run}}", run=PLAYED),
        store=subpath(input.frames, ancestor=2),
    shell:
        "python -m poselift.evaluation.shown_clips --runs {params.folders} --examples {input.examples}"
        " --store {params.store} {resources.lifters} --out {output.clips}"
        " > {log} 2> >(tee -a {log} >&2)"
        " && python -m poselift.provenance.hashing {output.clips} --out {output.digest}"


rule references:
    input:
        **clips(SETTINGS.n_frames),
    output:
        report=f"{RESULTS}/evaluation/references.json",
    log:
        f"{RESULTS}/logs/evaluate/references.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/references.tsv"
    conda:
        ENVIRONMENT
    resources:
        dataset=DATA.named(SETTINGS.dataset),
    params:
        code=code("poselift.evaluation.references", *DATA.code_entries(SETTINGS.dataset)),
        store=subpath(input.frames, ancestor=2),
        n_frames=SETTINGS.n_frames,
    shell:
        "python -m poselift.evaluation.references --store {params.store} {resources.dataset}"
        " --n-frames {params.n_frames} --out {output.report}"
        " > {log} 2> >(tee -a {log} >&2)"


# of a model of the grid, or of the ablation where it has other hyper-parameters or frames
rule cost:
    output:
        table=f"{RESULTS}/cost/{{model}}.csv",
    log:
        f"{RESULTS}/logs/cost/{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/cost/{{model}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        lifter=lifter,
    params:
        code=cost_code,
        options=cost_options,
    shell:
        "python -m poselift.models.cost {params.options} {resources.lifter} --out {output.table}"
        " > {log} 2> >(tee -a {log} >&2)"
