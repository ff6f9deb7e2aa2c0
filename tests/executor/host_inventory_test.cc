/* The inventory of hosts, read from trees of files as hosts have them. */
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "executor/host_inventory.h"
#include "tests/lib/temp_dir.h"

namespace {

/* What driver 535 writes for a GPU. */
std::string information(const std::string &model, const std::string &uuid, int minor, const char *excluded = "No")
{
    return "Model: \t\t " + model + "\nIRQ:   \t\t 250\nGPU UUID: \t " + uuid +
           "\nVideo BIOS: \t 92.00.45.00.03\nBus Type: \t PCIe\nDMA Size: \t 47 bits\nDMA Mask: \t 0x7fffffffffff\n"
           "Bus Location: \t 0000:07:00.0\nDevice Minor: \t " +
           std::to_string(minor) + "\nGPU Firmware: \t 535.129.03\nGPU Excluded:\t " + excluded + "\n";
}

const char access_text[] = "DeviceFileMinor: 30\nDeviceFileMode: 292\nDeviceFileModify: 1\n";

class Tree {
  public:
    Tree()
    {
        add("proc/meminfo", "MemTotal:       131072 kB\nMemFree:          1000 kB\n");
        add("sys/devices/system/cpu/online", "0-15\n");
        add("proc/self/status", "Name:\tx\nCpus_allowed:\tffff\nCpus_allowed_list:\t0-15\nMems_allowed_list:\t0\n");
    }
    ~Tree() { host_inventory_deinit(&found); }
    void add(const std::string &name, const std::string &text)
    {
        std::filesystem::path path = dir.path() + "/" + name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    void add_gpu(const std::string &bus, const std::string &model, const std::string &uuid, int minor,
                 const char *excluded = "No")
    {
        add("proc/driver/nvidia/gpus/" + bus + "/information", information(model, uuid, minor, excluded));
        add("dev/nvidia" + std::to_string(minor), "");
    }
    void remove(const std::string &name) { std::filesystem::remove_all(dir.path() + "/" + name); }
    int read()
    {
        host_inventory_deinit(&found);
        return host_inventory_read(dir.path().c_str(), &found, &err);
    }
    std::string ids() const
    {
        std::string text;
        for (size_t i = 0; i < found.device_count; i++) {
            text += (i > 0 ? " " : "") + std::string(found.devices[i].id);
        }
        return text;
    }

    TempDir dir;
    struct host_inventory found = {};
    struct err err = ERR_INIT;
};

TEST(HostInventory, CountsProcessorsAndMemory)
{
    Tree tree;
    ASSERT_EQ(0, tree.read()) << tree.err.text;
    EXPECT_EQ(16u, tree.found.cpus);
    EXPECT_EQ(128u << 20, tree.found.memory_bytes);
    EXPECT_EQ(0u, tree.found.device_count);
}

TEST(HostInventory, CountsOnlyWhatThisProcessMayUse)
{
    Tree tree;
    tree.add("proc/self/status", "Cpus_allowed_list:\t0-2,5,8-9\n");
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ(6u, tree.found.cpus);
    tree.add("sys/devices/system/cpu/online", "0-3\n");
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ(4u, tree.found.cpus);
    tree.remove("proc/self/status");
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ(4u, tree.found.cpus);
}

TEST(HostInventory, ObeysLimitsOfCgroupV2)
{
    Tree tree;
    tree.add("sys/fs/cgroup/cpu.max", "250000 100000\n");
    tree.add("sys/fs/cgroup/memory.max", "33554432\n");
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ(2u, tree.found.cpus);
    EXPECT_EQ(32u << 20, tree.found.memory_bytes);
    tree.add("sys/fs/cgroup/cpu.max", "50000 100000\n");
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ(1u, tree.found.cpus);
    tree.add("sys/fs/cgroup/cpu.max", "max 100000\n");
    tree.add("sys/fs/cgroup/memory.max", "max\n");
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ(16u, tree.found.cpus);
    EXPECT_EQ(128u << 20, tree.found.memory_bytes);
}

TEST(HostInventory, ObeysLimitsOfCgroupV1)
{
    Tree tree;
    tree.add("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
    tree.add("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    tree.add("sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n");
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ(4u, tree.found.cpus);
    EXPECT_EQ(64u << 20, tree.found.memory_bytes);
    tree.add("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    tree.add("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ(16u, tree.found.cpus);
    EXPECT_EQ(128u << 20, tree.found.memory_bytes);
}

TEST(HostInventory, ListsGpusByTheirMinorNumber)
{
    Tree tree;
    tree.add_gpu("0000:47:00.0", "NVIDIA A100-SXM4-80GB", "GPU-bbbbbbbb-0000-0000-0000-000000000001", 1);
    tree.add_gpu("0000:07:00.0", "Tesla T4", "GPU-aaaaaaaa-0000-0000-0000-000000000000", 10);
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ("GPU-bbbbbbbb-0000-0000-0000-000000000001 GPU-aaaaaaaa-0000-0000-0000-000000000000", tree.ids());
    EXPECT_STREQ("NVIDIA A100-SXM4-80GB", tree.found.devices[0].model);
    EXPECT_STREQ("Tesla T4", tree.found.devices[1].model);
    EXPECT_FALSE(tree.found.devices[0].is_partition);
}

/* A container sees all of /proc/driver, but has the device files of its own GPUs alone. */
TEST(HostInventory, LeavesOutGpusThatAreNotForThisProcess)
{
    Tree tree;
    tree.add_gpu("0000:01:00.0", "Tesla T4", "GPU-00000000-0000-0000-0000-000000000000", 0);
    tree.add_gpu("0000:02:00.0", "Tesla T4", "GPU-11111111-0000-0000-0000-000000000000", 1);
    tree.add_gpu("0000:03:00.0", "Tesla T4", "GPU-22222222-0000-0000-0000-000000000000", 2, "Yes");
    tree.add_gpu("0000:04:00.0", "Unknown", "GPU-" + std::string(8, 63) + "-0000", 3);
    tree.add("proc/driver/nvidia/gpus/0000:05:00.0/information", "Model: \t\t Tesla T4\n");
    tree.add("proc/driver/nvidia/gpus/0000:06:00.0/power", "Runtime D3 status: Disabled\n");
    tree.remove("dev/nvidia0");
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ("GPU-11111111-0000-0000-0000-000000000000", tree.ids());
}

TEST(HostInventory, GivesThePartitionsOfAGpuInItsPlace)
{
    Tree tree;
    tree.add_gpu("0000:01:00.0", "NVIDIA A100-PCIE-40GB", "GPU-aaaaaaaa-0000-0000-0000-000000000000", 0);
    tree.add_gpu("0000:02:00.0", "NVIDIA A100-PCIE-40GB", "GPU-bbbbbbbb-0000-0000-0000-000000000000", 1);
    tree.add("proc/driver/nvidia/capabilities/mig/config", access_text);
    tree.add("proc/driver/nvidia/capabilities/gpu0/mig/gi1/access", access_text);
    tree.add("proc/driver/nvidia/capabilities/gpu0/mig/gi1/ci0/access", access_text);
    tree.add("proc/driver/nvidia/capabilities/gpu0/mig/gi13/access", access_text);
    tree.add("proc/driver/nvidia/capabilities/gpu0/mig/gi13/ci0/access", access_text);
    tree.add("proc/driver/nvidia/capabilities/gpu0/mig/gi13/ci1/access", access_text);
    ASSERT_EQ(0, tree.read());
    EXPECT_EQ("MIG-GPU-aaaaaaaa-0000-0000-0000-000000000000/1/0 MIG-GPU-aaaaaaaa-0000-0000-0000-000000000000/13/0 "
              "MIG-GPU-aaaaaaaa-0000-0000-0000-000000000000/13/1 GPU-bbbbbbbb-0000-0000-0000-000000000000",
              tree.ids());
    EXPECT_TRUE(tree.found.devices[0].is_partition);
    EXPECT_FALSE(tree.found.devices[3].is_partition);
}

TEST(HostInventory, SaysWhatItCannotTell)
{
    Tree tree;
    tree.add("proc/meminfo", "MemFree: 12 kB\n");
    EXPECT_NE(0, tree.read());
    EXPECT_NE(std::string::npos, std::string(tree.err.text).find("/proc/meminfo has no MemTotal")) << tree.err.text;
    tree.remove("proc/self");
    tree.add("sys/devices/system/cpu/online", "nonsense\n");
    EXPECT_NE(0, tree.read());
    EXPECT_EQ(ERR_IO, tree.err.code);
    EXPECT_NE(std::string::npos, std::string(tree.err.text).find("tells processors")) << tree.err.text;
}

TEST(HostInventory, KeepsAPartForTheHost)
{
    struct host_inventory large = {16, 100000, nullptr, 0};
    struct host_inventory small = {1, 100000, nullptr, 0};
    host_inventory_reserve(&large);
    host_inventory_reserve(&small);
    EXPECT_EQ(15u, large.cpus);
    EXPECT_EQ(95000u, large.memory_bytes);
    EXPECT_EQ(1u, small.cpus);
}

TEST(HostInventory, ReadsThisHost)
{
    struct host_inventory found = {};
    struct err err = ERR_INIT;
    ASSERT_EQ(0, host_inventory_read("", &found, &err)) << err.text;
    EXPECT_GE(found.cpus, 1u);
    EXPECT_GT(found.memory_bytes, 1u << 20);
    host_inventory_deinit(&found);
}

} /* namespace */
