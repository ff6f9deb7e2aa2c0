/* key_file_fixture: key files for tests: keys of one byte repeated, so that a test can tell them by a number. */
#ifndef TESTS_LIB_KEY_FILE_FIXTURE_H_
#define TESTS_LIB_KEY_FILE_FIXTURE_H_

#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

namespace key_file_fixture {

inline std::string Name(const std::string &key)
{
    return "projects/p/locations/l/keyRings/r/cryptoKeys/" + key;
}

inline std::string Base64(const std::string &bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
        }
        for (size_t j = 0; j < 4; j++) {
            text += i + j > bytes.size() ? '=' : digits[group >> (18 - 6 * j) & 63];
        }
    }
    return text;
}

inline std::string Line(const std::string &key, const std::string &version, int byte, bool primary = false)
{
    return Name(key) + " " + version + " " + Base64(std::string(32, static_cast<char>(byte))) +
           (primary ? " primary\n" : "\n");
}

inline std::string Write(const std::string &path, const std::string &text, mode_t mode = 0600)
{
    std::ofstream(path, std::ios::trunc) << text;
    chmod(path.c_str(), mode);
    return path;
}

} /* namespace key_file_fixture */

#endif /* TESTS_LIB_KEY_FILE_FIXTURE_H_ */
