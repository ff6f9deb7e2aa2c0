/* Lists by index against a plain scan of a model: whatever rows, changes and filters there are, the same pages. And
 * beside a writer: what a list leaves out was not there to be found. */
#include "store_list_model.h"

#include <atomic>
#include <thread>
#include <unordered_map>

#include "storage/id_slots.h"
#include "storage/reclaim.h"
#include "storage/row_keys.h"
#include "storage/version.h"

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
        filter->pattern =
            RandomPattern(dice, dice.OneIn(2) ? dice.Of<std::string>({"train", "", "tr", "evaluate", "run-"})
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
    /* As the owner does between turns: until there is nothing to do at once. */
    void Tidy()
    {
        int64_t wait_ns = 0;
        for (int steps = 0; wait_ns == 0 && steps < 1000; steps++) {
            ASSERT_TRUE(Done(store_tend(store, &wait_ns, &err)));
        }
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

/* Names with a number, which most wildcards tell by what stands before it; asked both ways, each of what all names
 * have, what some have, and what none has. */
TEST(StoreListFilter, TellsNumberedNamesByTheirBeginningOrByThemselves)
{
    Dice dice(Seed());
    TempDir dir;
    ListedStore test(dir.path(), dice);
    ASSERT_TRUE(test.Open());
    for (test.newest = 1; test.newest < 5000; test.newest++) {
        ModelRow row = RandomRow(dice, test.newest);
        row.display_name = (dice.OneIn(9) ? "tune-it-" : "train-") + std::to_string(test.newest);
        row.display_name = dice.OneIn(99) ? dice.Of<std::string>({"", "train-", "7", "t"}) : row.display_name;
        test.Set(test.newest, row);
    }
    test.Settle();
    const char *const patterns[] = {"\1",
                                    "train-\1",
                                    "t\1",
                                    "\1-",
                                    "\1in-",
                                    "train-",
                                    "\1rain\1",
                                    "\1-\1",
                                    "tr\1n-\1",
                                    "tune\1",
                                    "\1e-i\1",
                                    "train-1\1",
                                    "\1"
                                    "77",
                                    "t\1-\1"
                                    "9",
                                    "\1x\1",
                                    "7\1",
                                    "\1-123\1",
                                    "\1-it-1234\1",
                                    "tune-it-12\1",
                                    "\1"
                                    "in-4321",
                                    "\1-1\1"
                                    "34\1"};
    for (const char *pattern : patterns) {
        for (bool negated : {false, true}) {
            auto leaf = std::make_unique<ModelFilter>();
            leaf->kind = ModelFilter::NAME;
            leaf->pattern = pattern;
            auto filter = std::make_unique<ModelFilter>();
            filter->kind = ModelFilter::NOT;
            filter->parts.push_back(std::move(leaf));
            for (int i = 0; i < 4; i++) {
                test.Check(negated ? *filter : *filter->parts[0]);
                ASSERT_FALSE(HasFatalFailure());
            }
        }
    }
}

/* Rows of a few keys whose hashes meet, which share a word of the index: the fourth row brings about a posting of a key
 * that has but one row, and the fifth finds it. */
class MetRows {
  public:
    static constexpr uint64_t seed = 1;
    /* Two numbers, one even and one odd, of which the made texts have hashes that agree in the bits that a word keeps. */
    template <typename Hash> static std::pair<unsigned, unsigned> Meeting(Hash hash)
    {
        std::unordered_map<uint64_t, unsigned> seen;
        for (unsigned number = 100000;; number++) {
            auto [at, is_new] = seen.emplace(hash(number) >> 37, number);
            if (!is_new && at->second % 2 != number % 2) {
                return {at->second, number};
            }
        }
    }
    MetRows()
    {
        struct err err = ERR_INIT;
        EXPECT_EQ(0, reclaim_create(&reclaim_, &err));
    }
    ~MetRows()
    {
        reclaim_destroy(reclaim_);
        id_slots_destroy(slots_);
        for (struct store_version *version : versions_) {
            store_version_unref(version);
        }
    }
    void Add(const ModelRow &row)
    {
        struct err err = ERR_INIT;
        struct store_version *version = nullptr;
        struct store_version *old = nullptr;
        uint64_t id = versions_.size() + 1;
        std::string value = ModelValue(id, row);
        ASSERT_EQ(0, version_create(ModelExtract, STORE_TABLE_JOB, id, SpanOf(value), &version, &err)) << err.text;
        versions_.push_back(version);
        ASSERT_EQ(0, id_slots_put(slots_, id, version, reclaim_, &old, &err)) << err.text;
    }
    /* What is looked at, and passes. */
    std::vector<uint64_t> Find(const ModelFilter &tree)
    {
        ModelProgram program(tree);
        struct filter_plan *plan = filter_plan_create(seed, span_of(""), program.filter());
        Found found = {program.filter(), {}};
        uint64_t before = UINT64_MAX;
        while (id_slots_list_down(slots_, plan, &before, Visit, &found)) {
        }
        free(plan);
        return found.ids;
    }

  private:
    struct Found {
        const struct store_filter *filter;
        std::vector<uint64_t> ids;
    };
    static bool Visit(void *context, struct store_version *version)
    {
        auto *found = static_cast<Found *>(context);
        if (store_filter_matches(found->filter, version)) {
            found->ids.push_back(store_version_id(version));
        }
        return true;
    }
    struct id_slots_options options_ = {true, seed};
    struct id_slots *slots_ = id_slots_create(&options_);
    struct reclaim *reclaim_ = nullptr;
    std::vector<struct store_version *> versions_;
};

using Ids = std::vector<uint64_t>;

ModelFilter LeafOf(ModelFilter::Kind kind, const std::string &key, const std::string &pattern)
{
    ModelFilter leaf;
    leaf.kind = kind;
    leaf.key = key;
    leaf.pattern = pattern;
    return leaf;
}

ModelFilter Negated(ModelFilter leaf)
{
    ModelFilter filter;
    filter.kind = ModelFilter::NOT;
    filter.parts.push_back(std::make_unique<ModelFilter>(std::move(leaf)));
    return filter;
}

TEST(StoreListFilter, TellsNamesApartWhoseHashesMeet)
{
    auto name = [](unsigned number) { return std::to_string(number) + "-run"; };
    auto [common, lone] = MetRows::Meeting([&](unsigned number) {
        std::string text = name(number);
        return row_key_make(MetRows::seed, ROW_KEY_DISPLAY_NAME, SpanOf(text), span_of("")).hash;
    });
    MetRows rows;
    ModelRow row;
    for (unsigned number : {common, common, common, lone, lone}) {
        row.display_name = name(number);
        rows.Add(row);
    }
    EXPECT_EQ((Ids{3, 2, 1}), rows.Find(LeafOf(ModelFilter::NAME, "", name(common))));
    EXPECT_EQ((Ids{5, 4}), rows.Find(LeafOf(ModelFilter::NAME, "", name(lone))));
    EXPECT_EQ((Ids{5, 4}), rows.Find(LeafOf(ModelFilter::NAME, "", std::to_string(lone) + "\1")));
    EXPECT_EQ((Ids{3, 2, 1}), rows.Find(LeafOf(ModelFilter::NAME, "", std::to_string(common) + "\1")));
    EXPECT_EQ((Ids{3, 2, 1}), rows.Find(Negated(LeafOf(ModelFilter::NAME, "", name(lone)))));
    EXPECT_EQ((Ids{5, 4}), rows.Find(Negated(LeafOf(ModelFilter::NAME, "", name(common)))));
}

TEST(StoreListFilter, TellsLabelsApartWhoseHashesMeet)
{
    /* Even numbers are values of one key, odd ones of the other. */
    auto key = [](unsigned number) { return std::string(number % 2 ? "left" : "right"); };
    auto pair = MetRows::Meeting([&](unsigned number) {
        std::string text = key(number), value = std::to_string(number) + "-a";
        return row_key_make(MetRows::seed, ROW_KEY_LABEL, SpanOf(text), SpanOf(value)).hash;
    });
    MetRows rows;
    ModelRow row;
    for (unsigned number : {pair.first, pair.first, pair.first, pair.second, pair.second}) {
        row.labels = {{key(number), std::to_string(number) + "-a"}};
        rows.Add(row);
    }
    for (bool whole : {true, false}) {
        std::string end = whole ? "-a" : "\1";
        std::string first = std::to_string(pair.first) + end, second = std::to_string(pair.second) + end;
        EXPECT_EQ((Ids{3, 2, 1}), rows.Find(LeafOf(ModelFilter::LABEL, key(pair.first), first)));
        EXPECT_EQ((Ids{5, 4}), rows.Find(LeafOf(ModelFilter::LABEL, key(pair.second), second)));
        EXPECT_EQ((Ids{5, 4}), rows.Find(Negated(LeafOf(ModelFilter::LABEL, key(pair.first), first))));
        EXPECT_EQ((Ids{3, 2, 1}), rows.Find(Negated(LeafOf(ModelFilter::LABEL, key(pair.second), second))));
    }
}

/* Times that are the first or the last of as many rows as are indexed together, alone and as either end of a range. */
TEST(StoreListFilter, FindsTheRowsAtTheEdgesOfAnyRangeOfTimes)
{
    Dice dice(Seed());
    TempDir dir;
    ListedStore test(dir.path(), dice);
    ASSERT_TRUE(test.Open());
    for (test.newest = 1; test.newest < 9000; test.newest++) {
        ModelRow row = RandomRow(dice, test.newest);
        row.time = int64_t(test.newest) * 10;
        test.Set(test.newest, row);
    }
    test.Settle();
    for (int64_t id : {1, 512, 513, 4095, 4096, 4097, 8192, 8193, 8999, 9000}) {
        for (int64_t time : {id * 10 - 1, id * 10, id * 10 + 1}) {
            for (auto [first, last] : {std::pair{time, time}, {INT64_MIN, time}, {time, INT64_MAX}}) {
                ModelFilter filter;
                filter.kind = ModelFilter::TIME;
                filter.first = first;
                filter.last = last;
                test.Check(filter);
                ASSERT_FALSE(HasFatalFailure());
            }
        }
    }
}

/* Values that all match, of labels that each row has its own of: no index tells that NOT leaves almost nothing. */
TEST(StoreListFilter, EndsAPageAfterSoManyRowsAndGoesOnBehindThem)
{
    const uint64_t rows = 2 * LIMIT_PAGE_ROWS_LOOKED_AT + 1000;
    const std::vector<uint64_t> expected = {rows, rows - LIMIT_PAGE_ROWS_LOOKED_AT, 7, 6};
    Dice dice(Seed());
    TempDir dir;
    ListedStore test(dir.path(), dice);
    test.options.segment_bytes = 0;
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= rows; id++) {
        ModelRow row;
        bool is_other = std::count(expected.begin(), expected.end(), id) > 0;
        row.labels.emplace_back("run", (is_other ? "other-" : "run-") + std::to_string(id));
        ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, ModelValue(id, row)));
        if (id % 4096 == 0) {
            test.Settle();
        }
    }
    test.Settle();
    auto filter = std::make_unique<ModelFilter>();
    filter->kind = ModelFilter::NOT;
    filter->parts.push_back(std::make_unique<ModelFilter>());
    filter->parts[0]->kind = ModelFilter::LABEL;
    filter->parts[0]->key = "run";
    filter->parts[0]->pattern = "run-\1";
    ModelProgram program(*filter);
    struct store_query query = {};
    query.table = STORE_TABLE_JOB;
    query.filter = program.filter();
    query.count_max = 3;
    std::vector<uint64_t> got, sizes;
    struct store_page page = {};
    do {
        ASSERT_TRUE(test.Done(store_list(test.store, &query, &page, &test.err)));
        for (uint32_t i = 0; i < page.count; i++) {
            got.push_back(store_version_id(page.versions[i]));
        }
        sizes.push_back(page.count);
        query.before_id = page.next_before_id;
        store_page_release(&page);
    } while (query.before_id > 0 && sizes.size() < 10 && got.size() < expected.size());
    EXPECT_EQ(expected, got);
    EXPECT_EQ((std::vector<uint64_t>{1, 1, 2}), sizes);
}

/* Rows keep to one of two teams and change all else: state, name, the other labels, or go and come back. Whoever asks
 * for a team, by any of several filters that mean the same, finds every lasting row of it, in order, each once. */
class LastingRows {
  public:
    static constexpr uint64_t count = 6000;
    static bool Lasts(uint64_t id) { return id % 3 != 0; }
    static ModelRow Row(Dice &dice, uint64_t id)
    {
        ModelRow row = RandomRow(dice, id);
        row.parent = "projects/p/locations/l";
        row.labels = {{"team", id % 2 ? "odd" : "even"}, {"run", std::to_string(dice.Below(2000))}};
        row.display_name = (dice.OneIn(2) ? "lasting-" : "lasting-run-") + std::to_string(dice.Below(5000));
        row.state = unsigned(3 + dice.Below(4));
        return row;
    }
    static std::unique_ptr<ModelFilter> Leaf(ModelFilter::Kind kind, const std::string &key, const std::string &pattern,
                                             uint32_t states = 0)
    {
        auto leaf = std::make_unique<ModelFilter>();
        leaf->kind = kind;
        leaf->key = key;
        leaf->pattern = pattern;
        leaf->states = states;
        return leaf;
    }
    static std::unique_ptr<ModelFilter> Join(ModelFilter::Kind kind, std::unique_ptr<ModelFilter> left,
                                             std::unique_ptr<ModelFilter> right = nullptr)
    {
        auto node = std::make_unique<ModelFilter>();
        node->kind = kind;
        node->parts.push_back(std::move(left));
        node->parts.push_back(std::move(right));
        return node;
    }
    /* Each true of every row with an even id, and of no other. */
    static std::vector<std::unique_ptr<ModelFilter>> Filters()
    {
        auto even = [] { return Leaf(ModelFilter::LABEL, "team", "even"); };
        auto not_odd = [] { return Join(ModelFilter::NOT, Leaf(ModelFilter::LABEL, "team", "odd")); };
        std::vector<std::unique_ptr<ModelFilter>> filters;
        filters.push_back(even());
        filters.push_back(not_odd());
        filters.push_back(Join(ModelFilter::AND, Leaf(ModelFilter::NAME, "", "lasting-\1"), even()));
        filters.push_back(Join(ModelFilter::AND, Leaf(ModelFilter::LABEL, "run", "\1"), not_odd()));
        filters.push_back(Join(ModelFilter::AND, even(),
                               Join(ModelFilter::OR, Leaf(ModelFilter::NAME, "", "lasting-run-\1"),
                                    Join(ModelFilter::NOT, Leaf(ModelFilter::NAME, "", "lasting-run-\1")))));
        filters.push_back(
            Join(ModelFilter::AND, even(), Join(ModelFilter::NOT, Leaf(ModelFilter::STATE, "", "", 1u << 9))));
        filters.push_back(Join(
            ModelFilter::AND, even(),
            Join(ModelFilter::OR, Leaf(ModelFilter::STATE, "", "", 0x28), Leaf(ModelFilter::STATE, "", "", 0x50))));
        return filters;
    }
};

TEST(StoreListFilter, LeavesOutNoLastingRowWhileKeysChange)
{
    Dice dice(Seed());
    TempDir dir;
    ListedStore test(dir.path(), dice);
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= LastingRows::count; id++) {
        test.Set(id, LastingRows::Row(dice, id));
    }
    test.Settle();
    std::atomic<bool> stop{false};
    std::atomic<int> lists{0};
    std::atomic<int> missed{0};
    auto read = [&](unsigned number) {
        auto filters = LastingRows::Filters();
        store_reader_register(test.store);
        for (size_t at = number; !stop; at++) {
            ModelProgram program(*filters[at % filters.size()]);
            struct store_query query = {};
            struct store_page page;
            struct err err = ERR_INIT;
            query.table = STORE_TABLE_JOB;
            query.filter = program.filter();
            query.count_max = uint32_t(LastingRows::count);
            uint64_t expected = LastingRows::count;
            if (store_list(test.store, &query, &page, &err) != 0) {
                missed++;
                break;
            }
            for (uint32_t i = 0; i < page.count; i++) {
                uint64_t id = store_version_id(page.versions[i]);
                for (; expected > id; expected -= 2) {
                    missed += LastingRows::Lasts(expected);
                }
                missed += expected != id; /* twice, out of order, or of the other team */
                expected -= 2;
            }
            for (; expected > 0; expected -= 2) {
                missed += LastingRows::Lasts(expected);
            }
            store_page_release(&page);
            lists++;
        }
        store_reader_unregister(test.store);
    };
    std::thread readers[] = {std::thread(read, 0), std::thread(read, 3)};
    for (int round = 0; (round < 150 || lists < 300) && missed == 0; round++) {
        for (int i = 0; i < 40; i++) {
            uint64_t id = 1 + dice.Below(LastingRows::count);
            if (!LastingRows::Lasts(id) && dice.OneIn(2)) {
                test.Drop(id);
            } else {
                test.Set(id, LastingRows::Row(dice, id));
            }
        }
        test.Settle();
    }
    stop = true;
    for (std::thread &reader : readers) {
        reader.join();
    }
    EXPECT_EQ(0, missed);
}

/* Rows are made and deleted, most of them soon, some late, their labels and names ever new: the memory is that of the
 * rows there are. JOBS=10000000 for a long campaign. */
TEST(StoreListFilter, MemoryFollowsTheLiveRowsOverAnyNumberOfCreatesAndDeletes)
{
    const char *asked = getenv("JOBS");
    const uint64_t jobs = asked ? strtoull(asked, nullptr, 10) : 200000;
    const uint64_t live = 20000;
    Dice dice(Seed());
    TempDir dir;
    ListedStore test(dir.path(), dice);
    test.options.segment_bytes = 0;
    ASSERT_TRUE(test.Open());
    std::vector<uint64_t> ids;
    uint64_t most = 0, at_first = 0;
    for (uint64_t id = 1; id <= jobs; id++) {
        ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, ModelValue(id, RandomRow(dice, id))));
        ids.push_back(id);
        if (ids.size() > live) {
            /* A new one mostly, else any: blocks become sparse and are merged. */
            size_t at = dice.OneIn(4) ? dice.Below(ids.size()) : ids.size() - 1 - dice.Below(1000);
            ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, ids[at]));
            ids[at] = ids.back();
            ids.pop_back();
        }
        if (id % 500 == 0) {
            test.Settle();
            test.Tidy();
        }
        if (id % 10000 == 0) {
            struct store_memory memory;
            store_memory(test.store, STORE_TABLE_JOB, &memory);
            uint64_t bytes = memory.ids + memory.order + memory.keys + memory.texts + memory.states_times;
            ASSERT_EQ(ids.size(), memory.rows);
            at_first = id == 2 * live ? bytes : at_first;
            most = std::max(most, bytes);
        }
    }
    EXPECT_LT(most / live, 400u) << "bytes for each live row";
    EXPECT_LT(most, at_first * 2) << "it does not grow";
}

} // namespace
