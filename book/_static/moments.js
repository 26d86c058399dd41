// Figures over time: a slider puts any of a figure's panels in the place of the first, and the last stays beside it.
(() => {
  function start(figure) {
    const images = [...figure.querySelectorAll(".rv-row img")], first = images[0];
    const moments = images.map(({ src, alt, dataset }) => ({ src, alt, says: dataset.says }));
    const bar = figure.querySelector(".rv-moments-bar");
    const slider = bar.querySelector("input"), said = bar.querySelector("output");
    const show = () => {
      const { src, alt, says } = moments[+slider.value];
      Object.assign(first, { src, alt });
      said.textContent = says;
      slider.setAttribute("aria-valuetext", says);
    };
    slider.addEventListener("input", show);
    bar.hidden = false;
    show();
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".rv-moments").forEach(start));
})();
