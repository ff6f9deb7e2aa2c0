#include "failing_memory.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

namespace crash {

bool MemoryCanFail()
{
    return false;
}

void FailMemory(uint64_t, bool)
{
}

uint64_t HealMemory()
{
    return 0;
}

} /* namespace crash */

#else

extern "C" {
extern char __executable_start;
extern char etext;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
}

static std::atomic<bool> counting;
static std::atomic<uint64_t> asked;
static std::atomic<uint64_t> fails_at;
static std::atomic<bool> fails_for_good;

/* caller: where the allocation's result goes; our own code lies in the program, libraries do not. */
static bool Fails(const void *caller)
{
    if (!counting || caller < &__executable_start || caller >= &etext) {
        return false;
    }
    uint64_t number = asked++;
    bool fails = number == fails_at || (fails_for_good && number > fails_at);
    errno = fails ? ENOMEM : errno;
    return fails;
}

extern "C" void *malloc(size_t size)
{
    return Fails(__builtin_return_address(0)) ? nullptr : __libc_malloc(size);
}

extern "C" void *calloc(size_t count, size_t size)
{
    return Fails(__builtin_return_address(0)) ? nullptr : __libc_calloc(count, size);
}

extern "C" void *realloc(void *memory, size_t size)
{
    return Fails(__builtin_return_address(0)) ? nullptr : __libc_realloc(memory, size);
}

extern "C" void *aligned_alloc(size_t alignment, size_t size)
{
    return Fails(__builtin_return_address(0)) ? nullptr : __libc_memalign(alignment, size);
}

extern "C" char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    void *memory = Fails(__builtin_return_address(0)) ? nullptr : __libc_malloc(size);

    return memory ? static_cast<char *>(memcpy(memory, text, size)) : nullptr;
}

namespace crash {

bool MemoryCanFail()
{
    return true;
}

void FailMemory(uint64_t passing, bool for_good)
{
    asked = 0;
    fails_at = passing;
    fails_for_good = for_good;
    counting = true;
}

uint64_t HealMemory()
{
    counting = false;
    return asked;
}

} /* namespace crash */

#endif
