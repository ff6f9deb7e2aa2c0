#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "seal/key_file.h"
#include "seal/key_plugin.h"
#include "seal/keyring.h"
#include "seal/sealed_file.h"
#include "tests/lib/key_file_fixture.h"
#include "tests/lib/temp_dir.h"

using namespace key_file_fixture;

namespace {

struct span SpanOf(const std::string &text)
{
    return span_make(text.data(), text.size());
}

std::string ReadBytes(const std::string &path)
{
    std::stringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
}

void WriteBytes(const std::string &path, const std::string &bytes)
{
    std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), std::streamsize(bytes.size()));
}

class SealedFile : public ::testing::Test {
  protected:
    SealedFile() { UseKeys(Line("k", "1", 1)); }
    ~SealedFile() override { keyring_destroy(ring); }
    void UseKeys(const std::string &text)
    {
        struct key_source *source = nullptr;
        keyring_destroy(ring);
        ring = nullptr;
        ASSERT_EQ(0, key_file_open(Write(dir.path() + "/keys", text).c_str(), &source, &err)) << err.text;
        ASSERT_EQ(0, keyring_create(source, &ring, &err));
    }
    /* Seals the text into the file "sealed". */
    void Seal(const std::string &text, const std::string &role = "1/a/stdout.log")
    {
        WriteBytes(dir.path() + "/plain", text);
        int from = open((dir.path() + "/plain").c_str(), O_RDONLY);
        int to = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
        EXPECT_EQ(0, sealed_file_write(ring, SpanOf(Name("k")), SpanOf(role), from, to, &err)) << err.text;
        close(from);
        close(to);
    }
    /* All of it, or "(CODE)" of the failure. */
    std::string Open(const std::string &role = "1/a/stdout.log")
    {
        struct sealed_reader *reader = nullptr;
        std::string text(1 << 20, '\0');
        size_t got = 0;
        int fd = open(path.c_str(), O_RDONLY);
        if (sealed_reader_open(ring, SpanOf(role), fd, &reader, &err) != 0) {
            return "(" + std::string(err_code_name(err.code)) + ")";
        }
        int result = sealed_reader_read(reader, 0, text.data(), text.size(), &got, &err);
        uint64_t size = sealed_reader_size(reader);
        sealed_reader_close(reader);
        if (result != 0) {
            return "(" + std::string(err_code_name(err.code)) + ")";
        }
        EXPECT_EQ(size, got);
        return text.substr(0, got);
    }

    TempDir dir;
    std::string path = dir.path() + "/sealed";
    struct keyring *ring = nullptr;
    struct err err = ERR_INIT;
};

TEST_F(SealedFile, OfAnySizeIsReadBackAtAnyPlace)
{
    for (size_t size : {0, 1, 65535, 65536, 65537, 131072, 200000}) {
        std::string text(size, '\0');
        for (size_t i = 0; i < size; i++) {
            text[i] = char(i * 7 + i / 251);
        }
        Seal(text);
        EXPECT_EQ(text, Open()) << size;
        struct sealed_reader *reader = nullptr;
        ASSERT_EQ(0, sealed_reader_open(ring, SpanOf("1/a/stdout.log"), open(path.c_str(), O_RDONLY), &reader, &err));
        for (size_t at : {size_t(0), size / 2, size > 3 ? size - 3 : 0, size, size + 10}) {
            char bytes[70000];
            size_t got = 1;
            ASSERT_EQ(0, sealed_reader_read(reader, at, bytes, sizeof bytes, &got, &err)) << err.text;
            EXPECT_EQ(at < size ? text.substr(at, sizeof bytes) : "", std::string(bytes, got));
        }
        sealed_reader_close(reader);
    }
}

TEST_F(SealedFile, AChangedByteIsToldAndNeverServed)
{
    const std::string text = "one line\nand another\n";
    Seal(text);
    const std::string good = ReadBytes(path);
    ASSERT_EQ(std::string::npos, good.find("line"));
    for (size_t at = 0; at < good.size(); at++) {
        std::string bad = good;
        bad[at] = char(bad[at] ^ 4);
        WriteBytes(path, bad);
        std::string read = Open();
        /* The slot that is not used means nothing. */
        bool is_spare_slot = at >= SEALED_FILE_HEAD_BYTES / 2 && at < SEALED_FILE_HEAD_BYTES;
        EXPECT_EQ(is_spare_slot ? text : "(corrupt)", read) << at;
    }
}

TEST_F(SealedFile, OneThatIsCutOrPutInThePlaceOfAnotherIsTold)
{
    Seal(std::string(2 * 65536, 'x'));
    std::string good = ReadBytes(path);
    for (size_t size : {size_t(0), size_t(4096), size_t(4100), size_t(4096 + 65552), good.size() - 1}) {
        WriteBytes(path, good.substr(0, size));
        EXPECT_EQ("(corrupt)", Open()) << size;
    }
    WriteBytes(path, good);
    EXPECT_EQ(std::string(2 * 65536, 'x'), Open());
    EXPECT_EQ("(corrupt)", Open("1/a/stderr.log"));
}

TEST_F(SealedFile, WithoutItsKeyItSaysWhich)
{
    Seal("text");
    UseKeys(Line("other", "1", 1));
    EXPECT_EQ("(failed precondition)", Open());
    EXPECT_NE(nullptr, strstr(err.text, Name("k").c_str())) << err.text;
}

TEST_F(SealedFile, IsWrappedAgainInPlaceAndAHalfWrittenSlotChangesNothing)
{
    Seal("text");
    std::string before = ReadBytes(path);
    UseKeys(Line("k", "1", 1) + Line("k", "2", 2, true));
    bool changed = false;
    int fd = open(path.c_str(), O_RDWR);
    ASSERT_EQ(0, sealed_file_rewrap(ring, fd, &changed, &err)) << err.text;
    EXPECT_TRUE(changed);
    ASSERT_EQ(0, sealed_file_rewrap(ring, fd, &changed, &err)) << err.text;
    EXPECT_FALSE(changed);
    close(fd);
    std::string after = ReadBytes(path);
    UseKeys(Line("k", "2", 2));
    EXPECT_EQ("text", Open());
    /* A crash in the middle of the slot: the other one still holds, for the old version. */
    std::string torn = before.substr(0, 2048) + after.substr(2048, 100) + before.substr(2148);
    WriteBytes(path, torn);
    UseKeys(Line("k", "2", 2));
    EXPECT_EQ("(failed precondition)", Open());
    UseKeys(Line("k", "1", 1));
    EXPECT_EQ("text", Open());
}

/* ---- the key service ---- */

std::string OpenPlugin(const std::string &script)
{
    TempDir dir;
    struct key_source *source = nullptr;
    struct err err = ERR_INIT;
    std::string path = Write(dir.path() + "/plugin", "#!/bin/sh\n" + script, 0700);
    if (key_plugin_open(path.c_str(), &source, &err) == 0) {
        source->destroy(source);
        return "";
    }
    std::string text = err.text;
    size_t at = text.find("/plugin ");
    return at == text.npos ? text : text.substr(at + 8);
}

TEST(KeyPlugin, WhatMakesNoSenseIsNamed)
{
    EXPECT_EQ("", OpenPlugin("echo " + Name("k") + " 1\n"));
    EXPECT_EQ("list: there is no key", OpenPlugin("exit 0\n"));
    EXPECT_EQ("list: a line is NAME PRIMARY_VERSION", OpenPlugin("echo one\n"));
    EXPECT_EQ("list  failed with 7: the reason", OpenPlugin("echo the reason >&2; exit 7\n"));
    EXPECT_EQ("list : it printed more than 1048576 bytes", OpenPlugin("yes\n"));
}

} // namespace
