/* failing_memory: malloc and its kin, as this test program's own code calls them, made to fail when wanted.
 *
 * Used by   the campaign that fails every allocation once.
 * Shape     failing_memory.cc takes the place of libc's; calls from C++ (new) and from libraries are left alone.
 * Thread    one test at a time, whatever threads it has.
 */
#ifndef TESTS_CRASH_FAILING_MEMORY_H_
#define TESTS_CRASH_FAILING_MEMORY_H_

#include <cstdint>

namespace crash {

/* False: under a sanitizer, which has a malloc of its own. */
bool MemoryCanFail();
/* From now on `passing` allocations work, then one fails, or, for good, all do. */
void FailMemory(uint64_t passing, bool for_good);
/* None fails any more; returns how many were asked for since FailMemory. */
uint64_t HealMemory();

} /* namespace crash */

#endif /* TESTS_CRASH_FAILING_MEMORY_H_ */
