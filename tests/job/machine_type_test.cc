/* Machine types: the table, what an operator's file adds to it, and what is said of a file that makes no sense. */
#include <gtest/gtest.h>

#include <fstream>

#include "job/api.h"
#include "job/machine_type.h"
#include "tests/lib/temp_dir.h"

namespace {

struct Types {
    explicit Types(const std::string &text = "")
    {
        std::string path = dir.path() + "/machines.yaml";
        std::ofstream(path) << text;
        this->path = path;
        result = machine_types_open(this->path.c_str(), &types, &err);
    }
    ~Types() { machine_types_close(types); }
    const struct machine_type *find(const char *name) { return machine_types_find(types, span_of(name)); }

    TempDir dir;
    std::string path;
    struct err err = ERR_INIT;
    struct machine_types *types = nullptr;
    int result;
};

TEST(MachineType, KnowsWhatVertexTypesAreMadeOf)
{
    Types types;
    ASSERT_EQ(0, types.result) << types.err.text;
    const struct machine_type *type = types.find("n1-highmem-8");
    ASSERT_NE(nullptr, type);
    EXPECT_EQ(8u, type->cpus);
    EXPECT_EQ(52u * 1024, type->memory_mib);
    EXPECT_EQ(0, type->accelerator_type);
    type = types.find("a3-highgpu-8g");
    ASSERT_NE(nullptr, type);
    EXPECT_EQ(208u, type->cpus);
    EXPECT_STREQ("NVIDIA_H100_80GB", accelerator_type_name(type->accelerator_type));
    EXPECT_EQ(8u, type->accelerator_count);
    EXPECT_EQ(nullptr, types.find("n1-standard-5"));
    EXPECT_EQ(nullptr, types.find(""));
}

TEST(MachineType, TellsModelsApartByWholeWords)
{
    Types types;
    auto is = [&](int32_t type, const char *model) { return machine_types_is_model(types.types, type, model); };
    EXPECT_TRUE(is(API(NVIDIA_TESLA_T4), "Tesla T4"));
    EXPECT_FALSE(is(API(NVIDIA_TESLA_T4), "NVIDIA T400"));
    EXPECT_TRUE(is(API(NVIDIA_TESLA_A100), "NVIDIA A100-SXM4-40GB"));
    EXPECT_FALSE(is(API(NVIDIA_TESLA_A100), "NVIDIA A100-SXM4-80GB"));
    EXPECT_TRUE(is(API(NVIDIA_A100_80GB), "NVIDIA A100 80GB PCIe"));
    EXPECT_TRUE(is(API(NVIDIA_H100_MEGA_80GB), "NVIDIA H100 80GB HBM3"));
    EXPECT_FALSE(is(API(NVIDIA_B200), "NVIDIA GB200"));
    EXPECT_TRUE(is(API(NVIDIA_RTX_PRO_6000), "NVIDIA RTX PRO 6000 Blackwell Server Edition"));
    EXPECT_FALSE(is(API(NVIDIA_L4), ""));
}

TEST(MachineType, ReadsTheOperatorsFileBeforeItsOwnTable)
{
    Types types("machine_types:\n"
                "  - {name: lab-box, cpus: 24, memory_mib: 65536, accelerator_type: NVIDIA_L4, accelerator_count: 2}\n"
                "  - {name: n1-standard-4, cpus: 1, memory_mib: 512}\n"
                "accelerators:\n"
                "  - {accelerator_type: NVIDIA_L4, model: RTX 3090}\n");
    ASSERT_EQ(0, types.result) << types.err.text;
    ASSERT_NE(nullptr, types.find("lab-box"));
    EXPECT_EQ(24u, types.find("lab-box")->cpus);
    EXPECT_EQ(2u, types.find("lab-box")->accelerator_count);
    EXPECT_EQ(1u, types.find("n1-standard-4")->cpus);
    EXPECT_EQ(8u, types.find("n1-standard-8")->cpus);
    EXPECT_TRUE(machine_types_is_model(types.types, API(NVIDIA_L4), "NVIDIA GeForce RTX 3090"));
    EXPECT_TRUE(machine_types_is_model(types.types, API(NVIDIA_L4), "NVIDIA L4"));
}

TEST(MachineType, NamesWhatIsWrongWithAFile)
{
    const std::pair<const char *, const char *> cases[] = {
        {"machine_types: [{name: x}]", ":1: a machine type has a name, cpus of 1 or more, and memory_mib"},
        {"machine_types:\n  - {name: x, cpus: many, memory_mib: 1}", ":2: cpus: 'many' is no whole number"},
        {"machine_types: [{name: x, cpus: 1, memory_mib: 1, accelerator_count: 2}]", "stand together"},
        {"machine_types: [{name: x, cpus: 1, memory_mib: 1, accelerator_type: RTX}]", "'RTX' is no AcceleratorType"},
        {"accelerators: [{model: RTX 3090}]", "an accelerator has an accelerator_type and a model"},
        {"machines: []", "has no key 'machines'; there are machine_types, accelerators"},
        {"machine_types: {", "neither YAML nor JSON"}};
    for (const auto &[text, sentence] : cases) {
        Types types(text);
        EXPECT_NE(0, types.result) << text;
        EXPECT_EQ(ERR_INVALID, types.err.code) << text;
        EXPECT_NE(std::string::npos, std::string(types.err.text).find(sentence)) << types.err.text;
    }
}

} /* namespace */
