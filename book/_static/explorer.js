// The explorer of the law: five sliders over the grid that lies in the page, and a chart. It asks nothing of anybody.
document.addEventListener("DOMContentLoaded", () => {
  const part = (name) => document.getElementById(`rv-explorer-${name}`);
  if (!part("grid")) return;
  const grid = JSON.parse(part("grid").textContent);
  const names = Object.keys(grid.axes);
  const count = (number) => number.toLocaleString("en");

  // Where the sliders stand, as places on the axes. They alone remember it, so nothing that is shown can be stale.
  const places = () => Object.fromEntries(names.map((name) => [name, Number(part(name).value)]));
  const value = (at, name) => grid.axes[name][at[name]];
  // A table of the page is flat, the last of its axes running fastest.
  const look = (table, axes, at) => table[axes.reduce((row, name) => row * grid.axes[name].length + at[name], 0)];
  const error = (at) => look(grid.errors, names, at);
  const along = (name, at) => grid.axes[name].map((_, place) => ({ ...at, [name]: place }));
  const back = (at) => error(at) !== null && error(at) < grid.edge;

  function state(at) {
    if (error(at) === null) return "none";
    if (back(at)) return "back";
    return error(at) < look(grid.constant, ["m", "k"], at) ? "part" : "nothing";
  }

  function words(at) {
    if (value(at, "k") >= value(at, "m")) return "There is no such code: as many entries are on as it has, or more.";
    if (value(at, "n") < value(at, "m")) return "There is no such net here: the image is narrower than its code.";
    if (error(at) === null) return "There is no such net here: dropout can leave a whole hidden layer silent.";
    if (back(at)) return `The code comes back: its error is below ${grid.edge}, the line of the map.`;
    const enough = along("n", at).find(back);
    return [
      state(at) === "part" ? "Part of the code is lost." : "Nothing is read: one number at every entry is a better answer.",
      enough ? `It takes ${count(value(enough, "n"))} pixels.` : "No image on this grid is large enough.",
    ].join(" ");
  }

  function tell(at) {
    for (const name of names) {
      const shown = count(value(at, name));
      part(name).setAttribute("aria-valuetext", shown);
      part(name).parentElement.querySelector("output").textContent = shown;
    }
    part("error").textContent = error(at) === null ? "–" : error(at).toPrecision(grid.digits);
    part("words").textContent = words(at);
    document.getElementById("rv-explorer").dataset.state = state(at);
    for (const name of ["caution", "net", "simulate"]) part(name).hidden = error(at) === null;
    if (error(at) !== null) tellNet(at);
  }

  function tellNet(at) {
    const widths = look(grid.widths, ["n", "m", "depth"], at);
    const rho = value(at, "rho");
    const kept = rho * widths.at(-2);
    part("caution").hidden = kept >= grid.few || state(at) === "nothing";
    part("widths").textContent = widths.map(count).join(" → ");
    part("t").textContent = count(Number(kept.toPrecision(3)));
    part("ratio").textContent = Number((value(at, "k") / kept).toPrecision(2));
    const options = [`--widths ${widths}`, `--rho ${widths.slice(1).map(() => rho)}`, `--k ${value(at, "k")}`];
    const command = ["reversible simulate multi-layer", ...options, "--offset optimal"];
    part("simulate").querySelector("code").replaceChildren(
      ...command.flatMap((words) => [Object.assign(document.createElement("span"), { textContent: words }), " "]),
    );
  }

  // --- the chart: colours are the style sheet's, so that a change of theme needs no drawing ---------------------------

  const small = { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400 };
  const colour = (name) => ({ value: `var(--rv-${name})` });
  const layers = { scale: "colour", field: "depth" };
  const place = { x: { scale: "x", field: "n" }, y: { scale: "y", field: "error" } };
  const least = Math.min(...grid.errors.filter((found) => found !== null));
  const decades = [1, 0.1, 0.01, 0.001, 0.0001].filter((decade) => decade > least);

  const line = {
    ...place,
    stroke: layers,
    strokeDash: { scale: "dash", field: "depth" },
    strokeWidth: [{ test: "datum.depth === depth", value: 3.5 }, { value: 1.5 }],
  };
  const edge = {
    x: { value: 0 },
    x2: { signal: "width" },
    y: { scale: "y", value: grid.edge },
    stroke: colour("edge"),
    strokeDash: { value: [2, 3] },
    strokeWidth: { value: 2 },
  };
  const dot = { ...place, size: { value: 22 }, fill: layers };
  const here = { ...place, size: { value: 200 }, fill: layers, stroke: colour("ground"), strokeWidth: { value: 3 } };
  const drawn = (type, data, update) => ({ type, from: data && { data }, encode: { update }, aria: false });

  const spec = {
    height: 320,
    padding: 5,
    autosize: { type: "fit", contains: "padding" },
    config: { aria: false, font: "system-ui, sans-serif", axis: small, legend: small },
    signals: [{ name: "depth" }, { name: "n" }],
    data: [
      { name: "law" },
      { name: "chosen", source: "law", transform: [{ type: "filter", expr: "datum.depth === depth && datum.n === n" }] },
    ],
    scales: [
      { name: "x", type: "log", range: "width", domain: [grid.axes.n[0], grid.axes.n.at(-1)], padding: 8 },
      { name: "y", type: "log", range: "height", domain: [least, grid.nothing], padding: 8 },
      { name: "colour", type: "ordinal", domain: grid.axes.depth, range: [1, 2, 3, 4].map((i) => `var(--rv-line-${i})`) },
      { name: "dash", type: "ordinal", domain: grid.axes.depth, range: [[1, 0], [7, 3], [3, 3], [9, 3, 2, 3]] },
    ],
    axes: [
      { scale: "x", orient: "bottom", title: "pixels of the image", values: grid.axes.n, format: ",", labelOverlap: true, labelSeparation: 8 },
      { scale: "y", orient: "left", title: "error of the top code", values: decades, format: "~g", grid: true },
      { scale: "y", orient: "left", values: [grid.edge], domain: false },
    ],
    legends: [
      {
        title: "layers", titleOrient: "left", orient: "top", direction: "horizontal", stroke: "colour",
        strokeDash: "dash", symbolType: "stroke", symbolSize: 500, symbolStrokeWidth: 2.5,
      },
    ],
    marks: [
      drawn("rule", null, edge),
      {
        type: "group",
        aria: false,
        from: { facet: { name: "one", data: "law", groupby: "depth" } },
        encode: { update: { zindex: [{ test: "datum.depth === depth", value: 1 }, { value: 0 }] } },
        marks: [drawn("line", "one", line), drawn("symbol", "one", dot)],
      },
      drawn("symbol", "chosen", here),
    ],
  };

  const points = (at) =>
    along("depth", at)
      .flatMap((other) => along("n", other))
      .map((other) => ({ n: value(other, "n"), depth: value(other, "depth"), error: error(other) }))
      .filter((point) => point.error !== null);

  function draw(at) {
    if (!view) return;
    const found = error(at) === null ? "none is chosen" : `chosen: ${value(at, "depth")}, ${part("error").textContent}`;
    part("chart").setAttribute("aria-label", `Error of the top code over pixels, a line for each number of layers; ${found}`);
    view.data("law", points(at)).signal("depth", value(at, "depth")).signal("n", value(at, "n")).runAsync();
  }

  function update() {
    tell(places());
    draw(places());
  }

  let view;
  if (window.vega) {
    view = new window.vega.View(window.vega.parse(spec), { renderer: "svg", container: part("chart") });
    new ResizeObserver(() => view.width(part("chart").clientWidth).runAsync()).observe(part("chart"));
  }
  for (const name of names) part(name).disabled = false;
  document.querySelector("#rv-explorer form").addEventListener("input", update);
  update();
});
