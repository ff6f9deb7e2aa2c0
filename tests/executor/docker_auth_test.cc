/* Credentials out of docker's own file, as headers that the engine reads. */
#include "executor/docker_auth.h"

#include <gtest/gtest.h>
#include <jansson.h>
#include <openssl/evp.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "tests/lib/temp_dir.h"

namespace {

class DockerAuth : public testing::Test {
  protected:
    /* The header's JSON; "" for none; the error's text where it fails. */
    std::string Header(const std::string &config, const std::string &image)
    {
        std::ofstream(path_, std::ios::trunc) << config;
        char *header = nullptr;
        error_ = ERR_INIT;
        if (docker_auth_header(path_.c_str(), image.c_str(), &header, &error_) != 0)
            return error_.text;
        if (!header)
            return "";
        std::string text = header, plain(text.size(), '\0');
        free(header);
        std::replace(text.begin(), text.end(), '-', '+');
        std::replace(text.begin(), text.end(), '_', '/');
        int size = EVP_DecodeBlock(reinterpret_cast<unsigned char *>(plain.data()),
                                   reinterpret_cast<const unsigned char *>(text.data()), static_cast<int>(text.size()));
        EXPECT_GT(size, 0) << text;
        plain.resize(plain.rfind('}') + 1);
        return plain;
    }
    TempDir dir_;
    std::string path_ = dir_.path() + "/config.json";
    err error_ = ERR_INIT;
};

/* "a:b:c" */
constexpr char kReg[] = R"({"auths":{"reg.example:5000":{"auth":"YTpiOmM="}}})";

TEST_F(DockerAuth, FindsTheRegistryThatStandsBeforeTheFirstSlash)
{
    const char *wanted = R"({"username":"a","password":"b:c","serveraddress":"reg.example:5000"})";
    EXPECT_EQ(Header(kReg, "reg.example:5000/team/image:1"), wanted);
    EXPECT_EQ(Header(R"({"auths":{"https://reg.example:5000/v2/":{"auth":"YTpiOmM="}}})", "reg.example:5000/x"),
              wanted);
    EXPECT_EQ(Header(kReg, "reg.example/team/image"), "") << "another port is another registry";
    EXPECT_EQ(Header(kReg, "debian:12"), "");
}

TEST_F(DockerAuth, TakesNamesWithoutAHostForDockerHub)
{
    std::string config = R"({"auths":{"https://index.docker.io/v1/":{"username":"u","password":"p"}}})";
    const char *wanted = R"({"username":"u","password":"p","serveraddress":"index.docker.io"})";
    for (const char *image : {"debian:12", "team/image", "docker.io/team/image"})
        EXPECT_EQ(Header(config, image), wanted) << image;
    EXPECT_EQ(Header(config, "localhost/image"), "");
}

TEST_F(DockerAuth, PrefersTokens)
{
    EXPECT_EQ(Header(R"({"auths":{"r.io":{"auth":"YTpiOmM=","identitytoken":"t"}}})", "r.io/x"),
              R"({"identitytoken":"t","serveraddress":"r.io"})");
    EXPECT_EQ(Header(R"({"auths":{"r.io":{"registrytoken":"t"}}})", "r.io/x"),
              R"({"registrytoken":"t","serveraddress":"r.io"})");
}

TEST_F(DockerAuth, KeepsWhatAPasswordHolds)
{
    /* u:pä?>~"\ in base64 has + and /, and JSON escapes two of them. */
    EXPECT_EQ(Header(R"({"auths":{"r.io":{"username":"u","password":"p\u00e4?>~\"\\"}}})", "r.io/x"),
              R"({"username":"u","password":"pä?>~\"\\","serveraddress":"r.io"})");
}

TEST_F(DockerAuth, RefusesByNameWhatAHelperKeeps)
{
    EXPECT_NE(Header(R"({"credHelpers":{"r.io":"ecr-login"}})", "r.io/x").find("docker-credential-ecr-login"),
              std::string::npos);
    EXPECT_EQ(error_.code, ERR_UNSUPPORTED);
    EXPECT_NE(Header(R"({"auths":{"r.io":{}},"credsStore":"pass"})", "r.io/x").find("docker-credential-pass"),
              std::string::npos);
    EXPECT_EQ(Header(R"({"auths":{},"credsStore":"pass"})", "r.io/x"), "") << "nobody has logged in there";
}

TEST_F(DockerAuth, NamesTheFileAndThePlaceOfWhatIsWrong)
{
    EXPECT_NE(Header("{\n{", "r.io/x").find("config.json:2: "), std::string::npos) << error_.text;
    EXPECT_NE(Header(R"({"auths":{"r.io":{"auth":"no base64"}}})", "r.io/x").find("r.io is neither"),
              std::string::npos);
    EXPECT_NE(Header(R"({"auths":{"r.io":{"auth":"YWJj"}}})", "r.io/x").find("r.io is neither"), std::string::npos);
}

TEST_F(DockerAuth, NeedsNoFile)
{
    char *header = nullptr;
    EXPECT_EQ(docker_auth_header("/nowhere/config.json", "r.io/x", &header, &error_), 0) << error_.text;
    EXPECT_EQ(header, nullptr);
    EXPECT_EQ(docker_auth_header(nullptr, "r.io/x", &header, &error_), 0);
}

} // namespace
