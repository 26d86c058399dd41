// How far a signal gets: a reader picks an activation and a depth. Every number shown was computed when the page was built.
(() => {
  const LEFT = 42, TOP = 8, WIDTH = 280, HEIGHT = 180;

  function start(box) {
    const part = (name) => box.querySelector(`[data-part="${name}"]`);
    const { s_w, s_b, depths, nets } = JSON.parse(part("data").textContent);
    const stepW = s_w[1] - s_w[0], stepB = s_b[1] - s_b[0];
    const x = (w) => LEFT + WIDTH * (w - s_w[0] + stepW / 2) / (stepW * s_w.length);
    const y = (b) => TOP + HEIGHT * (1 - (b - s_b[0] + stepB / 2) / (stepB * s_b.length));
    const text = (at, words, more = "") => `<text x="${at[0]}" y="${at[1]}" font-size="11" ${more}>${words}</text>`;

    function axes() {
      const ticks = [0.75, 1, 1.5, 2, 2.5].map((w) => text([x(w), TOP + HEIGHT + 14], w, 'text-anchor="middle"'));
      const sides = [0, 0.5, 1].map((b) => text([LEFT - 5, y(b) + 4], b, 'text-anchor="end"'));
      return [...ticks, ...sides, text([LEFT + WIDTH / 2, TOP + HEIGHT + 30], "s_w", 'text-anchor="middle"'),
        text([12, TOP + HEIGHT / 2], "s_b", 'text-anchor="middle"')].join("");
    }

    function squares(left) {
      const w = WIDTH / s_w.length, h = HEIGHT / s_b.length;
      return left.map((share, i) => {
        const column = i % s_w.length, row = Math.floor(i / s_w.length);
        const dark = Math.sqrt(share / 100).toFixed(3); // so that a hundredth is seen
        return `<rect x="${(LEFT + column * w).toFixed(1)}" y="${(TOP + HEIGHT - (row + 1) * h).toFixed(1)}" width="${w}" height="${h}" fill="#0173b2" fill-opacity="${dark}"/>`;
      }).join("");
    }

    function line(edge) {
      if (edge.length === 1) return `<circle cx="${x(edge[0][0])}" cy="${y(edge[0][1])}" r="5" fill="none" stroke="#d55e00" stroke-width="2.5"/>`;
      const shown = edge.filter(([w, b]) => w >= s_w[0] && w <= s_w[s_w.length - 1] && b <= s_b[s_b.length - 1]);
      return `<polyline points="${shown.map(([w, b]) => `${x(w).toFixed(1)},${y(b).toFixed(1)}`).join(" ")}" fill="none" stroke="#d55e00" stroke-width="2.5"/>`;
    }

    function show() {
      const net = nets[part("name").value], depth = +part("depth").value, left = net.left[depth];
      part("plane").innerHTML = squares(left) + axes() + line(net.edge);
      part("depth-is").textContent = `${depths[depth]} layer${depths[depth] > 1 ? "s" : ""}`;
      const most = Math.max(...left), dead = left.filter((share) => share < 1).length;
      const edge = net.edge.length > 1 ? "" : net.edge.length ? " Its edge is a single point." : " It has no edge.";
      part("says").textContent = `${net.name} after ${depths[depth]} layer${depths[depth] > 1 ? "s" : ""}: at best ${most} % is left, ` +
        `and in ${Math.round(100 * dead / left.length)} % of these nets less than a hundredth.${edge}`;
    }

    part("name").addEventListener("change", show);
    part("depth").addEventListener("input", show);
    show();
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".rv-reach").forEach(start));
})();
