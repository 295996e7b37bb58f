"""The tree keeps its rules, and each rule refuses what it is against."""

import os
import pathlib
import unittest

import includes
import references
import uses
import writing
from tree import Tree

RULES = includes.RULES + writing.RULES + references.RULES + uses.RULES


class TheTree(unittest.TestCase):

    def test_it_keeps_the_rules(self):
        tree = Tree.of_git(pathlib.Path(os.environ["KNELL_SOURCE"]))
        # Of an empty tree there is nothing to refuse.
        self.assertIn("README.md", tree.texts)
        for rule in RULES:
            with self.subTest(rule.__name__):
                complaints = list(rule(tree))
                self.assertFalse(complaints, "\n" + "\n".join(complaints))


# What a rule refuses, as files of a tree, and what its only complaint begins with.
EXAMPLES = [
    (includes.folders_include_what_they_may, "agent/cause/explain.cpp:2: agent/cause may not include agent/base/fd.hpp",
     {"agent/cause/explain.cpp": '#include "agent/cause/reason.hpp"\n#include "agent/base/fd.hpp"\n'}),
    (includes.folders_include_what_they_may, "exporters/jsonl/sink.hpp:1: exporters/jsonl may not include agent/observer",
     {"exporters/jsonl/sink.hpp": '#  include "agent/observer/observer.hpp"\n#include "agent/event/event.hpp"\n'}),
    (includes.folders_include_what_they_may, "agent/pidfd/info.cpp:1: agent/pidfd may not include agent/base/text.hpp",
     {"agent/pidfd/info.cpp": '#include "agent/base/text.hpp"\n#include "agent/base/fd.hpp"\n'}),
    (includes.folders_include_what_they_may, "agent/base/fd.cpp:1: agent/base may not include tests/",
     {"agent/base/fd.cpp": '#include "tests/support/process.hpp"\n'}),
    (includes.folders_include_what_they_may, "agent/novel/a.hpp:1: in a folder that MAY_INCLUDE does not know",
     {"agent/novel/a.hpp": '#include "agent/base/fd.hpp"\n'}),
    (includes.folders_link_what_they_may_include, "agent/loop/CMakeLists.txt:2: agent/loop may not link agent/probe",
     {"agent/probe/CMakeLists.txt": "knell_library(decode SOURCES decode.cpp)\n",
      "agent/loop/CMakeLists.txt": "# knell::decode in a comment\nknell_library(loop PUBLIC knell::decode)\n"}),
    (includes.folders_link_what_they_may_include, "agent/loop/CMakeLists.txt:1: no folder makes knell::bass",
     {"agent/loop/CMakeLists.txt": "knell_library(loop PUBLIC knell::bass)\n"}),
    (includes.folders_stand_in_the_order_of_the_data, "agent/CMakeLists.txt: agent/event stands above agent/cause",
     {"agent/CMakeLists.txt": "add_subdirectory(base)\nadd_subdirectory(event)\nadd_subdirectory(cause)\n"}),
    (includes.libraries_stay_in_their_folders, "agent/watch/pool.cpp:1: <bpf/bpf.h> is for",
     {"agent/watch/pool.cpp": "#include <bpf/bpf.h>\n", "agent/probe/ring.cpp": "#include <bpf/bpf.h>\n"}),
    (includes.libraries_stay_in_their_folders, 'agent/probe/ring.cpp:1: "agent/base/log.hpp" is for',
     {"agent/probe/ring.cpp": '#include "agent/base/log.hpp"\n', "agent/cli/run.cpp": '#include "agent/base/log.hpp"\n'}),
    (includes.pure_folders_ask_no_system, "agent/cause/killer.cpp:2: agent/cause is pure: no <unistd.h>",
     {"agent/cause/killer.cpp": "#include <string_view>\n#include <unistd.h>\n#include <sys/wait.h>\n"}),
    (includes.endings_tell_the_language, "agent/base/fd.h:",
     {"agent/base/fd.h": "", "bpf/events.h": "", "agent/base/fd.hpp": ""}),

    (writing.files_are_short, "agent/base/text.cpp: 451 lines",
     {"agent/base/text.cpp": "\n" * 451, "agent/base/fd.cpp": "\n" * 450}),
    (writing.white_space_is_plain, "docs/a.md:2: white space at the end", {"docs/a.md": "a\nb \nc\n"}),
    (writing.white_space_is_plain, "agent/a.cpp:1: a tab", {"agent/a.cpp": "a\tb\n", "Makefile": "\ta\n"}),
    (writing.white_space_is_plain, "docs/a.md: does not end with one newline", {"docs/a.md": "a", "docs/b.md": ""}),
    (writing.white_space_is_plain, "docs/a.md: does not end with one newline", {"docs/a.md": "a\n\n"}),
    (writing.nothing_is_left_to_do, "scripts/a.sh:2: TO", {"scripts/a.sh": "a\n# TO" + "DO: more\n"}),
    (writing.suppressions_give_their_reason, "agent/a.cpp:2: say which",
     {"agent/a.cpp": "a; // NO" + "LINT(check-name): a reason\na; // NO" + "LINT(check-name)\n"}),
    (writing.suppressions_give_their_reason, "agent/a.cpp:1: say which", {"agent/a.cpp": "// NO" + "LINTNEXTLINE\n"}),
    (writing.skips_give_their_reason, "tests/a_test.cpp:2: a skip without",
     {"tests/a_test.cpp": 'GTEST_SKIP() << "a reason";\nGTEST_SKIP();\n'}),
    (writing.skips_give_their_reason, "tests/test_a.py:2: a skip without",
     {"tests/test_a.py": "self.skipTest('a reason')\nself.skipTest()\n"}),
    (writing.skips_give_their_reason, "tests/test_a.py:2: a skip without",
     {"tests/test_a.py": "skipIf(a, 'a reason')\nunittest.skipIf(a)\n"}),

    (references.links_lead_somewhere, "docs/a.md: links to docs/c.md,",
     {"docs/a.md": "[b](b.md) [c](c.md) [d](https://example.org/d.md)\n```\n[e](e.md)\n```\n", "docs/b.md": ""}),
    (references.links_lead_somewhere, "docs/a.md: links to docs/b.md#gone,",
     {"docs/a.md": "[here](b.md#what-knell_exits-says-137) [gone](b.md#gone)\n",
      "docs/b.md": "## What `knell_exits` says: 137\n```\n# gone\n```\n"}),
    (references.links_lead_somewhere, "docs/a.md: links to docs/a.md#twice-2,",
     {"docs/a.md": "# Twice\n# Twice\n[first](#twice) [second](#twice-1) [third](#twice-2)\n"}),
    (references.named_paths_exist, "agent/a.cpp:1: docs/gone.md is not there",
     {"agent/a.cpp": "// See docs/gone.md.\n// See docs/a.md, agent/*.cpp and docs/{a,b}.md.\n", "docs/a.md": ""}),

    (uses.sources_are_built, "agent/base/lost.cpp: no CMakeLists.txt builds it",
     {"agent/base/CMakeLists.txt": "knell_library(base SOURCES fd.cpp not_lost.cpp)\n", "agent/base/fd.cpp": "",
      "agent/base/lost.cpp": "", "tests/fuzz/text.cpp": "", "tests/fuzz/CMakeLists.txt": "knell_fuzzer(text)\n"}),
    (uses.folders_are_built, "agent/b/CMakeLists.txt: nothing adds",
     {"CMakeLists.txt": "add_subdirectory(agent)\n", "agent/CMakeLists.txt": "add_subdirectory(a)\n",
      "agent/a/CMakeLists.txt": "", "agent/b/CMakeLists.txt": ""}),
    (uses.headers_are_included, "agent/base/lost.hpp: nobody includes it",
     {"agent/base/lost.hpp": "", "agent/base/fd.hpp": "", "agent/base/fd.cpp": '#include "agent/base/fd.hpp"\n',
      "bpf/a.bpf.h": "", "bpf/a.bpf.c": '#include "a.bpf.h"\n'}),
    (uses.documents_are_linked, "docs/c.md: no way of links",
     {"README.md": "[a](docs/a.md)\n", "docs/a.md": "[b](b.md)\n", "docs/b.md": "", "docs/c.md": "[a](a.md)\n"}),
    (uses.test_classes_are_registered, "tests/e2e/test_a.py:3: no test runs test_a.Lost",
     {"tests/e2e/CMakeLists.txt": "knell_e2e(test_a.Run)\n", "tests/e2e/test_a.py":
      "class Run:\n  def test_a(self): pass\nclass Lost:\n  def test_b(self): pass\nclass Support:\n  def help(self): pass\n"}),
    (uses.corpora_have_their_fuzzers, "tests/fuzz/corpus/lost:",
     {"tests/fuzz/corpus/text/0": "", "tests/fuzz/corpus/lost/0": "", "tests/fuzz/CMakeLists.txt": "knell_fuzzer(text)\n"}),
    (uses.corpora_have_their_fuzzers, "tests/fuzz/corpus/bare:", {"tests/fuzz/CMakeLists.txt": "knell_fuzzer(bare)\n"}),
    (uses.every_other_file_is_named, "scripts/lost.sh: no other file names it",
     {"scripts/lost.sh": "# scripts/lost.sh by itself\n", "scripts/a.sh": "", "README.md": "`scripts/a.sh`, scripts/d_*.sh.\n",
      "scripts/d_1.sh": "", "tests/e2e/b.py": "import c\n", "tests/e2e/c.py": "import b\n"}),
]


class Refusals(unittest.TestCase):

    def test_each_rule_refuses_its_examples(self):
        for rule, complaint, texts in EXAMPLES:
            with self.subTest(complaint):
                refused = list(rule(Tree(texts)))
                self.assertEqual(len(refused), 1, refused)
                self.assertTrue(refused[0].startswith(complaint), refused)

    def test_each_rule_has_an_example(self):
        self.assertEqual({rule for rule, _, _ in EXAMPLES}, set(RULES))
