/* sim_medium: what a disk holds while nothing runs: files as maps of blocks, under their names.
 *
 * Used by   sim_disk (begins with one, changes it), sim_trace (makes one for each crash), tests.
 * Shape     copying is cheap: blocks are immutable and shared; a block of zeros is none. Hashes are kept up to date
 *           block by block, so that a million media are told apart without reading them.
 * Thread    values; any.
 */
#ifndef TESTS_LIB_SIM_MEDIUM_H_
#define TESTS_LIB_SIM_MEDIUM_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sim {

constexpr uint64_t kBlockBytes = 4096;
constexpr uint64_t kSectorBytes = 512;

/* Scatters a number over 64 bits. */
uint64_t Mix(uint64_t number);
uint64_t HashBytes(const void *bytes, size_t size, uint64_t seed);

class Image {
  public:
    uint64_t size() const { return size_; }
    /* Of size and content. */
    uint64_t hash() const { return Mix(size_) ^ blocks_hash_; }
    void Write(uint64_t offset, const char *bytes, uint64_t size);
    void Resize(uint64_t size);
    /* Bytes read: fewer than size only at the end. */
    size_t Read(uint64_t offset, char *bytes, size_t size) const;
    std::string Content() const;

  private:
    struct Block {
        uint64_t hash;
        char bytes[kBlockBytes];
    };

    void WriteInBlock(uint64_t index, uint64_t at, const char *bytes, uint64_t size);

    uint64_t size_ = 0;
    uint64_t blocks_hash_ = 0;
    std::vector<std::shared_ptr<const Block>> blocks_;
};

struct Medium {
    std::map<std::string, Image> files;
    std::set<std::string> dirs;

    uint64_t Hash() const;
};

/* "a/b" of "a/b/c". */
std::string ParentOf(const std::string &path);

} /* namespace sim */

#endif /* TESTS_LIB_SIM_MEDIUM_H_ */
