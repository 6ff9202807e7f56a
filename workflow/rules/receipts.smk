# Included after all rules: each of their jobs leaves a receipt of what it read and wrote, which the record of the
# paper is made from. Here, so that no rule can forget it and no command has to say it.
from poselift.files import bring_to_the_present
from poselift.provenance.receipt import write_receipt


def with_receipt(run):
    """What runs a job, followed by its receipt; inputs of a clock that was ahead get the present time."""

    def job(input, output, params, wildcards, threads, resources, log, rule, *rest):
        run(input, output, params, wildcards, threads, resources, log, rule, *rest)
        write_receipt(str(log), rule, dict(params.items()), input, output)
        bring_to_the_present(map(Path, input))

    return job


for each in workflow.rules:
    if each.run_func and each.output:
        each.run_func = with_receipt(each.run_func)
