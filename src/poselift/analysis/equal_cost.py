"""Which models stand beside a baseline of no fewer parameters: does one win by its size alone?"""

from poselift.analysis.costs import Cost
from poselift.analysis.intervals import Model, Pair
from poselift.analysis.view import Grid


def pairs(grid: Grid, costs: dict[tuple[str, str], Cost]) -> list[Pair]:
    """Each model of the grid, and the smallest one of its base architecture that has at least as many
    parameters; without those that are larger than all of these, or not counted."""
    rivals = sorted(
        (costs[key].parameters, key) for key in ((grid.base, size) for size in grid.sizes) if key in costs
    )
    return [
        (Model(architecture, size), Model(*rival))
        for size in grid.sizes
        for architecture in grid.architectures
        if architecture != grid.base and (cost := costs.get((architecture, size)))
        if (rival := next((key for parameters, key in rivals if parameters >= cost.parameters), None))
    ]
