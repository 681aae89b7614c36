"""Looks at the dashboards in a browser: each panel draws what it asks for, each column of a table has its heading and values, and where
nothing is to be seen it says so.

    see-dashboards.py GRAFANA FOLDER      GRAFANA is a base URL; the pictures go into FOLDER

It needs the package playwright, and Debian's chromium.
"""

import json
import pathlib
import shutil
import sys
import time

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).parent.parent
# How long until everything may be expected to be there. Rates over five minutes have a value after two looks.
PATIENCE = 60
WIDTH, ROW = 1600, 38


def headings(panel):
    """The columns of a table."""
    steps = {step["id"]: step["options"] for step in panel["transformations"]}
    return [steps["joinByField"]["byField"], *steps["organize"]["renameByName"].values()]


def drawn(panel, shown):
    """What is missing of a panel that has something to show."""
    kind = panel["type"]
    if kind == "table":
        found = shown.get_by_role("columnheader").all_inner_texts()
        if found != headings(panel):
            return f"has the columns {found}"
        if not all(shown.get_by_role("cell").all_inner_texts()):
            return "has an empty cell"
    elif kind == "stat":
        if not any(letter.isdigit() for letter in shown.inner_text().replace(panel["title"], "", 1)):
            return "has no number"
    elif shown.locator("canvas").count() == 0:
        return "draws nothing"
    elif kind == "timeseries":
        names = [name for name in shown.get_by_role("button").all_inner_texts() if name]
        # What has no name is called by its labels, and what has none of these, so.
        if not names or any("{" in name or name == "Value" for name in names):
            return f"calls its lines {names}"
    return None


def wrong(panel, page):
    """What is wrong with a panel, as it is shown now."""
    shown = page.get_by_test_id(f"data-testid Panel header {panel['title']}")
    if shown.count() != 1:
        return f"is there {shown.count()} times"
    if shown.get_by_test_id("data-testid Panel status error").count() or shown.get_by_label("Panel status error").count():
        return "failed"
    nothing = panel.get("fieldConfig", {}).get("defaults", {}).get("noValue")
    if nothing and shown.get_by_text(nothing).count():
        return None
    if shown.get_by_text("No data").count():
        return "has no data"
    return drawn(panel, shown)


def see(browser, grafana, dashboard, folder):
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * ROW + 100
    page = browser.new_page(viewport={"width": WIDTH, "height": height})
    broken = []
    page.on("pageerror", lambda error: broken.append(f"the page broke: {error}"))
    page.goto(f"{grafana}/d/{dashboard['uid']}?from=now-1m&to=now&refresh=2s&kiosk")
    until = time.monotonic() + PATIENCE
    found = ["nothing was looked at"]
    while found and time.monotonic() < until:
        page.wait_for_timeout(500)
        found = [f"{panel['title']} {what}" for panel in panels if (what := wrong(panel, page))]
    page.screenshot(path=folder / f"{dashboard['uid'].replace('narthex', 'grafana')}.png")
    page.close()
    return len(panels), [f"{dashboard['title']}: {what}" for what in found + broken]


def main(grafana, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    dashboards = [json.loads(file.read_text()) for file in sorted(ROOT.glob("deploy/grafana/dashboards/*.json"))]
    with sync_playwright() as playwright:
        # It is this project's own pages that it reads, and a sandbox is not to be had by everybody.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        seen = [see(browser, grafana, dashboard, folder) for dashboard in dashboards]
    problems = [problem for _, found in seen for problem in found]
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(seen)} dashboards, {sum(count for count, _ in seen)} panels: all show what they should")


main(*sys.argv[1:])
