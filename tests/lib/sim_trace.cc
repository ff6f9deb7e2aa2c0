#include "tests/lib/sim_trace.h"

#include <algorithm>

namespace sim {

Cursor::Cursor(const Trace &trace, Rules rules) : trace_(trace), rules_(rules), durable_dirs_(trace.base.dirs)
{
    uint32_t number = 1;

    for (const auto &[name, image] : trace.base.files) {
        durable_names_[name] = number;
        durable_images_[number++] = image;
    }
}

const Call *Cursor::call() const
{
    return position_ < trace_.calls.size() ? &trace_.calls[position_] : nullptr;
}

bool Cursor::Next()
{
    if (begun_ && call()) {
        Finish(*call());
        position_++;
    }
    begun_ = true;
    if (!call()) {
        return false;
    }
    Begin(*call());
    return true;
}

/* ---- walking ---- */

void Cursor::Begin(const Call &call)
{
    switch (call.act) {
    case Act::kCreate:
    case Act::kMakeDir:
    case Act::kRename:
    case Act::kRemove:
        names_.push_back(&call);
        break;
    case Act::kWrite:
    case Act::kResize:
        writes_.push_back(&call);
        break;
    case Act::kSync:
    case Act::kSyncDir:
    case Act::kNote:
        break;
    }
}

void Cursor::MakeDurable(uint32_t node)
{
    auto rest = std::remove_if(writes_.begin(), writes_.end(), [&](const Call *call) {
        if (call->node != node) {
            return false;
        }
        ApplyWrite(*call, Kept{}, durable_images_[node]);
        return true;
    });
    writes_.erase(rest, writes_.end());
}

void Cursor::Finish(const Call &call)
{
    if (call.act == Act::kWrite && call.durable && rules_.syncs) {
        ApplyWrite(call, Kept{}, durable_images_[call.node]);
        writes_.pop_back();
    }
    if (call.act == Act::kSync && rules_.syncs) {
        MakeDurable(call.node);
    }
    if (call.act == Act::kSyncDir && rules_.dir_syncs) {
        auto rest = std::remove_if(names_.begin(), names_.end(), [&](const Call *name) {
            if (ParentOf(name->name) != call.name) {
                return false;
            }
            ApplyName(*name, durable_names_, durable_dirs_);
            return true;
        });
        names_.erase(rest, names_.end());
    }
}

void Cursor::ApplyName(const Call &call, std::map<std::string, uint32_t> &names, std::set<std::string> &dirs) const
{
    switch (call.act) {
    case Act::kCreate:
        names[call.name] = call.node;
        break;
    case Act::kMakeDir:
        dirs.insert(call.name);
        break;
    case Act::kRename:
        names.erase(call.name);
        names[call.to] = call.node;
        break;
    default:
        names.erase(call.name);
        break;
    }
}

void Cursor::ApplyWrite(const Call &call, const Kept &kept, Image &image) const
{
    if (call.act == Act::kResize) {
        if (kept.to > 0) {
            image.Resize(call.offset);
        }
        return;
    }
    uint64_t size = call.bytes->size();
    uint64_t from = std::min(kept.from, size);
    uint64_t to = std::min(kept.to, size);
    auto keep = [&](uint64_t start, uint64_t end) {
        while (start < end) {
            uint64_t sector = start / kSectorBytes;
            uint64_t stop = kept.mask == UINT64_MAX ? end : std::min(end, (sector + 1) * kSectorBytes);
            if (kept.mask >> sector % 64 & 1) {
                image.Write(call.offset + start, call.bytes->data() + start, stop - start);
            }
            start = stop;
        }
    };
    if (kept.outside) {
        keep(0, from);
        keep(to, size);
    } else {
        keep(from, to);
    }
}

/* ---- crashing ---- */

Choice Cursor::Nothing() const
{
    Choice choice;

    choice.names.assign(names_.size(), false);
    choice.writes.assign(writes_.size(), kNothing);
    return choice;
}

Choice Cursor::Everything() const
{
    Choice choice;

    choice.names.assign(names_.size(), true);
    choice.writes.assign(writes_.size(), Kept{});
    return choice;
}

Kept Cursor::RandomKept(const Call &call, std::mt19937_64 &random) const
{
    uint64_t size = call.bytes ? std::max<uint64_t>(call.bytes->size(), 1) : 1;
    uint64_t sectors = (size + kSectorBytes - 1) / kSectorBytes;
    uint64_t sector = random() % sectors * kSectorBytes;
    Kept kept;

    switch (random() % 8) {
    case 0:
        return kNothing;
    case 1:
        return kept;
    case 2:
        kept.to = sector;
        break;
    case 3:
        kept.to = random() % size;
        break;
    case 4:
        kept.from = random() % 2 ? sector : random() % size;
        break;
    case 5:
        kept.from = sector;
        kept.to = sector + kSectorBytes * (1 + random() % 2);
        break;
    case 6:
        kept.from = sector;
        kept.to = sector + kSectorBytes * (1 + random() % 2);
        kept.outside = true;
        break;
    default:
        kept.mask = random();
        break;
    }
    return kept;
}

Choice Cursor::Random(std::mt19937_64 &random) const
{
    Choice choice = random() % 2 ? Everything() : Nothing();
    uint64_t way = random() % 4;
    size_t prefix = random() % (names_.size() + 1);

    for (size_t i = 0; i < names_.size(); i++) {
        if (way == 1) {
            choice.names[i] = random() % 2;
        } else if (way == 2) {
            choice.names[i] = i < prefix;
        }
    }
    /* A write under way is what differs most often; of the others many stay as they are. */
    for (size_t i = 0; i < writes_.size(); i++) {
        if (i + 1 == writes_.size() || random() % 3 == 0) {
            choice.writes[i] = RandomKept(*writes_[i], random);
        }
    }
    choice.sizes_first = random() % 4 == 0;
    choice.stale = random() % 2;
    return choice;
}

static bool Related(const Call &left, const Call &right)
{
    return (left.node != 0 && left.node == right.node) || left.name == right.name || left.name == right.to ||
           (!left.to.empty() && (left.to == right.name || left.to == right.to));
}

void Cursor::Grow(uint32_t node, const Choice &choice, Image &image) const
{
    uint64_t before = image.size();
    uint64_t size = before;

    for (const Call *call : writes_) {
        if (call->node == node && call->act == Act::kWrite) {
            size = std::max(size, call->offset + call->bytes->size());
        }
    }
    image.Resize(size);
    if (!choice.stale || size == before) {
        return;
    }
    for (const auto &[other, old] : durable_images_) {
        if (other != node && old.size() > before) {
            std::string bytes = old.Content().substr(before, size - before);
            image.Write(before, bytes.data(), bytes.size());
            return;
        }
    }
}

Medium Cursor::Crash(const Choice &choice) const
{
    std::map<std::string, uint32_t> names = durable_names_;
    std::vector<bool> kept = choice.names;
    Medium medium;

    for (size_t later = names_.size(); later-- > 0;) {
        for (size_t i = 0; kept[later] && i < later; i++) {
            kept[i] = kept[i] || Related(*names_[i], *names_[later]);
        }
    }
    medium.dirs = durable_dirs_;
    for (size_t i = 0; i < names_.size(); i++) {
        if (kept[i]) {
            ApplyName(*names_[i], names, medium.dirs);
        }
    }
    for (const auto &[name, node] : names) {
        if (!medium.dirs.count(ParentOf(name))) {
            continue;
        }
        auto durable = durable_images_.find(node);
        Image &image = medium.files[name];
        if (durable != durable_images_.end()) {
            image = durable->second;
        }
        if (choice.sizes_first) {
            Grow(node, choice, image);
        }
        for (size_t i = 0; i < writes_.size(); i++) {
            if (writes_[i]->node == node) {
                ApplyWrite(*writes_[i], choice.writes[i], image);
            }
        }
    }
    return medium;
}

} /* namespace sim */
