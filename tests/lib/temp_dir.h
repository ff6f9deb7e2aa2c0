/* temp_dir: a directory under TMPDIR that goes with the object, or at the latest with the test program. */
#ifndef TESTS_LIB_TEMP_DIR_H_
#define TESTS_LIB_TEMP_DIR_H_

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

/* Holds all directories of a test program. What the child of a death test makes has nobody to remove it but the parent:
 * the child finds the parent's root in its environment. */
class TempRoot {
  public:
    static const std::string &Path()
    {
        static const TempRoot root;
        return root.path_;
    }
    TempRoot(const TempRoot &) = delete;
    TempRoot &operator=(const TempRoot &) = delete;

  private:
    TempRoot()
    {
        const char *inherited = getenv("CUSTOMJOBD_TEST_ROOT");
        const char *base = getenv("TMPDIR");
        if (inherited) {
            path_ = inherited;
            return;
        }
        std::string pattern = std::string(base && *base ? base : "/tmp") + "/customjobd_test_XXXXXX";
        if (!mkdtemp(pattern.data())) {
            perror(pattern.c_str());
            abort();
        }
        path_ = pattern;
        /* Programs that tests start as somebody else have to get through it. */
        std::filesystem::permissions(path_, std::filesystem::perms(0711));
        maker_ = getpid();
        setenv("CUSTOMJOBD_TEST_ROOT", path_.c_str(), 1);
    }
    ~TempRoot()
    {
        std::error_code ignored;
        if (maker_ == getpid())
            std::filesystem::remove_all(path_, ignored);
    }

    std::string path_;
    pid_t maker_ = 0;
};

class TempDir {
  public:
    TempDir()
    {
        std::string pattern = TempRoot::Path() + "/XXXXXX";
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
