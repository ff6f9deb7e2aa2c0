/* sim_trace: what may be on the disk when the power goes, at every call of a trace.
 *
 * Used by   crash campaigns: the work is run once, and a state made for each choice of what was not yet durable.
 * Shape     a cursor walks the calls. Calls before it have returned, the one at it was under way. Of what has not been
 *           made durable by a sync that has returned,
 *             writes   stay or do not, each for itself, cut at a sector or a byte, with sectors missing anywhere; a file
 *                      may have grown though its bytes did not come, and then holds zeros or somebody's old bytes;
 *             names    stay or do not (create, rename, remove, make directory), those of one name or one file in order;
 *                      a rename is whole or not at all. sync says nothing of names, sync_dir nothing of bytes, and
 *                      neither of a directory's own name.
 *           That is more than any one file system does: what holds here holds on all that keep these rules.
 * Owns      nothing of the trace, which must outlive it.
 * Thread    one.
 */
#ifndef TESTS_LIB_SIM_TRACE_H_
#define TESTS_LIB_SIM_TRACE_H_

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/lib/sim_disk.h"

namespace sim {

/* What the disk honours. A campaign's control switches one off, and must then fail. */
struct Rules {
    bool syncs = true;
    bool dir_syncs = true;
};

/* Which bytes of a write stay: those from `from` to `to` (or, outside, all others), of sectors whose bit the mask has. */
struct Kept {
    uint64_t from = 0;
    uint64_t to = UINT64_MAX;
    bool outside = false;
    uint64_t mask = UINT64_MAX;
};
constexpr Kept kNothing = {0, 0, false, UINT64_MAX};

/* One way for the power to go: for each name and write of the cursor, in its order, what stays. */
struct Choice {
    std::vector<bool> names;
    std::vector<Kept> writes;
    bool sizes_first = false; /* files are as long as if all writes had come */
    bool stale = false;       /* and where none has come stand bytes of another file */
};

class Cursor {
  public:
    Cursor(const Trace &trace, Rules rules);
    /* On to the next call; false: there is none, and what the last one did is done. */
    bool Next();
    /* The call under way; past the end none is. */
    size_t position() const { return position_; }
    const Call *call() const;
    size_t pending_names() const { return names_.size(); }
    size_t pending_writes() const { return writes_.size(); }

    Choice Nothing() const;
    Choice Everything() const;
    Choice Random(std::mt19937_64 &random) const;
    Medium Crash(const Choice &choice) const;

  private:
    void Begin(const Call &call);
    void Finish(const Call &call);
    void ApplyName(const Call &call, std::map<std::string, uint32_t> &names, std::set<std::string> &dirs) const;
    void ApplyWrite(const Call &call, const Kept &kept, Image &image) const;
    void MakeDurable(uint32_t node);
    Kept RandomKept(const Call &call, std::mt19937_64 &random) const;
    void Grow(uint32_t node, const Choice &choice, Image &image) const;

    const Trace &trace_;
    Rules rules_;
    size_t position_ = 0;
    bool begun_ = false;
    std::map<std::string, uint32_t> durable_names_;
    std::set<std::string> durable_dirs_;
    std::map<uint32_t, Image> durable_images_;
    std::vector<const Call *> names_;
    std::vector<const Call *> writes_;
};

} /* namespace sim */

#endif /* TESTS_LIB_SIM_TRACE_H_ */
