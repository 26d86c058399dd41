"""What axe finds wrong with a page, by day and by night."""

from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import DEFAULT_OPTIONS, Axe

# By night a page is the same one in other colours: there only the rules that look at colours are asked.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
RULES = {"light": DEFAULT_OPTIONS, "dark": {**DEFAULT_OPTIONS, "runOnly": OF_COLOURS}}
# Axe looks for seconds at the contrast of thousands of texts that are all painted alike: here at the marked ones alone.
LOOKED_AT = "axe.configure({rules: [{id: 'color-contrast', selector: '[data-looked-at]'}]});"
ALIKE = 3  # how many texts that are painted in the same way are marked

# Marks, below what a selector names, the first visible elements of each way in which text is painted: its own colour
# and size, and whatever lies behind it, from its own background to the page's.
MARKED = """([part, alike]) => {
  for (const old of document.querySelectorAll("[data-looked-at]")) old.removeAttribute("data-looked-at");
  const behind = new Map([[null, ""]]), painted = new Map();
  const ground = (element) => {
    if (!behind.has(element)) {
      const style = getComputedStyle(element), bare = style.backgroundImage === "none" && style.opacity === "1";
      const own = bare && style.backgroundColor === "rgba(0, 0, 0, 0)" ? "" :
        `${style.backgroundColor} ${style.backgroundImage} ${style.opacity}/`;
      behind.set(element, own + ground(element.parentElement));
    }
    return behind.get(element);
  };
  const visible = {checkOpacity: true, checkVisibilityCSS: true};
  for (const root of document.querySelectorAll(part ?? "body"))
    for (const element of [root, ...root.querySelectorAll("*")]) {
      const texts = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
      if (!texts || !element.checkVisibility(visible)) continue;
      const style = getComputedStyle(element);
      const way = [style.color, style.fontSize, style.fontWeight, style.textShadow, ground(element)].join(" ");
      painted.set(way, (painted.get(way) ?? 0) + 1);
      if (painted.get(way) <= alike) element.dataset.lookedAt = "";
    }
}"""


def violations(page, theme, part=None):
    """Those of a page, or of its parts that a selector names, under a theme; the page is left in the light one."""
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    page.evaluate(MARKED, [part, ALIKE])
    found = Axe(AXE_SCRIPT + LOOKED_AT).run(page, context=part, options=RULES[theme]).response["violations"]
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    return found
