#include "tests/lib/sim_disk.h"

#include <cstdlib>
#include <cstring>

namespace sim {

Disk::Disk(const Medium &base, bool recorded) : recorded_(recorded), dirs_(base.dirs)
{
    fs_.self = this;
    fs_.open = DoOpen;
    fs_.close = DoClose;
    fs_.write_at = DoWriteAt;
    fs_.read_at = DoReadAt;
    fs_.size = DoSize;
    fs_.truncate = DoTruncate;
    fs_.sync = DoSync;
    fs_.sync_dir = DoSyncDir;
    fs_.rename = DoRename;
    fs_.remove = DoRemove;
    fs_.make_dir = DoMakeDir;
    fs_.list = DoList;
    fs_.lock = DoLock;
    fs_.free_bytes = DoFreeBytes;
    for (const auto &[name, image] : base.files) {
        auto node = std::make_shared<Node>();
        node->image = image;
        entries_[name] = {node, next_number_++};
    }
    if (recorded) {
        trace_.base = base;
    }
}

Medium Disk::Now() const
{
    Medium medium;

    medium.dirs = dirs_;
    for (const auto &[name, entry] : entries_) {
        medium.files[name] = entry.node->image;
    }
    return medium;
}

void Disk::Note(uint64_t number)
{
    Call call(Act::kNote);

    call.offset = number;
    Record(std::move(call));
}

void Disk::Record(Call call)
{
    if (recorded_ && !dead_) {
        trace_.calls.push_back(std::move(call));
    }
}

int Disk::Enter(const char *kind, const std::string &name, struct err *err)
{
    enum err_code code = ERR_NONE;

    if (before_call && !dead_) {
        before_call();
    }
    if (dead_) {
        return err_set(err, ERR_IO, "cannot %s %s: the process is no more", kind, name.c_str());
    }
    if (fault) {
        code = fault(kind, calls_);
    }
    calls_++;
    return code == ERR_NONE ? 0 : err_set(err, code, "cannot %s %s: as the test wants it", kind, name.c_str());
}

int Disk::Open(const std::string &path, const Entry &entry, bool durable)
{
    size_t file = 0;

    while (file < handles_.size() && handles_[file].node) {
        file++;
    }
    if (file == handles_.size()) {
        handles_.emplace_back();
    }
    handles_[file] = {entry.node, entry.number, path, durable, false};
    return int(file);
}

int Disk::DoOpen(const struct fs *fs, const char *path, unsigned flags, int *ret_file, struct err *err)
{
    Disk *disk = Self(fs);

    if (disk->Enter(flags & FS_CREATE ? "create" : "open", path, err) != 0) {
        return -1;
    }
    auto found = disk->entries_.find(path);
    if (flags & FS_CREATE) {
        if (found != disk->entries_.end()) {
            return err_set(err, ERR_EXISTS, "cannot open %s: File exists", path);
        }
        if (!disk->dirs_.count(ParentOf(path))) {
            return err_set(err, ERR_NOT_FOUND, "cannot open %s: no such directory", path);
        }
        Entry entry = {std::make_shared<Node>(), disk->next_number_++};
        found = disk->entries_.emplace(path, entry).first;
        disk->Record(Call(Act::kCreate, entry.number, path));
    }
    if (found == disk->entries_.end()) {
        return err_set(err, ERR_NOT_FOUND, "cannot open %s: No such file or directory", path);
    }
    *ret_file = disk->Open(path, found->second, (flags & FS_DATA_SYNC) != 0);
    return 0;
}

void Disk::DoClose(const struct fs *fs, int file)
{
    Handle &handle = Self(fs)->handles_.at(size_t(file));

    if (handle.lock) {
        handle.node->locked = false;
    }
    handle = {};
}

void Disk::WriteTo(const Handle &handle, uint64_t offset, std::string bytes)
{
    if (rewrite && !rewrite(handle.name, offset, bytes)) {
        return;
    }
    handle.node->image.Write(offset, bytes.data(), bytes.size());
    if (recorded_) {
        Call call(Act::kWrite, handle.number);
        call.durable = handle.durable;
        call.offset = offset;
        call.bytes = std::make_shared<const std::string>(std::move(bytes));
        Record(std::move(call));
    }
}

int Disk::DoWriteAt(const struct fs *fs, int file, const void *data, size_t size, uint64_t offset, struct err *err)
{
    Disk *disk = Self(fs);
    Handle handle = disk->handles_.at(size_t(file));

    if (disk->Enter("write to", handle.name, err) != 0) {
        if (disk->fail_halfway && !disk->dead_) {
            disk->WriteTo(handle, offset, std::string(static_cast<const char *>(data), size / 2));
        }
        return -1;
    }
    disk->WriteTo(handle, offset, std::string(static_cast<const char *>(data), size));
    return 0;
}

int Disk::DoReadAt(const struct fs *fs, int file, void *data, size_t size, uint64_t offset, size_t *ret_size,
                   struct err *err)
{
    Handle handle = Self(fs)->handles_.at(size_t(file));

    if (Self(fs)->Enter("read", handle.name, err) != 0) {
        return -1;
    }
    *ret_size = handle.node->image.Read(offset, static_cast<char *>(data), size);
    return 0;
}

int Disk::DoSize(const struct fs *fs, int file, uint64_t *ret_size, struct err *err)
{
    Handle handle = Self(fs)->handles_.at(size_t(file));

    if (Self(fs)->Enter("look at", handle.name, err) != 0) {
        return -1;
    }
    *ret_size = handle.node->image.size();
    return 0;
}

int Disk::DoTruncate(const struct fs *fs, int file, uint64_t size, struct err *err)
{
    Disk *disk = Self(fs);
    Handle handle = disk->handles_.at(size_t(file));

    if (disk->Enter("set the size of", handle.name, err) != 0) {
        return -1;
    }
    handle.node->image.Resize(size);
    Call call(Act::kResize, handle.number);
    call.offset = size;
    disk->Record(std::move(call));
    return 0;
}

int Disk::DoSync(const struct fs *fs, int file, struct err *err)
{
    Disk *disk = Self(fs);
    Handle handle = disk->handles_.at(size_t(file));

    if (disk->Enter("sync", handle.name, err) != 0) {
        return -1;
    }
    disk->Record(Call(Act::kSync, handle.number));
    return 0;
}

int Disk::DoSyncDir(const struct fs *fs, const char *given, struct err *err)
{
    Disk *disk = Self(fs);
    std::string path = given;

    if (path.size() > 3 && path.compare(path.size() - 3, 3, "/..") == 0) {
        path = ParentOf(path.substr(0, path.size() - 3));
    }
    if (disk->Enter("sync directory", path, err) != 0) {
        return -1;
    }
    if (!disk->dirs_.count(path)) {
        return err_set(err, ERR_NOT_FOUND, "cannot open directory %s: No such file or directory", given);
    }
    disk->Record(Call(Act::kSyncDir, 0, path));
    return 0;
}

int Disk::DoRename(const struct fs *fs, const char *from, const char *to, struct err *err)
{
    Disk *disk = Self(fs);

    if (disk->Enter("rename", from, err) != 0) {
        return -1;
    }
    auto found = disk->entries_.find(from);
    if (found == disk->entries_.end()) {
        return err_set(err, ERR_NOT_FOUND, "cannot rename %s: No such file or directory", from);
    }
    Entry entry = found->second;
    disk->entries_.erase(found);
    disk->entries_[to] = entry;
    disk->Record(Call(Act::kRename, entry.number, from, to));
    return 0;
}

int Disk::DoRemove(const struct fs *fs, const char *path, struct err *err)
{
    Disk *disk = Self(fs);

    if (disk->Enter("remove", path, err) != 0) {
        return -1;
    }
    auto found = disk->entries_.find(path);
    if (found == disk->entries_.end()) {
        return err_set(err, ERR_NOT_FOUND, "cannot remove %s: No such file or directory", path);
    }
    disk->Record(Call(Act::kRemove, found->second.number, path));
    disk->entries_.erase(found);
    return 0;
}

int Disk::DoMakeDir(const struct fs *fs, const char *path, struct err *err)
{
    Disk *disk = Self(fs);

    if (disk->Enter("make directory", path, err) != 0) {
        return -1;
    }
    if (!disk->dirs_.insert(path).second) {
        return 0;
    }
    disk->Record(Call(Act::kMakeDir, 0, path));
    return 0;
}

int Disk::DoList(const struct fs *fs, const char *path, fs_list_fn visit, void *context, struct err *err)
{
    Disk *disk = Self(fs);
    std::string head = std::string(path) + "/";

    if (disk->Enter("list directory", path, err) != 0) {
        return -1;
    }
    if (!disk->dirs_.count(path)) {
        return err_set(err, ERR_NOT_FOUND, "cannot list directory %s: No such file or directory", path);
    }
    for (auto at = disk->entries_.lower_bound(head); at != disk->entries_.end() && at->first.rfind(head, 0) == 0;
         ++at) {
        visit(context, at->first.c_str() + head.size());
    }
    return 0;
}

int Disk::DoLock(const struct fs *fs, const char *path, int *ret_file, struct err *err)
{
    Disk *disk = Self(fs);

    if (disk->Enter("lock", path, err) != 0) {
        return -1;
    }
    auto found = disk->entries_.find(path);
    if (found == disk->entries_.end()) {
        Entry entry = {std::make_shared<Node>(), disk->next_number_++};
        found = disk->entries_.emplace(path, entry).first;
        disk->Record(Call(Act::kCreate, entry.number, path));
    }
    if (found->second.node->locked) {
        return err_set(err, ERR_IN_USE, "%s is locked", path);
    }
    found->second.node->locked = true;
    *ret_file = disk->Open(path, found->second, false);
    disk->handles_[size_t(*ret_file)].lock = true;
    return 0;
}

int Disk::DoFreeBytes(const struct fs *fs, const char *path, uint64_t *ret_bytes, struct err *err)
{
    if (Self(fs)->Enter("look at the file system of", path, err) != 0) {
        return -1;
    }
    *ret_bytes = Self(fs)->bytes_free;
    return 0;
}

} /* namespace sim */
