// The two filters above the table of claims: rows that do not match are hidden, and the rest is counted.
document.addEventListener("DOMContentLoaded", () => {
  const filters = [...document.querySelectorAll("[data-rv-filter]")];
  const rows = [...document.querySelectorAll(".rv-verdicts tbody tr")];
  const shown = () => {
    for (const row of rows)
      row.hidden = filters.some((filter) => filter.value && row.dataset[filter.dataset.rvFilter] !== filter.value);
    document.querySelector(".rv-filters output").textContent = `${rows.filter((row) => !row.hidden).length} claims`;
  };
  for (const filter of filters) filter.addEventListener("change", shown);
  if (filters.length) shown(); // a browser keeps what was chosen when a page is loaded again
});
