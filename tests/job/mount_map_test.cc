#include "job/mount_map.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/lib/temp_dir.h"

namespace {

class MountMap : public testing::Test {
  protected:
    ~MountMap() override { mount_map_destroy(map); }
    /* The error's text; "" when there is none. */
    std::string Create(std::vector<const char *> nfs, std::vector<const char *> lustre = {})
    {
        struct err err = ERR_INIT;
        nfs.push_back(nullptr);
        lustre.push_back(nullptr);
        mount_map_destroy(map);
        map = nullptr;
        return mount_map_create(nfs.data(), lustre.data(), &map, &err) == 0 ? "" : err.text;
    }
    std::string Find(enum mount_kind kind, const char *server, const char *path)
    {
        const char *dir = mount_map_find(map, kind, span_of(server), span_of(path));
        return dir ? dir : "";
    }
    TempDir dir;
    struct mount_map *map = nullptr;
};

TEST_F(MountMap, FindsWhatStandsForAnExportAndForAFileSystem)
{
    std::string nfs = "10.0.0.2:/vol/a=b=" + dir.path(), six = "[fe80::1]:/vol=" + dir.path();
    std::string lustre = "10.0.0.3:scratch=" + dir.path();
    ASSERT_EQ("", Create({nfs.c_str(), six.c_str()}, {lustre.c_str()}));
    EXPECT_EQ(dir.path(), Find(MOUNT_NFS, "10.0.0.2", "/vol/a=b"));
    EXPECT_EQ(dir.path(), Find(MOUNT_NFS, "[fe80::1]", "/vol"));
    EXPECT_EQ(dir.path(), Find(MOUNT_LUSTRE, "10.0.0.3", "scratch"));
    EXPECT_EQ("", Find(MOUNT_LUSTRE, "10.0.0.2", "/vol/a=b"));
    EXPECT_EQ("", Find(MOUNT_NFS, "10.0.0.2", "/vol"));
}

TEST_F(MountMap, IsNoneWithoutEntries)
{
    ASSERT_EQ("", Create({}));
    EXPECT_EQ(nullptr, map);
    EXPECT_EQ("", Find(MOUNT_NFS, "s", "/p"));
}

TEST_F(MountMap, NamesTheEntryThatIsWrong)
{
    std::string file = dir.path() + "/file", twice = "s:/p=" + dir.path();
    std::ofstream(file) << "x";
    for (const char *entry : {"s", "s:/p", "s:/p=relative", ":/p=/", "s:=/"}) {
        EXPECT_EQ(std::string("--nfs-map ") + entry + ": write it as SERVER:PATH=/absolute/directory", Create({entry}));
    }
    EXPECT_EQ("--lustre-map 1.2.3.4:fs=/no/such: No such file or directory", Create({}, {"1.2.3.4:fs=/no/such"}));
    EXPECT_NE(std::string::npos, Create({("s:/p=" + file).c_str()}).find("this is no directory"));
    EXPECT_NE(std::string::npos, Create({twice.c_str(), twice.c_str()}).find("another entry says where that is"));
}

TEST_F(MountMap, TakesNamesOfDirectoriesForMountPoints)
{
    for (const char *good : {"data", "a.b-c_9"}) {
        EXPECT_TRUE(mount_point_is_name(span_of(good))) << good;
    }
    for (const char *bad : {"", ".", "..", ".hidden", "a/b", "/a", "a b", "a:b", "a\nb"}) {
        EXPECT_FALSE(mount_point_is_name(span_of(bad))) << bad;
    }
    EXPECT_FALSE(mount_point_is_name(span_of(std::string(129, 'x').c_str())));
}

} // namespace
