/* store_list_model: rows, filters over them, and a second reading of what a filter means, for tests of lists. */
#ifndef TESTS_STORAGE_STORE_LIST_MODEL_H_
#define TESTS_STORAGE_STORE_LIST_MODEL_H_

#include <deque>
#include <memory>

#include "store_fixture.h"

namespace storage_test {

struct ModelRow {
    std::string parent = "projects/p/locations/l";
    std::string display_name;
    unsigned state = 0;
    int64_t time = 0;
    std::vector<std::pair<std::string, std::string>> labels;
};

/* The fixture's form; its rest is "display name;time". */
inline std::string ModelValue(uint64_t id, const ModelRow &row)
{
    std::string labels;
    for (auto &[key, value] : row.labels) {
        labels += (labels.empty() ? "" : ",") + key + "=" + value;
    }
    return Value(id, row.state, row.display_name + ";" + std::to_string(row.time), row.parent, labels);
}

inline int ModelExtract(enum store_table table, struct span value, struct store_keys *keys, struct err *err)
{
    if (Extract(table, value, keys, err) != 0) {
        return -1;
    }
    std::string_view text(value.data, value.size);
    size_t start = text.rfind('|') + 1;
    size_t end = text.rfind(';');
    keys->display_name = span_make(value.data + start, end - start);
    keys->create_time_unix_ns = atoll(std::string(text.substr(end + 1)).c_str());
    return 0;
}

/* A wildcard is the character 1. */
inline bool Like(const std::string &pattern, const std::string &text, size_t at = 0, size_t from = 0)
{
    if (at == pattern.size()) {
        return from == text.size();
    }
    if (pattern[at] == 1) {
        return Like(pattern, text, at + 1, from) || (from < text.size() && Like(pattern, text, at, from + 1));
    }
    return from < text.size() && pattern[at] == text[from] && Like(pattern, text, at + 1, from + 1);
}

/* A tree: leaves are tests, inner nodes AND, OR, NOT. */
struct ModelFilter {
    enum Kind { NAME, STATE, TIME, LABEL, KEY, AND, OR, NOT } kind = STATE;
    uint32_t states = 0;
    int64_t first = INT64_MIN, last = INT64_MAX;
    std::string key, pattern;
    std::vector<std::unique_ptr<ModelFilter>> parts;

    bool Matches(const ModelRow &row) const
    {
        switch (kind) {
        case NAME:
            return Like(pattern, row.display_name);
        case STATE:
            return row.state < 32 && (states >> row.state & 1) != 0;
        case TIME:
            return row.time >= first && row.time <= last;
        case LABEL:
            for (auto &[label, value] : row.labels) {
                if (label == key) {
                    return Like(pattern, value);
                }
            }
            return false;
        case KEY:
            for (auto &label : row.labels) {
                if (Like(pattern, label.first)) {
                    return true;
                }
            }
            return false;
        case AND:
            return parts[0]->Matches(row) && parts[1]->Matches(row);
        case OR:
            return parts[0]->Matches(row) || parts[1]->Matches(row);
        case NOT:
            return !parts[0]->Matches(row);
        }
        return false;
    }
    std::string Text() const
    {
        std::string shown = pattern;
        std::replace(shown.begin(), shown.end(), char(1), '*');
        switch (kind) {
        case NAME:
            return "display_name=" + shown;
        case STATE:
            return "states=" + std::to_string(states);
        case TIME:
            return "time=" + std::to_string(first) + ".." + std::to_string(last);
        case LABEL:
            return "labels." + key + "=" + shown;
        case KEY:
            return "labels:" + shown;
        case AND:
            return "(" + parts[0]->Text() + " AND " + parts[1]->Text() + ")";
        case OR:
            return "(" + parts[0]->Text() + " OR " + parts[1]->Text() + ")";
        case NOT:
            return "NOT " + parts[0]->Text();
        }
        return "";
    }
};

/* The same as the store takes it. */
class ModelProgram {
  public:
    explicit ModelProgram(const ModelFilter &tree)
    {
        filter_.count = 0;
        Add(tree);
    }
    const struct store_filter *filter() const { return &filter_; }

  private:
    void Redirect(uint16_t from, uint16_t to, uint16_t answer, uint16_t target)
    {
        for (uint16_t i = from; i < to; i++) {
            for (uint16_t &next : filter_.tests[i].next) {
                next = next == answer ? target : next;
            }
        }
    }
    void Add(const ModelFilter &tree)
    {
        const uint16_t aside = STORE_FILTER_MATCH - 1;
        uint16_t start = filter_.count;
        switch (tree.kind) {
        case ModelFilter::NOT:
            Add(*tree.parts[0]);
            Redirect(start, filter_.count, STORE_FILTER_MATCH, aside);
            Redirect(start, filter_.count, STORE_FILTER_NO_MATCH, STORE_FILTER_MATCH);
            Redirect(start, filter_.count, aside, STORE_FILTER_NO_MATCH);
            break;
        case ModelFilter::AND:
        case ModelFilter::OR: {
            Add(*tree.parts[0]);
            uint16_t middle = filter_.count;
            Redirect(start, middle,
                     uint16_t(tree.kind == ModelFilter::AND ? STORE_FILTER_MATCH : STORE_FILTER_NO_MATCH), middle);
            Add(*tree.parts[1]);
            break;
        }
        default:
            AddTest(tree);
        }
    }
    void AddTest(const ModelFilter &tree)
    {
        struct store_test test = {};
        test.next[0] = STORE_FILTER_NO_MATCH;
        test.next[1] = STORE_FILTER_MATCH;
        test.kind = tree.kind == ModelFilter::NAME    ? STORE_TEST_DISPLAY_NAME
                    : tree.kind == ModelFilter::STATE ? STORE_TEST_STATE
                    : tree.kind == ModelFilter::TIME  ? STORE_TEST_CREATE_TIME
                    : tree.kind == ModelFilter::LABEL ? STORE_TEST_LABEL
                                                      : STORE_TEST_LABEL_KEY;
        test.states = tree.states;
        test.first_unix_ns = tree.first;
        test.last_unix_ns = tree.last;
        test.key = SpanOf(Keep(tree.key));
        auto &pieces = pieces_.emplace_back();
        size_t from = 0;
        for (size_t at = 0; at <= tree.pattern.size(); at++) {
            if (at == tree.pattern.size() || tree.pattern[at] == 1) {
                pieces.push_back(SpanOf(Keep(tree.pattern.substr(from, at - from))));
                from = at + 1;
            }
        }
        test.pattern = {pieces.data(), pieces.size()};
        filter_.tests[filter_.count++] = test;
    }
    const std::string &Keep(const std::string &text) { return texts_.emplace_back(text); }

    struct store_filter filter_;
    std::deque<std::string> texts_;
    std::deque<std::vector<struct span>> pieces_;
};

} /* namespace storage_test */

#endif /* TESTS_STORAGE_STORE_LIST_MODEL_H_ */
