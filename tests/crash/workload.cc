#include "workload.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "random_bytes.h"
#include "seal/key_file.h"
#include "seal/keyring.h"
#include "stepped_worker.h"
#include "storage/wal_tool.h"
#include "tests/lib/key_file_fixture.h"
#include "tests/lib/sim_trace.h"
#include "tests/lib/temp_dir.h"
#include "tests/lib/test_value.h"

namespace crash {

/* ---- values ---- */

/* A label "key" names the key that the row is sealed with. */
static int ExtractWithKey(enum store_table table, struct span value, struct store_keys *keys, struct err *err)
{
    if (test_value::Extract(table, value, keys, err) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < keys->label_count; i++) {
        if (span_equal_text(keys->labels[i].key, "key")) {
            keys->seal_key = keys->labels[i].value;
        }
    }
    return 0;
}

/* All but the rest, in which there is no bar. */
static size_t Outline(enum store_table, struct span value, char *bytes, size_t bytes_max)
{
    size_t size = std::string_view(value.data, value.size).rfind('|') + 1;

    if (size > bytes_max) {
        abort();
    }
    memcpy(bytes, value.data, size);
    return size;
}

constexpr char kStoreKey[] = "whole";

/* A ring of its own for each session: keys are found on the disk, or not at all. */
static struct keyring *MakeKeys()
{
    static const TempDir dir;
    static const std::string path = key_file_fixture::Write(
        dir.path() + "/keys", key_file_fixture::Line("one", "1", 1) + key_file_fixture::Line("two", "1", 2) +
                                  key_file_fixture::Line(kStoreKey, "1", 3));
    struct key_source *source = nullptr;
    struct keyring *keys = nullptr;
    struct err err = ERR_INIT;

    if (key_file_open(path.c_str(), &source, &err) != 0 || keyring_create(source, &keys, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return keys;
}

std::string MakeValue(uint64_t id, std::mt19937_64 &random, size_t bytes)
{
    std::string value = "projects/p/locations/l/customJobs/" + std::to_string(id) + "|" +
                        std::to_string(1 + random() % 6) + "|team=" + char('a' + random() % 4) +
                        ",run=" + std::to_string(random() % 1000) + "|";

    while (value.size() < bytes) {
        uint64_t word = random();
        for (int i = 0; i < 8 && value.size() < bytes; i++, word >>= 8) {
            value += char(33 + word % 64);
        }
    }
    return value;
}

static uint64_t HashRow(uint32_t table, uint64_t id, const char *value, size_t size)
{
    return sim::HashBytes(value, size, sim::Mix(id) + table);
}

uint64_t SumOf(const Rows &rows)
{
    uint64_t sum = 0;

    for (const auto &[key, value] : rows) {
        sum += HashRow(key.first, key.second, value.data(), value.size());
    }
    return sum;
}

/* ---- a session ---- */

sim::Medium EmptyMedium()
{
    sim::Medium medium;

    medium.dirs.insert("disk");
    return medium;
}

Session::Session(sim::Disk &disk, const Plan &plan)
{
    fake_clock_init(&clock);
    /* Ids are then those that were given out before, plus one: a lost one shows. */
    clock.wall_unix_ns = 1;
    options_.dir = kDir;
    options_.fs = disk.fs();
    options_.clock = &clock.clock;
    options_.extract = ExtractWithKey;
    options_.segment_bytes = plan.segment_bytes;
    options_.snapshot_log_bytes_min = plan.snapshot_log_bytes;
    if (plan.seal != Plan::kPlain) {
        static const std::string store_key = key_file_fixture::Name(kStoreKey);
        keys_ = MakeKeys();
        options_.outline = Outline;
        options_.keys = keys_;
        options_.store_key = plan.seal == Plan::kWholeStore ? store_key.c_str() : nullptr;
    }
}

Session::~Session()
{
    store_close(store);
    keyring_destroy(keys_);
}

bool Session::Open()
{
    err = ERR_INIT;
    if (store_open(&options_, &store, nullptr, &err) != 0) {
        store = nullptr;
        return false;
    }
    store_bind_owner(store);
    return true;
}

void Session::Close()
{
    store_close(store);
    store = nullptr;
}

bool Session::Put(uint32_t table, uint64_t id, const std::string &value)
{
    return store_put(store, (enum store_table)table, id, span_make(value.data(), value.size()), &err) == 0;
}

bool Session::Delete(uint32_t table, uint64_t id)
{
    return store_delete(store, (enum store_table)table, id, &err) == 0;
}

bool Session::Tend()
{
    int64_t wait_ns;

    return store_tend(store, &wait_ns, &err) == 0;
}

Rows Session::All() const
{
    Rows rows;

    for (int table = 1; table < STORE_TABLE_COUNT; table++) {
        std::pair<Rows *, uint32_t> context(&rows, uint32_t(table));
        store_walk(
            store, (enum store_table)table,
            [](void *where, const struct store_version *version) {
                auto *pair = static_cast<std::pair<Rows *, uint32_t> *>(where);
                struct span value = store_version_value(version);
                (*pair->first)[{pair->second, store_version_id(version)}] = std::string(value.data, value.size);
                return true;
            },
            &context);
    }
    return rows;
}

uint64_t Session::Sum() const
{
    uint64_t sum = 0;

    for (int table = 1; table < STORE_TABLE_COUNT; table++) {
        std::pair<uint64_t *, uint32_t> context(&sum, uint32_t(table));
        store_walk(
            store, (enum store_table)table,
            [](void *where, const struct store_version *version) {
                auto *pair = static_cast<std::pair<uint64_t *, uint32_t> *>(where);
                struct span value = store_version_value(version);
                *pair->first += HashRow(pair->second, store_version_id(version), value.data, value.size);
                return true;
            },
            &context);
    }
    return sum;
}

/* ---- a life ---- */

std::string Liver::NewValue(uint64_t id)
{
    std::string value = MakeValue(id, random_, 60 + random_() % plan_.value_bytes_max);

    if (plan_.seal != Plan::kPlain && random_() % 2) {
        value.insert(value.find("|team=") + 1, "key=" + key_file_fixture::Name(random_() % 2 ? "one" : "two") + ",");
    }
    return value;
}

/* One row put or deleted, staged and noted as attempted. */
bool Liver::Change(Session &session)
{
    uint32_t table = 1 + uint32_t(random_() % (STORE_TABLE_COUNT - 1));
    bool fresh = attempted.size() < 12 || (attempted.size() < 60 && random_() % 2);
    auto at = attempted.lower_bound({table, 0});

    if (fresh) {
        uint64_t id = store_next_id(session.store, (enum store_table)table);
        std::string value = NewValue(id);
        if (!session.Put(table, id, value)) {
            return false;
        }
        ids_[table] = std::max(ids_[table], id);
        attempted[{table, id}] = value;
        return true;
    }
    for (uint64_t steps = random_() % 16; at != attempted.end() && steps > 0; steps--) {
        ++at;
    }
    if (at == attempted.end()) {
        at = attempted.begin();
    }
    auto [row_table, id] = at->first;
    if (random_() % 3 == 0) {
        attempted.erase(at);
        return session.Delete(row_table, id);
    }
    std::string value = NewValue(id);
    at->second = value;
    return session.Put(row_table, id, value);
}

bool Liver::CommitOnce(Session &session)
{
    uint64_t changes = random_() % 24 == 0 ? 20 : 1 + random_() % 3;
    Promise promise = promises.back();

    attempted = rows;
    for (uint64_t i = 0; i < changes; i++) {
        if (!Change(session)) {
            return false;
        }
    }
    promise.attempted = SumOf(attempted);
    disk_.Note(promises.size());
    promises.push_back(promise);
    if (!session.Commit()) {
        return false;
    }
    promise.acknowledged = promise.attempted;
    memcpy(promise.ids, ids_, sizeof ids_);
    disk_.Note(promises.size());
    promises.push_back(promise);
    rows = attempted;
    return true;
}

bool Liver::Housekeep(Session &session)
{
    if (plan_.rests && random_() % 4 == 0) {
        fake_clock_advance(&session.clock, 60 * CLOCK_NS_PER_MS);
    }
    if (plan_.rests && random_() % 200 == 0) {
        session.Close();
        return session.Open();
    }
    return session.Tend();
}

bool Liver::Live(const Start &start)
{
    Session session(disk_, plan_);
    bool well = false;

    rows = attempted = start.rows;
    memcpy(ids_, start.promise.ids, sizeof ids_);
    promises = {start.promise};
    if (session.Open()) {
        well = true;
        for (unsigned i = 0; well && i < plan_.commits; i++) {
            well = CommitOnce(session) && Housekeep(session);
        }
        if (well && plan_.rests_at_end) {
            fake_clock_advance(&session.clock, 60 * CLOCK_NS_PER_MS);
            well = session.Tend();
        }
    }
    error = session.err;
    if (!plan_.orderly_end) {
        disk_.Die();
    }
    session.Close();
    return well;
}

/* ---- a run ---- */

/* A state that a power cut late in the life may leave, and what must be in it. */
static std::pair<sim::Medium, Promise> CutPower(const Life &life, std::mt19937_64 &random)
{
    sim::Cursor cursor(life.trace, {});
    size_t calls = life.trace.calls.size();
    size_t stop = calls - random() % (1 + calls / 8);
    size_t promise = 0;

    while (cursor.Next() && cursor.position() < stop) {
        if (cursor.call()->act == sim::Act::kNote) {
            promise = cursor.call()->offset;
        }
    }
    return {cursor.Crash(cursor.Random(random)), life.promises[promise]};
}

/* Which of the two it was, is known from here on. */
static void Settle(Start &start, const Plan &plan)
{
    sim::Disk copy(start.medium, false);
    Session session(copy, plan);

    if (!session.Open()) {
        fprintf(stderr, "the store refused: %s\n", session.err.text);
        abort();
    }
    start.rows = session.All();
    start.promise.acknowledged = start.promise.attempted = SumOf(start.rows);
    copy.Die();
}

std::vector<Life> MakeRun(uint64_t seed, unsigned commits, const Plan &plan, Start *ret_end)
{
    std::mt19937_64 random(seed);
    std::vector<Life> lives;
    Start start;

    SeedRandomBytes(seed);
    while (commits > 0) {
        Plan now = plan;
        now.commits = std::min<unsigned>(commits, random() % 4 == 0 ? 1 + unsigned(random() % 6) : 60 + random() % 60);
        now.orderly_end = random() % 4 == 0;
        commits -= now.commits;
        sim::Disk disk(start.medium);
        Stepper stepper(random());
        disk.before_call = [&] { stepper.Step(); };
        Liver liver(disk, now, random());
        if (!liver.Live(start)) {
            fprintf(stderr, "the store refused: %s\n", liver.error.text);
            abort();
        }
        lives.push_back({disk.trace(), liver.promises, disk.Now()});
        start.promise = liver.promises.back();
        start.medium = lives.back().end;
        if (!now.orderly_end) {
            std::tie(start.medium, start.promise) = CutPower(lives.back(), random);
        }
        Settle(start, plan);
    }
    if (ret_end) {
        *ret_end = start;
    }
    return lives;
}

/* ---- judging ---- */

static Verdict Fail(Verdict::Kind kind, const std::string &text)
{
    return {kind, text};
}

/* What `wal check` says of the directory. */
static int Check(const sim::Disk &disk)
{
    FILE *nowhere = fopen("/dev/null", "w");
    int code = wal_tool_run(disk.fs(), "check", kDir, false, nowhere, nowhere);

    fclose(nowhere);
    return code;
}

/* Goes on where the crash was, ends in order, and starts again. */
static Verdict GoOn(Session &session, sim::Disk &disk, const Plan &plan)
{
    std::string value = "a/customJobs/1|1|k=v|once more";
    unsigned snapshots = 0;

    for (int i = 0; i < 3; i++) {
        uint64_t id = store_next_id(session.store, STORE_TABLE_JOB);
        if (!session.Put(STORE_TABLE_JOB, id, value) || !session.Commit() || !session.Tend()) {
            return Fail(Verdict::kBroken, std::string("it does not go on: ") + session.err.text);
        }
    }
    uint64_t sum = session.Sum();
    session.Close();
    if (Check(disk) != 0) {
        return Fail(Verdict::kBroken, "`wal check` finds fault with an orderly end");
    }
    Session again(disk, plan);
    if (!again.Open()) {
        return Fail(Verdict::kBroken, std::string("it does not start again: ") + again.err.text);
    }
    if (again.Sum() != sum) {
        return Fail(Verdict::kBroken, "other rows after an orderly end");
    }
    again.Close();
    for (const auto &[name, image] : disk.Now().files) {
        snapshots += name.find(".snapshot") != name.npos ? 1 : 0;
        if (name.find(".tmp") != name.npos || snapshots > 1) {
            return Fail(Verdict::kBroken, name + " was left behind");
        }
    }
    return {};
}

Verdict Judge(const sim::Medium &medium, const Promise &promise, const Plan &plan, bool thorough)
{
    sim::Disk disk(medium, false);
    Session session(disk, plan);
    int code = thorough && medium.files.count(std::string(kDir) + "/MANIFEST") ? Check(disk) : 0;

    if (!session.Open()) {
        return Fail(Verdict::kRefused, session.err.text);
    }
    if (code != 0) {
        return Fail(Verdict::kRefused, "`wal check` says " + std::to_string(code) + ", yet the store starts");
    }
    uint64_t sum = session.Sum();
    if (sum != promise.acknowledged && sum != promise.attempted) {
        disk.Die();
        return Fail(Verdict::kLost, "the rows are neither those acknowledged nor those and the commit under way");
    }
    for (int table = 1; table < STORE_TABLE_COUNT; table++) {
        if (store_next_id(session.store, (enum store_table)table) <= promise.ids[table]) {
            disk.Die();
            return Fail(Verdict::kBroken, "an id of table " + std::to_string(table) + " is given out again");
        }
    }
    if (thorough) {
        return GoOn(session, disk, plan);
    }
    disk.Die();
    return {};
}

} /* namespace crash */
