# Included after all rules: each of their jobs leaves a receipt of what it read and wrote, which the record of the
# paper is made from. Here, so that no rule can forget it and no command has to say it. Rules of a workflow that
# includes this one as a module are left alone.
from collections import ChainMap

from poselift.analysis.remarks import last_remarks
from poselift.machine.build_lock import name_holder
from poselift.machine.scheduler import take_usual_limit_away
from poselift.provenance.receipts import left_missing, link_notes, with_receipt

OUTSIDE = ChainMap(*CONTENT.values())
with reported():
    for each in workflow.rules:
        if each.run_func and each.output and each.run_func not in OF_OTHERS:
            each.run_func = with_receipt(each.run_func, MANIFESTS, OUTSIDE)

# what jobs that failed should have written: Snakemake would not ask for it while what comes after it is there
LEFT_MISSING = [
    path
    for path in left_missing(Path(RESULTS))
    if plan.in_paper(path, SETTINGS, SHOWN_RUNS) and any(each.is_producer(path) for each in workflow.rules)
]


# reading the workflow writes nothing: what a build needs is written when one starts
onstart:
    atexit.unregister(print)
    name_holder()
    take_usual_limit_away(workflow.scheduler)
    with reported():
        for folder, held in CONTENT.items():
            DATA.require(folder, held)
    print(*DOUBTS, sep="\n", end="\n" if DOUBTS else "", file=sys.stderr)
    link_notes(Path("results"), create=True)
    for folder, source in DATA.sources.items():
        outside.contents(source.files(), Path("results", folder), keep=True)


onsuccess:
    with reported():
        for remark in last_remarks(Path(RESULTS)):
            print(f"warning: {remark}", file=sys.stderr)


# notes that came with results from another checkout
link_notes(Path("results"))
