/* Lists by index against a plain scan of a model: whatever rows, changes and filters there are, the same pages. */
#include "store_list_model.h"

using namespace storage_test;

namespace {

class Dice {
  public:
    explicit Dice(uint64_t seed) : random_(seed) {}
    uint64_t Below(uint64_t count) { return random_() % count; }
    bool OneIn(uint64_t count) { return Below(count) == 0; }
    template <typename T> const T &Of(const std::vector<T> &items) { return items[Below(items.size())]; }

  private:
    std::mt19937_64 random_;
};

/* Names and values that many, few and single rows have; letters that are everywhere, and rare ones. */
ModelRow RandomRow(Dice &dice, uint64_t id)
{
    static const std::vector<std::string> teams = {"a", "b", "c", "aa", ""};
    static const std::vector<std::string> names = {"", "train", "train-1", "evaluate", "tr"};
    ModelRow row;
    row.parent = dice.OneIn(10) ? "projects/q/locations/l" : row.parent;
    row.display_name = dice.OneIn(2) ? dice.Of(names) : "run-" + std::to_string(id * 7919 % 100000);
    row.display_name += dice.OneIn(500) ? "z" : "";
    row.state = unsigned(dice.OneIn(20) ? 3 : dice.OneIn(300) ? 40 : 4 + dice.Below(3));
    row.time = int64_t(dice.OneIn(50) ? dice.Below(20000) : id); /* a clock that steps back now and then */
    if (!dice.OneIn(4)) {
        row.labels.emplace_back("team", dice.Of(teams));
    }
    if (!dice.OneIn(3)) {
        row.labels.emplace_back("run", "r" + std::to_string(id));
    }
    if (dice.OneIn(400)) {
        row.labels.emplace_back("rare" + std::to_string(dice.Below(5)), "yes");
    }
    if (dice.OneIn(50)) {
        row.labels.emplace_back("team", "second"); /* does not count when there was a first */
    }
    return row;
}

std::string RandomPattern(Dice &dice, std::string text)
{
    switch (dice.Below(6)) {
    case 0:
        return text;
    case 1:
        return text.substr(0, dice.Below(text.size() + 1)) + "\1";
    case 2:
        return "\1" + text.substr(text.size() - dice.Below(text.size() + 1));
    case 3:
        return "\1" + text.substr(dice.Below(text.size() + 1), 1 + dice.Below(4)) + "\1";
    case 4:
        return text.substr(0, 1) + "\1" + text.substr(text.size() / 2) + "\1";
    default:
        return "\1";
    }
}

std::unique_ptr<ModelFilter> RandomFilter(Dice &dice, int depth)
{
    auto filter = std::make_unique<ModelFilter>();
    uint64_t newest = 14000;
    if (depth > 0 && !dice.OneIn(4)) {
        filter->kind =
            dice.Of<ModelFilter::Kind>({ModelFilter::AND, ModelFilter::AND, ModelFilter::OR, ModelFilter::NOT});
        filter->parts.push_back(RandomFilter(dice, depth - 1));
        filter->parts.push_back(RandomFilter(dice, depth - 1));
        return filter;
    }
    uint64_t id = 1 + dice.Below(newest);
    std::string run = "r" + std::to_string(id);
    switch (dice.Below(6)) {
    case 0:
        filter->kind = ModelFilter::NAME;
        filter->pattern = RandomPattern(dice, dice.OneIn(2) ? dice.Of<std::string>({"train", "", "tr", "evaluate"})
                                                            : "run-" + std::to_string(id * 7919 % 100000));
        filter->pattern = dice.OneIn(8) ? "\1z\1" : filter->pattern;
        break;
    case 1:
        filter->kind = ModelFilter::TIME;
        filter->first = dice.OneIn(3) ? INT64_MIN : int64_t(dice.Below(newest));
        filter->last = dice.OneIn(3) ? INT64_MAX : int64_t(dice.Below(newest));
        break;
    case 2:
        filter->kind = ModelFilter::LABEL;
        filter->key = dice.Of<std::string>({"team", "team", "run", "rare1", "none"});
        filter->pattern =
            RandomPattern(dice, filter->key == "run" ? run : dice.Of<std::string>({"a", "aa", "b", "yes", "second"}));
        break;
    case 3:
        filter->kind = ModelFilter::KEY;
        filter->pattern = RandomPattern(dice, dice.Of<std::string>({"team", "run", "rare", "rare2", "none"}));
        break;
    default:
        filter->kind = ModelFilter::STATE;
        filter->states = uint32_t(dice.OneIn(2) ? 1u << dice.Below(8) : dice.Below(256));
        break;
    }
    return filter;
}

class ListedStore : public StoreUnderTest {
  public:
    ListedStore(const std::string &dir, Dice &dice) : StoreUnderTest(dir), dice_(dice)
    {
        options.extract = ModelExtract;
        options.segment_bytes = 4 * 1024 * 1024;
    }
    void Set(uint64_t id, const ModelRow &row)
    {
        ASSERT_TRUE(Put(STORE_TABLE_JOB, id, ModelValue(id, row)));
        model[id] = row;
    }
    void Drop(uint64_t id)
    {
        ASSERT_TRUE(Delete(STORE_TABLE_JOB, id));
        model.erase(id);
    }
    void Settle()
    {
        int64_t wait_ns;
        ASSERT_TRUE(Commit());
        ASSERT_TRUE(Done(store_tend(store, &wait_ns, &err)));
    }
    /* Any change there can be to some row: new keys, a state alone, gone, back again, an id between others. */
    void ChangeSome(int count)
    {
        for (int i = 0; i < count; i++) {
            uint64_t id = 1 + dice_.Below(newest);
            auto at = model.find(id);
            if (at == model.end() || dice_.OneIn(4)) {
                Set(id, RandomRow(dice_, id));
            } else if (dice_.OneIn(2)) {
                Drop(id);
            } else {
                ModelRow row = at->second;
                row.state = unsigned(dice_.Below(8));
                Set(id, row);
            }
            if (i % 64 == 63) {
                Settle();
            }
        }
        Settle();
    }
    void Check(const ModelFilter &tree)
    {
        ModelProgram program(tree);
        struct store_query query = {};
        query.table = STORE_TABLE_JOB;
        query.filter = program.filter();
        query.count_max = uint32_t(1 + dice_.Below(dice_.OneIn(2) ? 20 : 2000));
        query.before_id = dice_.OneIn(2) ? 0 : 1 + dice_.Below(newest);
        query.parent = dice_.OneIn(4) ? span_of("projects/q/locations/l") : span_of("");
        auto at = query.before_id == 0 ? model.end() : model.lower_bound(query.before_id);
        for (int pages = 0; pages < 4; pages++) {
            std::vector<uint64_t> expected, got;
            bool more = false;
            while (at != model.begin() && !more) {
                auto &[id, row] = *--at;
                if (tree.Matches(row) && (query.parent.size == 0 || row.parent == Text(query.parent))) {
                    more = expected.size() == query.count_max;
                    if (more) {
                        ++at;
                    } else {
                        expected.push_back(id);
                    }
                }
            }
            struct store_page page;
            ASSERT_TRUE(Done(store_list(store, &query, &page, &err)));
            for (uint32_t i = 0; i < page.count; i++) {
                got.push_back(store_version_id(page.versions[i]));
            }
            query.before_id = page.next_before_id;
            bool page_more = page.more;
            store_page_release(&page);
            ASSERT_EQ(expected, got) << tree.Text() << ", before " << query.before_id << ", parent "
                                     << Text(query.parent);
            ASSERT_EQ(more, page_more) << tree.Text();
            if (!more) {
                return;
            }
        }
    }
    std::map<uint64_t, ModelRow> model;
    uint64_t newest = 0;

  private:
    Dice &dice_;
};

TEST(StoreListFilter, GivesThePagesThatAScanWouldWhateverChanges)
{
    Dice dice(Seed());
    TempDir dir;
    ListedStore test(dir.path(), dice);
    ASSERT_TRUE(test.Open());
    for (int round = 0; round < 12; round++) {
        for (int i = 0; i < 1200; i++) {
            test.newest += 1 + (dice.OneIn(20) ? dice.Below(4) : 0); /* room for ids in between */
            test.Set(test.newest, RandomRow(dice, test.newest));
        }
        test.Settle();
        test.ChangeSome(round % 3 == 2 ? 3000 : 200);
        if (round == 6) {
            ASSERT_TRUE(test.Reopen());
        }
        for (int i = 0; i < 80 && !HasFatalFailure(); i++) {
            test.Check(*RandomFilter(dice, int(dice.Below(4))));
        }
        ASSERT_FALSE(HasFatalFailure());
    }
}

} // namespace
