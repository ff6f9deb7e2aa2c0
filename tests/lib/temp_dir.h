/* temp_dir: a directory under TMPDIR that goes with the object. */
#ifndef TESTS_LIB_TEMP_DIR_H_
#define TESTS_LIB_TEMP_DIR_H_

#include <cstdlib>
#include <filesystem>
#include <string>

class TempDir {
  public:
    TempDir()
    {
        const char *base = getenv("TMPDIR");
        std::string pattern = std::string(base ? base : "/tmp") + "/customjobd_test_XXXXXX";
        path_ = mkdtemp(pattern.data()) ? pattern : "";
    }
    ~TempDir()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir &) = delete;
    TempDir &operator=(const TempDir &) = delete;
    const std::string &path() const { return path_; }

  private:
    std::string path_;
};

#endif /* TESTS_LIB_TEMP_DIR_H_ */
