"""The kinds of panel that the dashboards are made of, each with its looks: dashboards.py says what they show.

How Grafana wants it said is its own library's business.
"""

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models import dashboard as grafana
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = grafana.DataSourceRef("prometheus", "${datasource}")

# The one unit of each quantity, as Grafana calls it.
SECONDS, BYTES, SHARE, COUNT, PER_SECOND, BYTES_PER_SECOND = "s", "bytes", "percentunit", "short", "count:/s", "binBps"


def query(expression, legend):
    return prometheus.Dataquery().expr(expression).legend_format(legend).datasource(SOURCE)


def finish(panel, title, text, unit, width, height):
    panel.title(title).datasource(SOURCE).span(width).height(height)
    if text:
        panel.description(text)
    return panel.unit(unit) if unit else panel


def graph(title, unit, *queries, text="", width=12, log=False, stacked=False, none=None):
    """Lines over time: `queries` are pairs of an expression and its legend. Where there is nothing yet it says `none`."""
    panel = finish(timeseries.Panel(), title, text, unit, width, 8)
    panel.line_width(1).fill_opacity(25 if stacked else 0).show_points(models.VisibilityMode.NEVER)
    if none:
        panel.no_value(none)
    panel.tooltip(common.VizTooltipOptions().mode(models.TooltipDisplayMode.MULTI).sort(models.SortOrder.DESCENDING))
    legend = common.VizLegendOptions().display_mode(models.LegendDisplayMode.LIST).placement(models.LegendPlacement.BOTTOM)
    panel.legend(legend.show_legend(True))
    if log:
        panel.scale_distribution(common.ScaleDistributionConfig().type(models.ScaleDistribution.LOG).log(10))
    else:
        panel.min(0)
    if stacked:
        panel.stacking(common.StackingConfig().mode(models.StackingMode.NORMAL))
    for letter, (expression, legend) in zip("ABCDEFGH", queries):
        panel.with_target(query(expression, legend).range().ref_id(letter))
    return panel


def number(title, unit, expression, text="", bad=None, width=4):
    """How it stands now; red from `bad` on."""
    panel = finish(stat.Panel(), title, text, unit, width, 4).with_target(query(expression, "").range().ref_id("A"))
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.color_mode(models.BigValueColorMode.VALUE).graph_mode(models.BigValueGraphMode.AREA)
    steps = [grafana.Threshold(None, "green")] + ([grafana.Threshold(bad, "red")] if bad is not None else [])
    return panel.thresholds(dashboard.ThresholdsConfig().mode(grafana.ThresholdsMode.ABSOLUTE).steps(steps))


def heat(title, expression, text="", width=24):
    """How many took how long, over time: `expression` is of buckets by `le`."""
    panel = finish(heatmap.Panel(), title, text, None, width, 9)
    panel.with_target(query(expression, "{{le}}").format(PromQueryFormat.HEATMAP).range().ref_id("A"))
    panel.calculate(False).color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
    return panel.y_axis(heatmap.YAxisConfig().unit(SECONDS)).show_legend()


def rows(title, *columns, by, width=24):
    """A table with a row for each value of `by`: `columns` are a heading, a unit and an expression each."""
    panel = finish(table.Panel(), title, "", None, width, 8)
    names = {}
    for letter, (heading, unit, expression) in zip("ABCDEFGH", columns):
        panel.with_target(query(expression, "").format(PromQueryFormat.TABLE).instant().ref_id(letter))
        panel.override_by_name(heading, [grafana.DynamicConfigValue("unit", unit)])
        names[f"Value #{letter}"] = heading
    for id_val, options in (
        ("joinByField", {"byField": by, "mode": "outer"}),
        ("filterFieldsByName", {"include": {"pattern": f"/^{by}$|^Value/"}}),
        ("organize", {"renameByName": names}),
    ):
        panel.with_transformation(grafana.DataTransformerConfig(id_val, options=options))
    return panel


def section(title):
    return dashboard.Row(title)


def rate(counter, by="", matchers=""):
    """How often a second, summed over all processes but for the labels `by`."""
    return f"sum{f' by ({by}) ' if by else ''}(rate({counter}{f'{{{matchers}}}' if matchers else ''}[$__rate_interval]))"


def layers(layer, moment, more=""):
    """The recorded buckets of a layer, by `le` and model."""
    return f'narthex:layer_seconds_bucket:rate5m{{layer="{layer}",moment="{moment}"{more}}}'


def quantiles(buckets):
    """Of what is in `buckets`, all models and processes together: the 50th, 95th and 99th of a hundred."""
    return [(f"histogram_quantile({q}, sum by (le) ({buckets}))", f"p{round(q * 100)}") for q in (0.5, 0.95, 0.99)]


def chosen(name, label, metric):
    """A choice of one among the values of the label `name` of `metric`."""
    variable = dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(f"label_values({metric}, {name})")
    return variable.refresh(grafana.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(grafana.VariableSort.ALPHABETICAL_ASC)


def page(uid, title, text, *panels, variables=()):
    built = dashboard.Dashboard(title).uid(uid).description(text).tags(["narthex"]).readonly()
    built.refresh("30s").time("now-1h", "now").timezone("browser").tooltip(grafana.DashboardCursorSync.CROSSHAIR)
    others = dashboard.DashboardLink("Narthex").type(grafana.DashboardLinkType.DASHBOARDS).tags(["narthex"])
    built.link(others.keep_time(True).as_dropdown(True))
    built.with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    for variable in variables:
        built.with_variable(variable)
    for number_of_panel, panel in enumerate(panels, 1):
        panel.id(number_of_panel)
        (built.with_row if isinstance(panel, dashboard.Row) else built.with_panel)(panel)
    return built.build()
