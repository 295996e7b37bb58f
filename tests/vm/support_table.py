"""The tables of docs/kernel-support.md: which hook the agent takes for what on which kernel, as `knell doctor` told in
the test machines, and what the tests miss on the older ones."""

import pathlib
import re

from plan import NEEDS

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "kernel-support.md"
COMMAND = "scripts/vm.sh table"
_OFF = "off"
_WITHOUT_IO_URING = "event_loop, io_uring refused"


def rows_of(doctor: dict, backend: str) -> dict[str, str]:
    """The hook of each feature. Where io_uring is refused, that is a row of its own, and the others stay as they are."""
    hooks = {row["feature"]: row.get("hook", _OFF) if row["on"] else _OFF for row in doctor["features"]}
    if backend == "epoll":
        hooks[_WITHOUT_IO_URING] = hooks.pop("event_loop")
    return hooks


def notes_of(doctor: dict, backend: str) -> dict[str, str]:
    """Why it is not a better hook."""
    notes = {row["feature"]: row["why_not"] for row in doctor["features"] if "why_not" in row}
    if backend == "epoll":
        notes[_WITHOUT_IO_URING] = notes.pop("event_loop", "")
    return notes


def write(kernels: dict[str, dict]) -> None:
    """`kernels`: for each series its "version", "rows" and "notes"."""
    parts = {"hooks": _hooks_table(kernels), "needs": _needs_table()}
    text = PAGE.read_text()
    for name, table in parts.items():
        text, count = re.subn(rf"(?s)(<!-- {name}: [^\n]*-->\n).*?(<!-- end -->)", lambda match, table=table:
                              match[1] + table + match[2], text)
        if count != 1:
            raise SystemExit(f"{PAGE} has {count} places for the table '{name}', not one")
    PAGE.write_text(text)


def _hooks_table(kernels: dict[str, dict]) -> str:
    features = list(next(iter(kernels.values()))["rows"])
    lines = ["| feature | " + " | ".join(f"Linux {series}" for series in kernels) + " |",
             "|---" * (len(kernels) + 1) + "|"]
    for feature in features:
        hooks = [kernel["rows"].get(feature, _OFF) for kernel in kernels.values()]
        lines.append(f"| {feature} | " + " | ".join(f"`{hook}`" for hook in hooks) + " |")
    lines.append("")
    for series, kernel in kernels.items():
        lines += [f"* Linux {series}, {feature}: {note}." for feature, note in kernel["notes"].items()]
    lines.append("* Versions: " + ", ".join(kernel["version"] for kernel in kernels.values()) + ".")
    return "\n".join(lines) + "\n"


def _needs_table() -> str:
    lines = ["| since | what | tests that are skipped on older kernels |", "|---|---|---|"]
    for need in NEEDS:
        lines.append(f"| {need.since} | {need.what} | " + ", ".join(f"`{test}`" for test in need.tests) + " |")
    return "\n".join(lines) + "\n"


def hooks_on_page(series: str) -> dict[str, str]:
    """The column of a series as the page has it."""
    table = re.search(r"<!-- hooks: [^\n]*-->\n((?:\|[^\n]*\n)+)", PAGE.read_text())
    if table is None:
        return {}
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]
    if f"Linux {series}" not in header:
        return {}
    column = header.index(f"Linux {series}")
    return {row[0]: row[column].strip("`") for row in rows}


def differences(series: str, rows: dict[str, str]) -> list[str]:
    page = hooks_on_page(series)
    return [f"{feature} is by '{hook}' here, by '{page.get(feature)}' in docs/kernel-support.md; "
            f"{COMMAND} writes it anew" for feature, hook in rows.items() if page.get(feature) != hook]
