/* What is shipped: one static program that calls no allocator and hardly takes memory. */
#include <elf.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

#include "attempt.h"

using namespace supervisor_test;

namespace {

std::string Output(const std::string &command)
{
    FILE *pipe = popen(command.c_str(), "r");
    std::string text = pipe ? ReadAll(fileno(pipe)) : "";
    EXPECT_EQ(0, pipe ? pclose(pipe) : -1) << command;
    return text;
}

TEST(SupervisorProgram, NeedsNoLoader)
{
    if (kSanitized) {
        GTEST_SKIP() << "sanitizers need the dynamic loader";
    }
    std::string bytes = ReadFile(ProgramPath());
    Elf64_Ehdr head;
    ASSERT_GE(bytes.size(), sizeof head);
    memcpy(&head, bytes.data(), sizeof head);
    ASSERT_EQ(0, memcmp(head.e_ident, ELFMAG, SELFMAG));
    for (unsigned i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr part;
        memcpy(&part, bytes.data() + head.e_phoff + i * sizeof part, sizeof part);
        EXPECT_NE(unsigned(PT_INTERP), part.p_type);
        EXPECT_NE(unsigned(PT_DYNAMIC), part.p_type);
    }
}

TEST(SupervisorProgram, CallsNoAllocator)
{
    std::string build = CUSTOMJOBD_BIN_DIR "/..";
    std::string files[] = {build + "/libsupervisor.a", build + "/libsupervisor_wire.a",
                           build + "/CMakeFiles/customjob-supervisor.dir/supervisor/main.c.o"};
    if (std::string(CUSTOMJOBD_BIN_DIR) == ".") {
        GTEST_SKIP() << "Bazel gives no object files to tests; CMake's are the same";
    }
    const std::set<std::string> allocators = {
        "malloc",   "calloc", "realloc",   "reallocarray", "free",     "strdup",         "__strdup",      "strndup",
        "asprintf", "brk",    "vasprintf", "getline",      "getdelim", "posix_memalign", "aligned_alloc", "sbrk",
        "fopen",    "fdopen", "opendir",   "fdopendir",    "scandir",  "realpath",       "setlocale",     "localtime",
        "gmtime",   "mktime", "tzset",     "getpwnam",     "getgrnam", "qsort",          "open_memstream"};
    for (const std::string &file : files) {
        ASSERT_TRUE(std::filesystem::exists(file)) << file;
        std::string symbols = Output("nm -u '" + file + "'");
        EXPECT_NE(std::string::npos, symbols.find(" U ")) << "nm has read it";
        for (const std::string &line : Split(symbols, '\n')) {
            std::string name = line.substr(line.rfind(' ') + 1);
            EXPECT_EQ(0u, allocators.count(name)) << name << " in " << file;
        }
    }
}

/* kB of "NAME:" summed up over all mappings. */
unsigned long Sum(const std::string &rollup, const std::string &name)
{
    size_t at = rollup.find(name + ":");
    return at == rollup.npos ? 0 : strtoul(rollup.c_str() + at + name.size() + 1, nullptr, 10);
}

TEST(SupervisorProgram, TakesLessThanAHundredKilobytesOfItsOwn)
{
    if (kSanitized) {
        GTEST_SKIP() << "sanitizers take memory of their own";
    }
    Attempt attempt;
    attempt.MakeFifo("up");
    attempt.MakeFifo("go");
    attempt.SetConf("memory_bytes_max=1073741824\ncpus_milli_max=1000\npids_max=100\n");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("echo line; echo line >&2; echo up > up; read x < go"));
    EXPECT_EQ("up", attempt.ReadFifo("up"));
    Peer peer(attempt.dir());
    ASSERT_TRUE(peer.Subscribe());
    ASSERT_TRUE(peer.Await(SUPERVISOR_EVENT_RUN));
    std::string rollup = ReadFile("/proc/" + std::to_string(attempt.pid()) + "/smaps_rollup");
    if (rollup.empty()) {
        attempt.WriteFifo("go");
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        GTEST_SKIP() << "this kernel does not tell";
    }
    EXPECT_GT(Sum(rollup, "Anonymous"), 0u);
    EXPECT_LT(Sum(rollup, "Anonymous"), 100u) << rollup;
    RecordProperty("anonymous_kb", int(Sum(rollup, "Anonymous")));
    printf("anonymous %lu kB, private dirty %lu kB, resident %lu kB\n", Sum(rollup, "Anonymous"),
           Sum(rollup, "Private_Dirty"), Sum(rollup, "Rss"));
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
}

} // namespace
