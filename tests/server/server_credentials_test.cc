#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "server/pem_pair.h"
#include "server/server_credentials.h"

namespace {

/* Keys and certificates, made once by the openssl program. */
class Files {
  public:
    Files()
    {
        char name[] = "/tmp/credentials-test-XXXXXX";
        dir = mkdtemp(name);
        make("one", "");
        make("two", "");
        run("openssl pkey -in " + path("one.key") + " -aes128 -passout pass:secret -out " + path("locked.key"));
        std::ofstream(path("empty")) << "";
        std::ofstream(path("words")) << "this is no certificate\n";
        std::ofstream(path("broken.pem")) << read("one.pem").substr(0, 200) << "\n-----END CERTIFICATE-----\n";
        std::ofstream(path("chain.pem")) << read("one.pem") << read("two.pem");
        std::ofstream(path("broken-chain.pem")) << read("one.pem") << read("broken.pem");
        std::ofstream(path("huge.pem")) << std::string(2 << 20, '-');
        std::ofstream(path("nul.pem")) << std::string("a\0b", 3);
    }
    ~Files() { std::filesystem::remove_all(dir); }
    std::string path(const std::string &file) const { return dir + "/" + file; }
    std::string read(const std::string &file) const
    {
        std::ifstream stream(path(file));
        return {std::istreambuf_iterator<char>(stream), {}};
    }

  private:
    static void run(const std::string &command)
    {
        ASSERT_EQ(0, system((command + " >/dev/null 2>&1").c_str())) << command;
    }
    void make(const std::string &stem, const std::string &more)
    {
        run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout " +
            path(stem + ".key") + " -out " + path(stem + ".pem") + more);
    }
    std::string dir;
};

const Files &files()
{
    static Files made;
    return made;
}

/* The sentence that these files get; "" when they fit. */
std::string problem(const std::string &cert, const std::string &key, const std::string &client_ca = "")
{
    std::string paths[] = {files().path(cert), files().path(key), files().path(client_ca)};
    struct server_credentials_options options = {};
    struct server_credentials *credentials = nullptr;
    struct err err = ERR_INIT;
    options.cert_path = paths[0].c_str();
    options.key_path = paths[1].c_str();
    options.client_ca_path = client_ca.empty() ? nullptr : paths[2].c_str();
    if (server_credentials_create(&options, &credentials, &err) == 0) {
        EXPECT_NE(nullptr, server_credentials_grpc(credentials));
        server_credentials_destroy(credentials);
        return "";
    }
    EXPECT_EQ(nullptr, credentials);
    std::string text = err.text;
    size_t at = text.find(files().path(""));
    while (at != std::string::npos) {
        text.erase(at, files().path("").size());
        at = text.find(files().path(""));
    }
    return text;
}

TEST(ServerCredentials, TakeFilesThatFit)
{
    EXPECT_EQ("", problem("one.pem", "one.key"));
    EXPECT_EQ("", problem("chain.pem", "one.key")) << "the server's own certificate comes first";
    EXPECT_EQ("", problem("one.pem", "one.key", "two.pem"));
}

TEST(ServerCredentials, NameTheFileThatIsWrong)
{
    EXPECT_EQ("cannot open none.pem: No such file or directory", problem("none.pem", "one.key"));
    EXPECT_EQ("cannot open none.key: No such file or directory", problem("one.pem", "none.key"));
    EXPECT_EQ("cannot open none.ca: No such file or directory", problem("one.pem", "one.key", "none.ca"));
    EXPECT_EQ("the key two.key is not the one of the certificate one.pem", problem("one.pem", "two.key"));
    EXPECT_EQ("locked.key is a key with a passphrase; a server needs one without", problem("one.pem", "locked.key"));
    EXPECT_EQ("one.pem holds no private key in PEM form", problem("one.pem", "one.pem"));
    EXPECT_EQ("huge.pem has more than 1048576 bytes, the limit", problem("huge.pem", "one.key"));
    EXPECT_EQ("nul.pem is no PEM file: it has a NUL character", problem("nul.pem", "one.key"));
    for (const char *bad : {"empty", "words", "broken.pem", "broken-chain.pem", "one.key"}) {
        EXPECT_EQ(std::string(bad) + " holds no certificate in PEM form, or a broken one", problem(bad, "one.key"));
        EXPECT_EQ(std::string(bad) + " holds no certificate in PEM form, or a broken one",
                  problem("one.pem", "one.key", bad));
    }
}

TEST(ServerCredentials, WithoutFilesGuardNothing)
{
    struct server_credentials_options options = {};
    struct server_credentials *credentials = nullptr;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, server_credentials_create(&options, &credentials, &err));
    EXPECT_NE(nullptr, server_credentials_grpc(credentials));
    server_credentials_destroy(credentials);
    server_credentials_destroy(nullptr);
}

TEST(PemPair, TellsWhenItExpires)
{
    struct pem_pair pair;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, pem_pair_read(files().path("one.pem").c_str(), files().path("one.key").c_str(), nullptr, &pair, &err));
    EXPECT_EQ(20u, std::string(pair.expires).size()) << pair.expires;
    EXPECT_EQ(nullptr, pair.client_ca);
    pem_pair_deinit(&pair);
    pem_pair_deinit(&pair);
}

} // namespace
