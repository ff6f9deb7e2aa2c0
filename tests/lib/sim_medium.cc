#include "tests/lib/sim_medium.h"

#include <algorithm>
#include <cstring>

namespace sim {

uint64_t Mix(uint64_t number)
{
    number += 0x9e3779b97f4a7c15;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
    number = (number ^ number >> 27) * 0x94d049bb133111eb;
    return number ^ number >> 31;
}

uint64_t HashBytes(const void *bytes, size_t size, uint64_t seed)
{
    const char *at = static_cast<const char *>(bytes);
    uint64_t hash = Mix(seed ^ size);
    uint64_t word;

    for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * 0x9fb21c651e98df25;
        hash ^= hash >> 29;
    }
    word = 0;
    if (size > 0) {
        memcpy(&word, at, size);
    }
    return Mix(hash ^ word);
}

void Image::WriteInBlock(uint64_t index, uint64_t at, const char *bytes, uint64_t size)
{
    static const char zeros[kBlockBytes] = {};
    auto &slot = blocks_[index];
    auto block = std::make_shared<Block>();

    memcpy(block->bytes, slot ? slot->bytes : zeros, kBlockBytes);
    memcpy(block->bytes + at, bytes, size);
    if (slot) {
        blocks_hash_ -= slot->hash;
    }
    if (memcmp(block->bytes, zeros, kBlockBytes) == 0) {
        slot = nullptr;
        return;
    }
    block->hash = HashBytes(block->bytes, kBlockBytes, index);
    blocks_hash_ += block->hash;
    slot = std::move(block);
}

void Image::Write(uint64_t offset, const char *bytes, uint64_t size)
{
    if (offset + size > size_) {
        Resize(offset + size);
    }
    while (size > 0) {
        uint64_t at = offset % kBlockBytes;
        uint64_t part = std::min(size, kBlockBytes - at);

        WriteInBlock(offset / kBlockBytes, at, bytes, part);
        offset += part;
        bytes += part;
        size -= part;
    }
}

void Image::Resize(uint64_t size)
{
    static const char zeros[kBlockBytes] = {};

    if (size < size_) {
        if (size % kBlockBytes != 0) {
            WriteInBlock(size / kBlockBytes, size % kBlockBytes, zeros, kBlockBytes - size % kBlockBytes);
        }
        for (uint64_t index = (size + kBlockBytes - 1) / kBlockBytes; index < blocks_.size(); index++) {
            blocks_hash_ -= blocks_[index] ? blocks_[index]->hash : 0;
        }
    }
    blocks_.resize((size + kBlockBytes - 1) / kBlockBytes);
    size_ = size;
}

size_t Image::Read(uint64_t offset, char *bytes, size_t size) const
{
    size_t left = offset < size_ ? std::min<uint64_t>(size, size_ - offset) : 0;
    size_t done = left;

    while (left > 0) {
        uint64_t at = offset % kBlockBytes;
        uint64_t part = std::min<uint64_t>(left, kBlockBytes - at);
        const auto &block = blocks_[offset / kBlockBytes];

        if (block) {
            memcpy(bytes, block->bytes + at, part);
        } else {
            memset(bytes, 0, part);
        }
        offset += part;
        bytes += part;
        left -= part;
    }
    return done;
}

std::string Image::Content() const
{
    std::string content(size_, '\0');

    Read(0, content.data(), size_);
    return content;
}

uint64_t Medium::Hash() const
{
    uint64_t hash = 0;

    for (const auto &[name, image] : files) {
        hash += Mix(image.hash() ^ HashBytes(name.data(), name.size(), 1));
    }
    for (const std::string &dir : dirs) {
        hash += HashBytes(dir.data(), dir.size(), 2);
    }
    return hash;
}

std::string ParentOf(const std::string &path)
{
    size_t slash = path.rfind('/');

    return slash == std::string::npos ? "" : path.substr(0, slash);
}

} /* namespace sim */
