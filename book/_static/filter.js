// Tables: the two filters above the claims hide rows that do not match, and count the rest; a box takes the keyboard
// only where it scrolls; and a row that a phone shows as a block stays a row to a screen reader.
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

  const boxes = [...document.querySelectorAll(".rv-scroll")];
  const scrolls = (box) => box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
  const reach = () => boxes.forEach((box) => (scrolls(box) ? (box.tabIndex = 0) : box.removeAttribute("tabindex")));
  const watch = new ResizeObserver(reach); // what a box holds is laid out again too, when its fonts have come
  for (const box of boxes) for (const part of [box, ...box.children]) watch.observe(part);

  const roles = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", th: "columnheader", td: "cell" };
  for (const table of document.querySelectorAll(".rv-verdicts"))
    for (const part of [table, ...table.querySelectorAll("*")]) {
      const role = roles[part.localName];
      if (role) part.setAttribute("role", role);
    }
});
