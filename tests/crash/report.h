/* report: what a campaign found, as a line for people and, where CRASH_REPORT names a file, one of JSON for a program.
 *
 * Used by   the campaigns of tests/crash; tests/crash/campaigns.py gathers the lines.
 */
#ifndef TESTS_CRASH_REPORT_H_
#define TESTS_CRASH_REPORT_H_

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace crash {

/* Under a sanitizer everything takes ten times as long, or forty, and less of it says as much. */
#if defined(__SANITIZE_THREAD__)
constexpr uint64_t kSlower = 40;
#elif defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kSlower = 10;
#else
constexpr uint64_t kSlower = 1;
#endif

/* A number to turn: from the environment, else as continuous integration has it. */
inline uint64_t Setting(const char *name, uint64_t otherwise)
{
    const char *given = getenv(name);

    return given ? strtoull(given, nullptr, 10) : otherwise;
}

inline uint64_t Seed()
{
    uint64_t seed = Setting("SEED", std::random_device{}());

    printf("SEED=%llu\n", static_cast<unsigned long long>(seed));
    return seed;
}

inline void Report(const std::string &campaign, const std::vector<std::pair<std::string, uint64_t>> &numbers)
{
    const char *path = getenv("CRASH_REPORT");
    std::string people = campaign + ":";
    std::string json = "{\"campaign\": \"" + campaign + "\"";

    for (const auto &[name, number] : numbers) {
        people += " " + std::to_string(number) + " " + name + ",";
        json += ", \"" + name + "\": " + std::to_string(number);
    }
    people.back() = '\n';
    std::cout << people;
    if (path) {
        std::ofstream(path, std::ios::app) << json << "}\n";
    }
}

} /* namespace crash */

#endif /* TESTS_CRASH_REPORT_H_ */
