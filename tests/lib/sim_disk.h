/* sim_disk: a disk in memory behind struct fs that writes down every call which changes it.
 *
 * Used by   tests of whatever writes through struct fs; sim_trace makes of the calls what a crash may leave.
 * Shape     what is read is what was written last, as through a page cache; what of it would be there after a crash is
 *           not decided here. A call can be made to fail, and the whole disk to die.
 * Thread    one call at a time: the test, or its stepped workers, see to it.
 */
#ifndef TESTS_LIB_SIM_DISK_H_
#define TESTS_LIB_SIM_DISK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/err.h"
#include "base/fs.h"
#include "tests/lib/sim_medium.h"

namespace sim {

enum class Act { kCreate, kMakeDir, kWrite, kResize, kSync, kSyncDir, kRename, kRemove, kNote };

struct Call {
    explicit Call(Act act_is, uint32_t node_is = 0, const std::string &name_is = "", const std::string &to_is = "")
        : act(act_is), node(node_is), name(name_is), to(to_is)
    {
    }

    Act act;
    uint32_t node; /* of the file; 0: none */
    std::string name;
    std::string to;
    bool durable = false; /* kWrite: to a file opened with FS_DATA_SYNC */
    uint64_t offset = 0;  /* kWrite; of kResize the size; of kNote whatever the test wrote down */
    std::shared_ptr<const std::string> bytes;
};

/* Nodes of files are numbered from 1: those of the base in the order of their names, then in that of creation. */
struct Trace {
    Medium base;
    std::vector<Call> calls;
};

class Disk {
  public:
    /* recorded: false for a disk that is only read from, or whose calls nobody asks for. */
    explicit Disk(const Medium &base, bool recorded = true);
    Disk(const Disk &) = delete;
    Disk &operator=(const Disk &) = delete;

    const struct fs *fs() const { return &fs_; }
    const Trace &trace() const { return trace_; }
    /* What would be there after an orderly end. */
    Medium Now() const;
    void Note(uint64_t number);
    /* From here on every call fails and nothing is written down: the process has been killed. */
    void Die() { dead_ = true; }

    /* Before each call that changes or reads something. */
    std::function<void()> before_call;
    /* Asked at each call, by its kind and number; another code than ERR_NONE and the call fails with it, having done
     * nothing; for a write, having done its first half when fail_halfway is set. */
    std::function<enum err_code(const char *kind, uint64_t number)> fault;
    bool fail_halfway = false;
    /* What a write becomes on its way to the disk; false: nothing. */
    std::function<bool(const std::string &name, uint64_t offset, std::string &bytes)> rewrite;
    uint64_t calls() const { return calls_; }
    uint64_t bytes_free = UINT64_C(1) << 40;

  private:
    struct Node {
        Image image;
        bool locked = false;
    };
    struct Handle {
        std::shared_ptr<Node> node; /* null: closed */
        uint32_t number = 0;
        std::string name;
        bool durable = false;
        bool lock = false;
    };
    struct Entry {
        std::shared_ptr<Node> node;
        uint32_t number;
    };

    static Disk *Self(const struct fs *fs) { return static_cast<Disk *>(fs->self); }
    int Enter(const char *kind, const std::string &name, struct err *err);
    void Record(Call call);
    int Open(const std::string &path, const Entry &entry, bool durable);
    void WriteTo(const Handle &handle, uint64_t offset, std::string bytes);

    static int DoOpen(const struct fs *fs, const char *path, unsigned flags, int *ret_file, struct err *err);
    static void DoClose(const struct fs *fs, int file);
    static int DoWriteAt(const struct fs *fs, int file, const void *data, size_t size, uint64_t offset,
                         struct err *err);
    static int DoReadAt(const struct fs *fs, int file, void *data, size_t size, uint64_t offset, size_t *ret_size,
                        struct err *err);
    static int DoSize(const struct fs *fs, int file, uint64_t *ret_size, struct err *err);
    static int DoTruncate(const struct fs *fs, int file, uint64_t size, struct err *err);
    static int DoSync(const struct fs *fs, int file, struct err *err);
    static int DoSyncDir(const struct fs *fs, const char *path, struct err *err);
    static int DoRename(const struct fs *fs, const char *from, const char *to, struct err *err);
    static int DoRemove(const struct fs *fs, const char *path, struct err *err);
    static int DoMakeDir(const struct fs *fs, const char *path, struct err *err);
    static int DoList(const struct fs *fs, const char *path, fs_list_fn visit, void *context, struct err *err);
    static int DoLock(const struct fs *fs, const char *path, int *ret_file, struct err *err);
    static int DoFreeBytes(const struct fs *fs, const char *path, uint64_t *ret_bytes, struct err *err);

    struct fs fs_ = {};
    bool recorded_;
    bool dead_ = false;
    uint64_t calls_ = 0;
    uint32_t next_number_ = 1;
    std::map<std::string, Entry> entries_;
    std::set<std::string> dirs_;
    std::vector<Handle> handles_;
    Trace trace_;
};

} /* namespace sim */

#endif /* TESTS_LIB_SIM_DISK_H_ */
