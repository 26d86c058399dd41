// A code that goes down through a random layer and comes up again, while the reader drags its size and the image's.
// What comes back is drawn from the exact law of the chapter on one layer, at rho = 1:
// W'x = (2/n) |h| (S u + sqrt(S) P z), S ~ chi^2 with K ~ Binomial(n, 1/2) degrees, z ~ N(0, I), u = h/|h|, P = I - uu'.
(() => {
  const ENTRIES = 100;

  function random(seed) { // mulberry32: the same numbers in every browser
    let a = seed >>> 0;
    const uniform = () => {
      a = (a + 0x6d2b79f5) >>> 0;
      let t = Math.imul(a ^ (a >>> 15), a | 1);
      t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return { uniform, normal };
  }

  function chiSquare(degrees, draw) { // Marsaglia and Tsang (2000), for a shape of degrees / 2 >= 1
    if (degrees < 2) return degrees ? draw.normal() ** 2 : 0;
    const d = degrees / 2 - 1 / 3, c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = draw.normal(), v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - draw.uniform()) < x * x / 2 + d - d * v + d * Math.log(v)) return 2 * d * v;
    }
  }

  function back(code, pixels, offset, draw) { // what comes back of a code
    let kept = 0;
    for (let i = 0; i < pixels; i++) kept += draw.uniform() < 0.5;
    const length = Math.hypot(...code), S = chiSquare(kept, draw), scale = (2 / pixels) * length;
    const z = code.map(() => draw.normal()), along = code.reduce((sum, h, i) => sum + h * z[i], 0) / length;
    const b = offset ? -length * Math.sqrt((4 / pixels) * Math.log(ENTRIES)) : 0;
    return code.map((h, i) => Math.max(0, scale * (S * h / length + Math.sqrt(S) * (z[i] - along * h / length)) + b));
  }

  const squared = (values) => values.reduce((sum, v) => sum + v * v, 0);
  const error = (code, read) => squared(code.map((h, i) => h - read[i])) / squared(code);
  const codeOf = (on) => Array.from({ length: ENTRIES }, (_, i) => +((i * 37) % ENTRIES < on));

  function mean(on, pixels, offset, draws, seed) { // mean relative error over so many draws
    const draw = random(seed), code = codeOf(on);
    let sum = 0;
    for (let i = 0; i < draws; i++) sum += error(code, back(code, pixels, offset, draw));
    return sum / draws;
  }

  function start(box) {
    const part = (name) => box.querySelector(`[data-part="${name}"]`);
    const pixelsOf = () => Math.round(10 ** +part("t").value);
    let seed = 1;
    const squares = (name, values) => {
      const largest = Math.max(1, ...values);
      part(name).innerHTML = values.map((v, i) =>
        `<rect x="${10 * (i % 10)}" y="${10 * Math.floor(i / 10)}" width="9" height="9" fill-opacity="${(v / largest).toFixed(3)}"/>`).join("");
    };
    const show = () => {
      const on = +part("k").value, pixels = pixelsOf(), offset = part("offset").checked, code = codeOf(on);
      const read = back(code, pixels, offset, random(seed)), lost = error(code, read);
      squares("code", code);
      squares("read", read);
      part("k-is").textContent = on;
      part("t-is").textContent = pixels.toLocaleString("en");
      part("error").textContent = lost.toFixed(2);
      const average = mean(on, pixels, offset, 40, 7);
      part("says").textContent = `On average it loses ${average.toFixed(2)}. ` + (average < 0.1 ? "The code comes back."
        : average < 0.5 ? "The code shows through the noise." : "The code drowns.");
    };
    for (const name of ["k", "t", "offset"]) part(name).addEventListener("input", show);
    part("again").addEventListener("click", () => { seed += 1; show(); });
    show();
  }

  window.rvDrown = { mean };
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".rv-drown").forEach(start));
})();
