"""Who may include whom: the map of the README, as a table."""

import re
from collections.abc import Iterator

from tree import CODE, Tree, folder_of, within

# What a folder may include of other folders, and link. A single header is a contract that stands without its folder.
MAY_INCLUDE = {
    "bpf": (),
    "agent/base": (),
    "agent/privilege": ("agent/base",),
    # Installed for others: without the part of base that needs other libraries.
    "agent/pidfd": ("agent/base/clock.hpp", "agent/base/fd.hpp", "agent/base/file.hpp", "agent/base/result.hpp",
                    "agent/base/signals_blocked.hpp"),
    "agent/probe": ("agent/base", "bpf/events.h"),
    "agent/loop": ("agent/base",),
    "agent/cause": ("bpf/events.h",),
    "agent/attribution": ("agent/base",),
    "agent/event": ("agent/base", "agent/cause", "agent/attribution"),
    "agent/ledger": ("agent/base", "agent/cause", "agent/attribution", "agent/event"),
    "agent/watch": ("agent/base", "agent/pidfd", "agent/loop", "agent/probe/slots.hpp", "bpf/events.h"),
    "agent/input": ("agent/base", "agent/cause/reason.hpp"),
    # Of other rooms plain data alone, which is filled here and used there.
    "agent/config": ("agent/base", "agent/input", "agent/cause/reason.hpp", "agent/attribution/options.hpp",
                     "agent/ledger/limits.hpp", "agent/loop/backend_choice.hpp", "agent/probe/options.hpp",
                     "agent/watch/options.hpp"),
    "agent/observer": ("agent/base", "agent/pidfd", "agent/probe", "agent/loop", "agent/cause", "agent/attribution",
                       "agent/event", "agent/ledger", "agent/watch", "bpf/events.h"),
    "exporters/jsonl": ("agent/base", "agent/event"),
    "exporters/wording": ("agent/base", "agent/event"),
    "exporters/console": ("agent/base", "agent/event", "exporters/jsonl", "exporters/wording"),
    # status.hpp: plain data, what the agent tells of itself. stat.hpp: what /proc tells of any process, here of us.
    "exporters/prometheus": ("agent/base", "agent/pidfd/stat.hpp", "agent/cause/reason.hpp", "agent/event", "agent/ledger",
                             "agent/observer/status.hpp", "agent/input/listen_address.hpp", "exporters/wording"),
    # The programs join the rooms.
    "agent/cli": ("agent", "exporters", "bpf/events.h"),
    "agent/pidctl": ("agent/base", "agent/pidfd", "agent/cause/reason.hpp", "agent/input", "agent/cli"),
    "bench": ("agent", "exporters"),
    "tests": ("agent", "exporters", "bpf/events.h", "tests"),
    "examples": ("agent/pidfd",),
}

# Libraries and headers that are for some folders alone, as they are included.
ONLY_IN = {
    "<bpf/": ("bpf", "agent/probe", "tests/bpf"),
    "<liburing.h": ("agent/loop", "bench/bare_uring.cpp", "tests/unit/loop/uring_test.cpp"),
    "<sys/capability.h": ("agent/privilege",),
    "<seccomp.h": ("agent/privilege",),
    "<yaml-cpp/": ("agent/config",),
    "<microhttpd.h": ("exporters/prometheus",),
    "<prometheus/": ("exporters/prometheus", "bench/scrape_text.cpp", "bench/micro/ledger_bench.cpp"),
    "<CLI/": ("agent/cli", "bench/main.cpp"),
    "<spdlog/": ("agent/base",),
    "<benchmark/": ("bench/micro",),
    "<gtest/": ("tests",),
    "<gmock/": ("tests",),
    '"agent/base/log.hpp"': ("agent/base", "agent/cli", "tests"),
}

# Folders that ask the system for nothing, and what they need of its headers all the same.
PURE = {"agent/cause": ("sys/wait.h",), "agent/event": ()}

INCLUDE = r'(?m)^\s*#\s*include\s+(?P<written>[<"](?P<header>[^">]+)[">])'


def room_of(path: str) -> str | None:
    return next((room for room in MAY_INCLUDE if within(path, (room,))), None)


def folders_include_what_they_may(tree: Tree) -> Iterator[str]:
    for place, match in tree.found(INCLUDE, *CODE):
        header = match["header"]
        if match["written"].startswith("<") or "/" not in header:
            continue
        room = room_of(place)
        if room is None:
            yield f"{place}: in a folder that MAY_INCLUDE does not know"
        elif not within(header, (room, *MAY_INCLUDE[room])):
            yield f"{place}: {room} may not include {header}"


def folders_link_what_they_may_include(tree: Tree) -> Iterator[str]:
    # knell::observer and its like, by the folder that makes it.
    makers = {match[1]: folder_of(place) for place, match in tree.found(r"knell_library\((\w+)", "CMakeLists.txt")}
    for place, line in tree.found(r"(?m)^[^#\n]+", "CMakeLists.txt"):
        room = room_of(place)
        allowed = (room, *(folder_of(may) if "." in may else may for may in MAY_INCLUDE.get(room, ())))
        for name in re.findall(r"\bknell::(\w+)", line[0]):
            if name not in makers:
                yield f"{place}: no folder makes knell::{name}"
            elif not within(makers[name], allowed):
                yield f"{place}: {room} may not link {makers[name]}"


def folders_stand_in_the_order_of_the_data(tree: Tree) -> Iterator[str]:
    order = ["agent/" + match[1] for _, match in tree.found(r"(?m)^add_subdirectory\((\w+)\)", "agent/CMakeLists.txt")]
    for room, allowed in MAY_INCLUDE.items():
        if room not in order:
            continue
        for other in order[order.index(room) + 1:]:
            if any(within(may, (other,)) for may in allowed):
                yield f"agent/CMakeLists.txt: {room} stands above {other}, which it may include"


def libraries_stay_in_their_folders(tree: Tree) -> Iterator[str]:
    for place, match in tree.found(INCLUDE, *CODE):
        for header, places in ONLY_IN.items():
            if match["written"].startswith(header) and not within(place.rpartition(":")[0], places):
                yield f"{place}: {match['written']} is for {', '.join(places)} alone"


def pure_folders_ask_no_system(tree: Tree) -> Iterator[str]:
    for place, match in tree.found(INCLUDE, *CODE):
        room = room_of(place)
        header = match["header"]
        # The C++ library's headers have neither a folder nor an ending.
        if (room in PURE and match["written"].startswith("<") and re.search("[/.]", header)
                and header not in PURE[room]):
            yield f"{place}: {room} is pure: no <{header}>"


def endings_tell_the_language(tree: Tree) -> Iterator[str]:
    for path, _ in tree.written(".h", ".hh", ".hxx", ".cc", ".cxx"):
        if not path.endswith(".h") or not within(path, ("bpf", "tests/support")):
            yield f"{path}: C++ is .hpp and .cpp; .h is C, of bpf/ and of the tests' C programs"


RULES = (folders_include_what_they_may, folders_link_what_they_may_include, folders_stand_in_the_order_of_the_data,
         libraries_stay_in_their_folders, pure_folders_ask_no_system, endings_tell_the_language)
