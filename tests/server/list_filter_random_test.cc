/* Filters against a second reading of the language: trees made at random, evaluated as trees, and printed as text in
 * all the ways in which the grammar lets them be written. */
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/limits.h"
#include "job/job_state.h"
#include "keys.h"
#include "server/list_filter.h"
#include "upb/arena.h"

namespace {

const unsigned seed = 20241124;

class Dice {
  public:
    explicit Dice(unsigned number) : random(number) {}
    size_t below(size_t count) { return random() % count; }
    bool one_in(size_t count) { return below(count) == 0; }
    template <typename T> const T &of(const std::vector<T> &items) { return items[below(items.size())]; }

  private:
    std::mt19937 random;
};

/* ---- text with wildcards; a wildcard is the character 1 ---- */

const char wildcard = 1;

bool like(const std::string &pattern, const std::string &text, size_t at_pattern = 0, size_t at_text = 0)
{
    if (at_pattern == pattern.size()) {
        return at_text == text.size();
    }
    if (pattern[at_pattern] == wildcard) {
        return like(pattern, text, at_pattern + 1, at_text) ||
               (at_text < text.size() && like(pattern, text, at_pattern, at_text + 1));
    }
    return at_text < text.size() && pattern[at_pattern] == text[at_text] &&
           like(pattern, text, at_pattern + 1, at_text + 1);
}

std::string random_text(Dice &dice)
{
    static const std::vector<std::string> letters = {"a", "a", "a", "b", "b", "*", "\"", "'", "\\",
                                                     " ", "ö", ":", "=", "(", ")", ",",  "\n"};
    std::string text;
    for (size_t size = dice.below(6); size > 0; size--) {
        text += dice.of(letters);
    }
    return text;
}

std::string random_pattern(Dice &dice)
{
    std::string text = random_text(dice), pattern;
    for (char c : text) {
        pattern += (c & 0x80) == 0 && dice.one_in(5) ? wildcard : c;
    }
    return dice.one_in(6) ? pattern + wildcard : pattern;
}

std::string escaped(Dice &dice, const std::string &pattern, const std::string &must)
{
    std::string text;
    for (char c : pattern) {
        if (c == wildcard) {
            text += '*';
        } else if (c == '\n') {
            text += "\\n";
        } else if (must.find(c) != std::string::npos || (c == '_' && dice.one_in(4))) {
            text += std::string("\\") + c;
        } else {
            text += c;
        }
    }
    return text;
}

std::string print_value(Dice &dice, const std::string &pattern)
{
    bool keyword = pattern == "AND" || pattern == "OR" || pattern == "NOT";
    if (!pattern.empty() && !keyword && dice.one_in(2)) {
        return escaped(dice, pattern, "*\"'\\ ()=<>!,");
    }
    return dice.one_in(2) ? "\"" + escaped(dice, pattern, "*\"\\") + "\"" : "'" + escaped(dice, pattern, "*'\\") + "'";
}

/* ---- trees ---- */

struct Node {
    enum Kind { TERM, NOT, AND, OR } kind;
    std::string text; /* of a term */
    std::function<bool(const Keys &)> holds;
    std::vector<Node> children;
};

bool evaluate(const Node &node, const Keys &keys)
{
    if (node.kind == Node::TERM) {
        return node.holds(keys);
    }
    if (node.kind == Node::NOT) {
        return !evaluate(node.children[0], keys);
    }
    bool all = true, any = false;
    for (const Node &child : node.children) {
        bool value = evaluate(child, keys);
        all = all && value;
        any = any || value;
    }
    return node.kind == Node::AND ? all : any;
}

std::string space(Dice &dice)
{
    return dice.of<std::string>({"", "", " ", "\t"});
}

Node term(const std::string &text, std::function<bool(const Keys &)> holds)
{
    return {Node::TERM, text, std::move(holds), {}};
}

Node text_term(Dice &dice, const std::string &field, std::function<const std::string *(const Keys &)> get)
{
    std::string op = dice.of<std::string>({"=", "!=", ":"});
    std::string pattern = random_pattern(dice);
    return term(field + space(dice) + op + space(dice) + print_value(dice, pattern), [=](const Keys &keys) {
        const std::string *value = get(keys);
        bool equal = value && like(pattern, *value);
        return op == "!=" ? !equal : equal;
    });
}

Node state_term(Dice &dice)
{
    uint32_t state = (uint32_t)dice.below(JOB_STATE_COUNT);
    std::string op = dice.of<std::string>({"=", "!=", ":"});
    std::string name = job_state_name((enum job_state)state);
    return term("state" + space(dice) + op + space(dice) + print_value(dice, name),
                [=](const Keys &keys) { return (keys.state == state) == (op != "!="); });
}

/* Whole seconds of the first minute of 2024, some with an offset. */
Node time_term(Dice &dice)
{
    const int64_t minute = INT64_C(1704067200000000000);
    int second = (int)dice.below(60), tenth = (int)dice.below(10);
    int64_t time = minute + second * INT64_C(1000000000) + tenth * INT64_C(100000000);
    std::string op = dice.of<std::string>({"=", "!=", "<", "<=", ">", ">=", ":"});
    char text[64];
    if (dice.one_in(2)) {
        snprintf(text, sizeof text, "2024-01-01T00:00:%02d.%dZ", second, tenth);
    } else {
        snprintf(text, sizeof text, "2024-01-01T05:30:%02d.%d00+05:30", second, tenth);
    }
    return term(dice.of<std::string>({"create_time", "createTime"}) + space(dice) + op + space(dice) +
                    print_value(dice, text),
                [=](const Keys &keys) {
                    int64_t at = keys.create_time;
                    return op == "<"    ? at < time
                           : op == "<=" ? at <= time
                           : op == ">"  ? at > time
                           : op == ">=" ? at >= time
                           : op == "!=" ? at != time
                                        : at == time;
                });
}

Node key_term(Dice &dice)
{
    std::string pattern = random_pattern(dice);
    return term("labels" + space(dice) + ":" + space(dice) + print_value(dice, pattern), [=](const Keys &keys) {
        for (const auto &label : keys.labels) {
            if (like(pattern, label.first)) {
                return true;
            }
        }
        return false;
    });
}

Node random_term(Dice &dice)
{
    switch (dice.below(5)) {
    case 0:
        return text_term(dice, dice.of<std::string>({"display_name", "displayName"}),
                         [](const Keys &keys) { return &keys.display_name; });
    case 1:
        return state_term(dice);
    case 2:
        return time_term(dice);
    case 3:
        return key_term(dice);
    default:
        break;
    }
    std::string key = dice.of<std::string>({"a", "b", "ab", "b-a"});
    return text_term(dice, "labels." + (dice.one_in(3) ? "\"" + key + "\"" : key), [=](const Keys &keys) {
        auto found = keys.labels.find(key);
        return found == keys.labels.end() ? nullptr : &found->second;
    });
}

Node random_node(Dice &dice, int depth)
{
    if (depth == 0 || dice.one_in(3)) {
        return random_term(dice);
    }
    Node node = {(Node::Kind)(1 + dice.below(3)), "", nullptr, {}};
    size_t count = node.kind == Node::NOT ? 1 : 2 + dice.below(2);
    for (; count > 0; count--) {
        node.children.push_back(random_node(dice, depth - 1));
    }
    return node;
}

/* Loosest first: what binds looser than its place allows goes into parentheses, and anything else may. */
enum Place { EXPRESSION, FACTOR, TERM, SIMPLE };

std::string print(Dice &dice, const Node &node, Place place)
{
    static const Place binds[] = {SIMPLE, TERM, EXPRESSION, FACTOR}; /* by kind */
    if (binds[node.kind] < place || dice.one_in(8)) {
        return "(" + space(dice) + print(dice, node, EXPRESSION) + space(dice) + ")";
    }
    if (node.kind == Node::TERM) {
        return node.text;
    }
    if (node.kind == Node::NOT) {
        return (dice.one_in(2) ? "NOT " : "-") + print(dice, node.children[0], SIMPLE);
    }
    std::string text;
    for (const Node &child : node.children) {
        if (!text.empty()) {
            text += node.kind == Node::OR ? " OR " : dice.of<std::string>({" AND ", " ", "\n"});
        }
        text += print(dice, child, node.kind == Node::OR ? TERM : FACTOR);
    }
    return text;
}

Keys random_keys(Dice &dice)
{
    Keys keys;
    keys.display_name = random_text(dice);
    keys.state = (uint32_t)dice.below(JOB_STATE_COUNT);
    keys.create_time = INT64_C(1704067200000000000) + (int64_t)dice.below(600) * INT64_C(100000000);
    for (const char *key : {"a", "b", "ab", "b-a"}) {
        if (dice.one_in(2)) {
            keys.labels[key] = random_text(dice);
        }
    }
    return keys;
}

TEST(ListFilterAtRandom, AgreesWithTheTreeItWasPrintedFrom)
{
    Dice dice(seed);
    size_t compiled = 0, matched = 0, asked = 0;
    for (int round = 0; round < 20000; round++) {
        Node node = random_node(dice, (int)dice.below(4));
        std::string text = print(dice, node, EXPRESSION);
        upb_Arena *arena = upb_Arena_New();
        const struct store_filter *filter = nullptr;
        struct err err = ERR_INIT;
        if (text.size() <= LIMIT_FILTER_BYTES) {
            ASSERT_EQ(0, list_filter_compile(LIST_FILTER_JOBS, as_span(text), arena, &filter, &err))
                << "seed " << seed << " round " << round << "\n"
                << text << "\n"
                << err.text;
            compiled++;
            for (int i = 0; i < 20; i++) {
                Keys keys = random_keys(dice);
                struct store_keys view = keys.view();
                bool expected = evaluate(node, keys);
                ASSERT_EQ(expected, store_filter_matches_keys(filter, &view))
                    << "seed " << seed << " round " << round << "\n"
                    << text << "\n"
                    << keys.display_name;
                matched += expected;
                asked++;
            }
        }
        upb_Arena_Free(arena);
    }
    /* The test tests something. */
    EXPECT_GT(compiled, 15000u);
    EXPECT_GT(matched, asked / 5);
    EXPECT_LT(matched, asked * 4 / 5);
}

/* Whatever comes, there is an answer, and an error has a column within the text. */
TEST(ListFilterAtRandom, TakesOrRefusesWhateverComes)
{
    static const std::vector<std::string> pieces = {"(",
                                                    ")",
                                                    " ",
                                                    "AND",
                                                    "OR",
                                                    "NOT",
                                                    "-",
                                                    "\"",
                                                    "'",
                                                    "\\",
                                                    "*",
                                                    ".",
                                                    ",",
                                                    ":",
                                                    "=",
                                                    "!=",
                                                    "<",
                                                    "<=",
                                                    ">",
                                                    ">=",
                                                    "!",
                                                    "display_name",
                                                    "state",
                                                    "create_time",
                                                    "labels",
                                                    "labels.a",
                                                    "JOB_STATE_RUNNING",
                                                    "2024-01-01T00:00:00Z",
                                                    "x",
                                                    "ö",
                                                    std::string(1, '\0'),
                                                    "\x80",
                                                    "\xff",
                                                    "\n"};
    Dice dice(seed + 1);
    size_t good = 0;
    for (int round = 0; round < 200000; round++) {
        std::string text;
        for (size_t count = dice.below(12); count > 0; count--) {
            text += dice.of(pieces) + (dice.one_in(2) ? " " : "");
        }
        /* Exactly as long as it is: a sanitizer sees a step too far. */
        std::vector<char> exact(text.begin(), text.end());
        upb_Arena *arena = upb_Arena_New();
        const struct store_filter *filter = nullptr;
        struct err err = ERR_INIT;
        if (list_filter_compile(LIST_FILTER_JOBS, span_make(exact.data(), exact.size()), arena, &filter, &err) == 0) {
            Keys keys = random_keys(dice);
            struct store_keys view = keys.view();
            (void)store_filter_matches_keys(filter, &view);
            good += filter != nullptr;
        } else {
            size_t column = 0;
            ASSERT_EQ(ERR_INVALID, err.code) << "seed " << seed << " round " << round;
            ASSERT_EQ(1, sscanf(err.text, "column %zu: ", &column)) << err.text;
            ASSERT_GE(column, 1u);
            ASSERT_LE(column, text.size() + 1);
        }
        upb_Arena_Free(arena);
    }
    EXPECT_GT(good, 100u);
}

/* A pattern that a backtracking matcher would take years for. */
TEST(ListFilterAtRandom, TakesNoLongerForManyWildcards)
{
    std::string text = "display_name=", name(100000, 'a');
    for (int i = 0; i < 500; i++) {
        text += "*a";
    }
    text += "*b";
    upb_Arena *arena = upb_Arena_New();
    const struct store_filter *filter = nullptr;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, list_filter_compile(LIST_FILTER_JOBS, as_span(text), arena, &filter, &err)) << err.text;
    Keys keys;
    keys.display_name = name;
    struct store_keys view = keys.view();
    EXPECT_FALSE(store_filter_matches_keys(filter, &view));
    keys.display_name += "b";
    view = keys.view();
    EXPECT_TRUE(store_filter_matches_keys(filter, &view));
    upb_Arena_Free(arena);
}

} // namespace
