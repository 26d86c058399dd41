"""What axe finds wrong with a page, by day and by night."""

from axe_playwright_python.sync_playwright import DEFAULT_OPTIONS, Axe

# By night a page is the same one in other colours: there only the rules that look at colours are asked.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
RULES = {"light": DEFAULT_OPTIONS, "dark": {**DEFAULT_OPTIONS, "runOnly": OF_COLOURS}}


def violations(page, theme, part=None):
    """Those of a page, or of its parts that a selector names, under a theme; the page is left in the light one."""
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    found = Axe().run(page, context=part, options=RULES[theme]).response["violations"]
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    return found
