#include "agent/pidfd/pidns.hpp"

#include "tests/pidfd/apart.hpp"
#include "tests/support/children.hpp"
#include "tests/support/pid_namespace.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

#include <ostream>

namespace knell::pidns {

// For messages of gtest.
static std::ostream& operator<<(std::ostream& out, Relation relation) {
    return out << name_of(relation);
}

} // namespace knell::pidns

namespace knell::test {
namespace {

using pidns::Relation;

//      own
//     /   \.
//  left   right
//   / \.
// one  two
struct Tree {
    Fd own = value_of(pidns::own());
    PidNamespace left;
    PidNamespace right;
    PidNamespace one{left};
    PidNamespace two{left};

    void expect_relations() const {
        struct Row {
            const char* name;
            const Fd& a;
            const Fd& b;
            Relation there;
            Relation back;
        };
        const Row rows[] = {
            {"own, own", own, own, Relation::same, Relation::same},
            {"one, one", one.fd(), one.fd(), Relation::same, Relation::same},
            {"own, left", own, left.fd(), Relation::ancestor, Relation::descendant},
            {"own, one", own, one.fd(), Relation::ancestor, Relation::descendant},
            {"left, one", left.fd(), one.fd(), Relation::ancestor, Relation::descendant},
            {"left, right", left.fd(), right.fd(), Relation::unrelated, Relation::unrelated},
            {"one, two", one.fd(), two.fd(), Relation::unrelated, Relation::unrelated},
            {"one, right", one.fd(), right.fd(), Relation::unrelated, Relation::unrelated},
        };
        for (const Row& row : rows) {
            EXPECT_EQ(value_of(pidns::relation(row.a, row.b)), row.there) << row.name;
            EXPECT_EQ(value_of(pidns::relation(row.b, row.a)), row.back) << row.name << ", the other way round";
        }
    }
};

TEST(PidnsRelation, OfEachToEach) {
    const Tree tree;
    tree.expect_relations();
}

TEST(PidnsRelation, TwoDescriptorsAreOneNamespace) {
    const Fd again(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(value_of(pidns::relation(value_of(pidns::own()), again)), Relation::same);
}

TEST(PidnsRelation, StaysTrueWhenAllInsideHaveDied) {
    Tree tree;
    tree.one.end();
    tree.two.end();
    tree.left.end();
    tree.right.end();
    tree.expect_relations();
}

// From inside `left` the way up ends at `left`; what hangs below it is still known.
TEST(PidnsRelation, UndecidableWhereTheAnswerIsAboveUs) {
    const Tree tree;
    check_inside(tree.left.fd(), [&tree] {
        EXPECT_EQ(value_of(pidns::relation(tree.left.fd(), tree.one.fd())), Relation::ancestor);
        EXPECT_EQ(value_of(pidns::relation(tree.two.fd(), tree.left.fd())), Relation::descendant);
        EXPECT_EQ(value_of(pidns::relation(tree.one.fd(), tree.two.fd())), Relation::unrelated);
        EXPECT_EQ(value_of(pidns::relation(tree.own, tree.own)), Relation::same);

        EXPECT_EQ(value_of(pidns::relation(tree.own, tree.left.fd())), Relation::undecidable);
        EXPECT_EQ(value_of(pidns::relation(tree.one.fd(), tree.own)), Relation::undecidable);
        EXPECT_EQ(value_of(pidns::relation(tree.right.fd(), tree.left.fd())), Relation::undecidable);
        EXPECT_EQ(value_of(pidns::relation(tree.right.fd(), tree.own)), Relation::undecidable);
    });
}

TEST(PidnsRelation, Names) {
    EXPECT_EQ(name_of(Relation::same), "same");
    EXPECT_EQ(name_of(Relation::ancestor), "ancestor");
    EXPECT_EQ(name_of(Relation::descendant), "descendant");
    EXPECT_EQ(name_of(Relation::unrelated), "unrelated");
    EXPECT_EQ(name_of(Relation::undecidable), "undecidable");
}

} // namespace
} // namespace knell::test
