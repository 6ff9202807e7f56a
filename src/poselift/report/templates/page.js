// A click on a column's heading sorts by it: rising, falling, as it was. What has no number stays last.
for (const table of document.querySelectorAll("table")) {
  const bodies = [...table.tBodies];
  const original = bodies.map((body) => [...body.rows]);
  const headings = [...table.tHead.rows].at(-1).cells;
  const key = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b
    : typeof a === typeof b ? a.localeCompare(b, "en", { numeric: true }) : 0;
  for (const [column, heading] of [...headings].entries()) {
    if (!heading.textContent.trim()) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[heading.getAttribute("aria-sort")];
      const order = next === undefined ? "ascending" : next;
      for (const each of headings) each.removeAttribute("aria-sort");
      original.forEach((rows, i) => bodies[i].append(...rows));
      if (!order) return;
      heading.setAttribute("aria-sort", order);
      const rows = original.flat();
      const numeric = rows.some((row) => typeof key(row, column) === "number");
      const last = (row) => numeric && typeof key(row, column) !== "number";
      rows.sort((a, b) =>
        last(a) - last(b) || compare(key(a, column), key(b, column)) * (order === "ascending" ? 1 : -1));
      bodies[0].append(...rows);
    });
  }
}
