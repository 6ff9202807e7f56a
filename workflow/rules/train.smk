# One job a run of the grid. Its unfinished state lies in <run>/state, undeclared, so that Snakemake leaves it
# alone when it clears the outputs of a job that failed.


rule train:
    input:
        unpack(training_clips),
    output:
        best=f"{RESULTS}/runs/{{run}}/best_model.safetensors",
        last=f"{RESULTS}/runs/{{run}}/last_model.safetensors",
        metrics=f"{RESULTS}/runs/{{run}}/metrics.json",
        settings=f"{RESULTS}/runs/{{run}}/config.yaml",
        training_log=f"{RESULTS}/runs/{{run}}/training.log",
        record=f"{RESULTS}/runs/{{run}}/provenance.json",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{run}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **processes_of(RUNS),
        # how a machine trains changes no weights: a resource, unlike a parameter, makes nothing stale
        execution=sections.options(SETTINGS.execution),
    params:
        code=training_code,
        options=run_options,
        store=subpath(input.frames, ancestor=2),
        folder=subpath(output.metrics, parent=True),
    shell:
        "{resources.launcher} python -m poselift.training.train --store {params.store} --out {params.folder}"
        " --threads {threads} {params.options} {resources.execution}"
        " > {log} 2> >(tee -a {log} >&2)"
