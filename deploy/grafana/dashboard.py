#!/usr/bin/env python3
"""Prints the Grafana dashboard. The copy beside it, which users import, is written by

deploy/grafana/dashboard.py >deploy/grafana/knell.json
"""

import json

WIDTH = 24  # of Grafana's grid
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
AGENT = 'job=~"$job",cluster=~"$cluster",instance=~"$instance"'
WORKLOAD = f'{AGENT},namespace=~"$namespace"'
NOW, SHOWN = "$__rate_interval", "$__range"
PLACE = "namespace, container, unit"
PLACE_COLUMNS = {"namespace": "Namespace", "container": "Container", "unit": "Unit"}
PLACE_LEGEND = "{{namespace}} {{container}}{{unit}}"


def agent(metric: str, *matchers: str) -> str:
    return f"{metric}{{{','.join([AGENT, *matchers])}}}"


def workload(metric: str, *matchers: str) -> str:
    return f"{metric}{{{','.join([WORKLOAD, *matchers])}}}"


def summed(expression: str, by: str) -> str:
    return f"sum by ({by}) ({expression})" if by else f"sum({expression})"


def rate(counter: str, by: str = "") -> str:
    return summed(f"rate({counter}[{NOW}])", by)


def growth(counter: str, window: str, by: str = "") -> str:
    return summed(f"increase({counter}[{window}])", by)


def deaths(counter: str, window: str, by: str = "") -> str:
    """The growth of series that may appear with their first death: what was not there before counts from zero. See
    deploy/prometheus/rules/workloads.yaml."""
    return summed(f"({counter} unless {counter} offset {window}) or increase({counter}[{window}])", by)


def quantile(share: float, buckets: str) -> str:
    return f"histogram_quantile({share}, {buckets})"


def target(expression: str, legend: str = "", kind: str = "time_series", instant: bool = False) -> dict:
    return {"datasource": DATASOURCE, "editorMode": "code", "expr": expression, "legendFormat": legend or "__auto",
            "format": kind, "instant": instant, "range": not instant}


def panel(kind: str, title: str, description: str, targets: list[dict], width: int, height: int, unit: str,
          options: dict, custom: dict | None = None, **more) -> dict:
    for letter, each in zip("ABCDEFGH", targets):
        each["refId"] = letter
    defaults = {"unit": unit, "custom": custom or {}, **more.pop("defaults", {})}
    return {"type": kind, "title": title, "description": description, "datasource": DATASOURCE, "targets": targets,
            "gridPos": {"w": width, "h": height}, "options": options,
            "fieldConfig": {"defaults": defaults, "overrides": []}, **more}


def stat(title: str, description: str, expression: str, unit: str = "short", alarming: bool = False) -> dict:
    """`alarming`: anything but zero has the colour of a warning."""
    steps = [{"color": "text", "value": None}] + ([{"color": "orange", "value": 0.5}] if alarming else [])
    return panel("stat", title, description, [target(expression, instant=True)], 4, 4, unit,
                 {"colorMode": "value", "graphMode": "none", "textMode": "value",
                  "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
                 defaults={"noValue": "0", "thresholds": {"mode": "absolute", "steps": steps}}
                 | ({"decimals": 0} if unit == "short" else {}))


def series(title: str, description: str, targets: list[dict], unit: str = "short", width: int = 12,
           stacked: bool = False, bars: bool = False) -> dict:
    custom = {"drawStyle": "bars" if bars else "line", "fillOpacity": 60 if stacked or bars else 10, "lineWidth": 1,
              "showPoints": "never", "stacking": {"group": "A", "mode": "normal" if stacked else "none"}}
    return panel("timeseries", title, description, targets, width, 8, unit,
                 {"legend": {"calcs": ["max"], "displayMode": "table", "placement": "right", "showLegend": True},
                  "tooltip": {"mode": "multi", "sort": "desc"}}, custom, defaults={"min": 0})


def heat_map(title: str, description: str, buckets: str, width: int = 8) -> dict:
    """`buckets`: of a histogram, summed by their bounds."""
    return panel("heatmap", title, description, [target(buckets, "{{le}}", "heatmap")], width, 8, "short",
                 {"calculate": False, "cellGap": 1, "cellValues": {"unit": "short"},
                  "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "fill": "dark-orange",
                            "scale": "exponential", "reverse": False},
                  "exemplars": {"color": "rgba(255,0,255,0.7)"}, "filterValues": {"le": 1e-9},
                  "legend": {"show": True}, "rowsFrame": {"layout": "auto"}, "showValue": "never",
                  "tooltip": {"mode": "single", "yHistogram": True},
                  "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "s"}})


def table(title: str, description: str, expression: str, columns: dict[str, str], value: str) -> dict:
    """Columns of labels, in this order, with their headings; `value`: the heading of the last."""
    columns = columns | {"Value": value}
    shown = {"indexByName": {name: at for at, name in enumerate(columns)}, "renameByName": columns,
             "excludeByName": {"Time": True}}
    return panel("table", title, description, [target(expression, kind="table", instant=True)], 12, 8, "short",
                 {"cellHeight": "sm", "showHeader": True, "sortBy": [{"displayName": value, "desc": True}]},
                 {"align": "auto", "filterable": True}, defaults={"decimals": 0},
                 transformations=[{"id": "organize", "options": shown}])


def row(title: str, *panels: dict) -> tuple[str, tuple[dict, ...]]:
    return title, panels


EXITS = workload("knell_process_exits_total")
FAILURES = workload("knell_process_exits_total", 'reason!="success"')
CRASHES = workload("knell_process_exits_total", 'reason=~"crash|seccomp"')
OOM_KILLS = workload("knell_oom_kills_total")
KILLS = workload("knell_process_kills_total")
KILLS_BY_OTHERS = workload("knell_process_kills_total", 'killer!~"self|kernel"')
BAD_CODES = workload("knell_process_exit_codes_total", 'code!="0"')
STOP_TIMES = workload("knell_termination_seconds_bucket")
REAP_TIMES = workload("knell_exit_reap_seconds_bucket")
TERMINATION = deaths(STOP_TIMES, NOW, "le")
REAP = deaths(REAP_TIMES, NOW, "le")
TEARDOWN = growth(agent("knell_exit_teardown_seconds_bucket"), NOW, "le")
REACTION = growth(agent("knell_exit_reaction_seconds_bucket"), NOW, "le")
NOT_WATCHED = agent("knell_watch_refused_total", 'why=~"full|descriptors|memory"')

OVERVIEW = row(
    "Overview",
    stat("Nodes", "Agents that answer.", f"count({agent('knell_build_info')})"),
    stat("Deaths per second", "Processes that ended, for any reason.", rate(EXITS), "cps"),
    stat("OOM kills", "In the time that is shown.", deaths(OOM_KILLS, SHOWN), alarming=True),
    stat("Crashes", "Faults, abort() and seccomp, in the time that is shown.", deaths(CRASHES, SHOWN), alarming=True),
    stat("Killed by others", "Deaths by a signal of another process, in the time that is shown.",
         deaths(KILLS_BY_OTHERS, SHOWN)),
    stat("Zombies", "Ended and not collected, now.", f"sum({workload('knell_zombies')})"),
    series("Deaths by reason", "docs/causes.md says what each reason means.",
           [target(f"{rate(EXITS, 'reason')} > 0", "{{reason}}")], "cps", stacked=True),
    series("OOM kills by workload", "Each process that the kernel killed for memory, also in containers that live on. "
           "Empty: there was none.",
           [target(f"{deaths(OOM_KILLS, NOW, f'{PLACE}, scope')} > 0", f"{PLACE_LEGEND} ({{{{scope}}}})")],
           bars=True, stacked=True),
    table("Who kills whom", "Deaths by signal in the time that is shown, by the class of the sender.",
          f"topk(50, {deaths(KILLS, SHOWN, f'killer, signal, {PLACE}')} > 0)",
          {"killer": "Killer", "signal": "Signal"} | PLACE_COLUMNS, "Deaths"),
    series("Kills by killer", "Deaths by signal, by who sent it.",
           [target(f"{deaths(KILLS, NOW, 'killer, signal')} > 0", "{{killer}} {{signal}}")], bars=True, stacked=True),
    table("Workloads that fail", "Deaths for another reason than success in the time that is shown.",
          f"topk(50, {deaths(FAILURES, SHOWN, f'reason, {PLACE}')} > 0)", PLACE_COLUMNS | {"reason": "Reason"},
          "Deaths"),
    series("Exit codes other than 0", "By convention 126 is not executable, 127 not found.",
           [target(f"{rate(BAD_CODES, 'code')} > 0", "{{code}}")], "cps", stacked=True),
)

STOPS = row(
    "Stops",
    heat_map("First stop request to exit", "Whatever the exit was: a row at the grace period is what had to be killed.",
             TERMINATION, 12),
    series("Slowest stops", "90 % of a workload's stops were done within this time.",
           [target(f"topk(10, {quantile(0.9, deaths(STOP_TIMES, NOW, f'le, {PLACE}'))})", PLACE_LEGEND)], "s"),
)

REACTIONS = row(
    "Reaction",
    heat_map("Teardown", "Last thread ended to parent told: the kernel frees memory and files.", TEARDOWN),
    heat_map("Reaction", "Parent told to the agent awake: how fast anybody can react on this node.", REACTION),
    heat_map("Reap", "Parent told to zombie collected; Linux 6.9 and later.", REAP),
    series("Quantiles", "Of all nodes and workloads that are selected.",
           [target(quantile(share, buckets), f"{name} p{share * 100:g}")
            for name, buckets in [("teardown", TEARDOWN), ("reaction", REACTION), ("reap", REAP)]
            for share in (0.5, 0.99)], "s"),
    series("Slowest parents", "90 % of a workload's dead processes were collected within this time.",
           [target(f"topk(10, {quantile(0.9, deaths(REAP_TIMES, NOW, f'le, {PLACE}'))})", PLACE_LEGEND)], "s"),
)

ZOMBIES = row(
    "Zombies",
    series("Zombies by workload", "Ended and not collected by their parent. Empty: there was none.",
           [target(f"topk(10, sum by ({PLACE}) ({workload('knell_zombies')}) > 0)", PLACE_LEGEND)]),
    series("Oldest zombie", "Age of the oldest in each workload.",
           [target(f"topk(10, max by ({PLACE}) ({workload('knell_zombie_oldest_seconds')}) > 0)", PLACE_LEGEND)], "s"),
)

AGENTS = row(
    "Agent",
    series("Exits: seen = delivered + spilled + unaccounted", "Spilled: counted without details. Unaccounted: lost.",
           [target(rate(agent(f"knell_exits_{what}_total")), what)
            for what in ("seen", "delivered", "spilled", "unaccounted")], "cps"),
    series("Lost or refused", "All of it is to be zero.",
           [target(growth(lost, NOW), legend) for lost, legend in [
               (agent("knell_event_lines_lost_total"), "JSON lines"),
               (agent("knell_series_overflow_total"), "series"),
               (agent("knell_unattributed_exits_total"), "places"),
               (agent("knell_unnamed_containers_total"), "names of containers"),
               (agent("knell_decode_errors_total"), "records"),
               (NOT_WATCHED, "watches")]], bars=True),
    series("Ring", "How full the ring between kernel and agent is, on the node where it is fullest.",
           [target(f"max({agent('knell_ring_bytes')} / {agent('knell_ring_capacity_bytes')})", "fullest")],
           "percentunit", 8),
    series("Watches", "Processes of which the agents hold a pidfd.",
           [target(f"sum by (state) ({agent('knell_watches')})", "{{state}}"),
            target(f"sum({agent('knell_watch_capacity')})", "capacity")], width=8),
    series("Tables", "How full each table is, on the node where it is fullest.",
           [target(f"max by (table) ({agent('knell_table_entries')} / {agent('knell_table_capacity')})", "{{table}}")],
           "percentunit", 8),
    series("CPU", "Of each agent; 100 % is one processor.",
           [target(f"topk(10, rate({agent('process_cpu_seconds_total')}[{NOW}]))", "{{instance}}")], "percentunit", 8),
    series("Resident memory", "Of each agent.",
           [target(f"topk(10, {agent('process_resident_memory_bytes')})", "{{instance}}")], "bytes", 8),
    series("Series", "Of all workloads of each agent.", [target(f"topk(10, {agent('knell_series')})", "{{instance}}")],
           width=8),
    series("Births", "Processes created and programs executed.",
           [target(rate(agent("knell_processes_forked_total")), "forks"),
            target(rate(agent("knell_processes_execed_total")), "execs")], "cps"),
    series("pidfds created", "By which way; those of the agent itself are not counted.",
           [target(rate(agent("knell_pidfds_created_total"), "via"), "{{via}}")], "cps"),
    table("Features", "An empty hook is a feature that is off; knell doctor on that node says why.",
          f"count by (feature, hook) ({agent('knell_feature_info')})", {"feature": "Feature", "hook": "Hook"}, "Nodes"),
    table("Versions", "More than one during an update.",
          f"count by (version, revision, libbpf, liburing) ({agent('knell_build_info')})",
          {"version": "Version", "revision": "Revision", "libbpf": "libbpf", "liburing": "liburing"}, "Nodes"),
)


def laid_out(rows: list[tuple[str, tuple[dict, ...]]]) -> list[dict]:
    """All panels at their places: from left to right, then below."""
    placed, y = [], 0
    for title, panels in rows:
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        x, y = 0, y + 1
        for each in panels:
            place = each["gridPos"]
            place["x"], place["y"] = x, y
            placed.append(each)
            x += place["w"]
            if x == WIDTH:
                x, y = 0, y + place["h"]
    for number, each in enumerate(placed, 1):
        each["id"] = number
    return placed


def variable(name: str, label: str, metric: str) -> dict:
    """The values of a label. All stands for series without it, too."""
    return {"type": "query", "name": name, "label": label, "datasource": DATASOURCE,
            "query": {"query": f"label_values({metric}, {name})", "refId": name}, "refresh": 2, "sort": 1,
            "multi": True, "includeAll": True, "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}


DASHBOARD = {
    "title": "knell: why processes died",
    "uid": "knell",
    "description": "Why every process on a node died, who killed it, and how long it took anyone to notice.",
    "tags": ["knell"],
    "schemaVersion": 39,
    "version": 1,
    "editable": True,
    "graphTooltip": 1,  # one cross-hair in all panels
    "timezone": "browser",
    "refresh": "30s",
    "time": {"from": "now-3h", "to": "now"},
    "timepicker": {},
    "links": [],
    "annotations": {"list": [{
        "name": "Alerts", "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": "orange",
        "expr": 'ALERTS{alertname=~"Knell.*",alertstate="firing",' + AGENT + "}", "titleFormat": "{{alertname}}",
        "textFormat": PLACE_LEGEND, "step": "60s"}]},
    "templating": {"list": [
        {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus",
         "includeAll": False, "multi": False, "refresh": 1},
        variable("job", "Job", "knell_build_info"),
        variable("cluster", "Cluster", 'knell_build_info{job=~"$job"}'),
        variable("instance", "Node", 'knell_build_info{job=~"$job",cluster=~"$cluster"}'),
        variable("namespace", "Namespace", f"knell_process_exits_total{{{AGENT}}}"),
    ]},
    "panels": laid_out([OVERVIEW, STOPS, REACTIONS, ZOMBIES, AGENTS]),
}

if __name__ == "__main__":
    print(json.dumps(DASHBOARD, indent=2))
