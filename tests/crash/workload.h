/* workload: lives of a store on a simulated disk, with what was promised at every point of them.
 *
 * Used by   the campaigns of tests/crash.
 * Shape     a run is a chain of lives. A life opens the store, commits at random, tends it (marks, snapshots, cuts,
 *           recycled segments), and ends in order or by a power cut, whose state the next life begins with: so that
 *           recovery, and recovery after a crash of recovery, are parts of traces like everything else.
 * Thread    one per life.
 */
#ifndef TESTS_CRASH_WORKLOAD_H_
#define TESTS_CRASH_WORKLOAD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "storage/store.h"
#include "tests/lib/fake_clock.h"
#include "tests/lib/sim_disk.h"

namespace crash {

constexpr char kDir[] = "disk/data";

/* A disk that is made and empty. */
sim::Medium EmptyMedium();

using Rows = std::map<std::pair<uint32_t, uint64_t>, std::string>;

/* Rows as one number, to compare quickly. */
uint64_t SumOf(const Rows &rows);

/* What a client of the store may count on: the rows are those acknowledged, or those and all of the commit under way;
 * an id that was seen once is not given out again. */
struct Promise {
    uint64_t acknowledged = 0;
    uint64_t attempted = 0;
    uint64_t ids[STORE_TABLE_COUNT] = {};
};

/* What a life begins with. */
struct Start {
    sim::Medium medium = EmptyMedium();
    Rows rows;
    Promise promise;
};

struct Life {
    sim::Trace trace;
    std::vector<Promise> promises; /* a note n in the trace: promise n holds from here on; 0 from the beginning */
    sim::Medium end;
};

struct Plan {
    unsigned commits = 100;
    uint64_t segment_bytes = 32 * 1024;
    uint64_t snapshot_log_bytes = 48 * 1024;
    unsigned value_bytes_max = 1500;
    bool orderly_end = false;
    bool rests = true;         /* between commits, so that marks follow some of them, and some starts are in order */
    bool rests_at_end = false; /* so that nothing is left of which damage would look like a tear */
    enum Seal { kPlain, kSomeJobs, kWholeStore } seal = kPlain; /* whole: some jobs have a key of their own besides */
};

/* An open store on a disk. */
class Session {
  public:
    explicit Session(sim::Disk &disk, const Plan &plan = {});
    ~Session();
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    bool Open();
    void Close();
    bool Put(uint32_t table, uint64_t id, const std::string &value);
    bool Delete(uint32_t table, uint64_t id);
    bool Commit() { return store_commit(store, &err) == 0; }
    bool Tend();
    uint64_t Sum() const;
    Rows All() const;

    struct store *store = nullptr;
    struct fake_clock clock;
    struct err err = ERR_INIT;

  private:
    struct store_options options_ = {};
    struct keyring *keys_ = nullptr;
};

/* The value of a row, with keys that can be read off its bytes; about so many bytes, none of them zero. */
std::string MakeValue(uint64_t id, std::mt19937_64 &random, size_t bytes);

/* Lives once, on a disk that begins with the start's medium, until a call of the store fails. */
class Liver {
  public:
    Liver(sim::Disk &disk, const Plan &plan, uint64_t seed) : disk_(disk), plan_(plan), random_(seed) {}

    /* False when the store refused something; then error says what, and rows what had been acknowledged. */
    bool Live(const Start &start);

    Rows rows;
    Rows attempted;
    std::vector<Promise> promises;
    struct err error = ERR_INIT;

  private:
    bool CommitOnce(Session &session);
    bool Housekeep(Session &session);
    bool Change(Session &session);
    std::string NewValue(uint64_t id);

    sim::Disk &disk_;
    Plan plan_;
    std::mt19937_64 random_;
    uint64_t ids_[STORE_TABLE_COUNT] = {};
};

/* A chain of lives of so many commits in all; ret_end, when given, gets what the next one would begin with. */
std::vector<Life> MakeRun(uint64_t seed, unsigned commits, const Plan &plan, Start *ret_end = nullptr);

/* Opens what a crash left: sound, or a sentence that says how the promise was broken. */
struct Verdict {
    enum Kind { kSound, kRefused, kLost, kBroken } kind = kSound;
    std::string text;
};
/* thorough: also goes on, ends in order, starts again, and has the tool check what lies there then. */
Verdict Judge(const sim::Medium &medium, const Promise &promise, const Plan &plan, bool thorough);

} /* namespace crash */

#endif /* TESTS_CRASH_WORKLOAD_H_ */
