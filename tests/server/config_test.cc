#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

#include "server/config.h"
#include "server/config_value.h"

namespace {

/* What a server was told, and what it made of it. */
class Told {
  public:
    Told(std::vector<std::string> arguments, std::vector<std::string> environment = {})
    {
        std::vector<char *> words, variables;
        for (std::string &word : arguments) {
            words.push_back(word.data());
        }
        for (std::string &variable : environment) {
            variables.push_back(variable.data());
        }
        words.push_back(nullptr);
        variables.push_back(nullptr);
        struct err err = ERR_INIT;
        loaded = config_load(words.data(), variables.data(), &config, &err) == 0;
        code = err.code;
        error = err.text;
    }
    ~Told() { config_deinit(&config); }
    Told(const Told &) = delete;

    std::vector<std::string> listen() const { return {config.listen.items, config.listen.items + config.listen.count}; }

    struct config config = {};
    bool loaded;
    enum err_code code;
    std::string error;
};

/* Flags that are enough, and these. */
std::vector<std::string> with(std::vector<std::string> more)
{
    more.insert(more.begin(), {"--data-dir", "/data"});
    return more;
}

class File {
  public:
    explicit File(const std::string &text)
    {
        char name[] = "/tmp/config-test-XXXXXX";
        int fd = mkstemp(name);
        EXPECT_LE(0, fd);
        close(fd);
        path = name;
        std::ofstream(path) << text;
    }
    ~File() { unlink(path.c_str()); }
    std::string path;
};

Told told_by_file(const std::string &text, std::vector<std::string> flags = {}, std::vector<std::string> variables = {})
{
    File file(text);
    flags.insert(flags.begin(), {"--config", file.path});
    return Told(flags, variables);
}

std::string error_of_file(const std::string &text)
{
    File file(text);
    Told told({"--config", file.path});
    EXPECT_FALSE(told.loaded) << text;
    size_t at = told.error.find(file.path);
    return at == 0 ? told.error.substr(file.path.size()) : told.error;
}

std::string error_of(std::vector<std::string> flags)
{
    Told told(with(flags));
    EXPECT_FALSE(told.loaded);
    EXPECT_EQ(ERR_INVALID, told.code);
    return told.error;
}

TEST(Config, HasDefaultsForAllButTheDataDirectory)
{
    Told told({"--data-dir", "/data"});
    ASSERT_TRUE(told.loaded) << told.error;
    EXPECT_STREQ("/data", told.config.data_dir);
    EXPECT_EQ(std::vector<std::string>{"127.0.0.1:8080"}, told.listen());
    EXPECT_STREQ("auto", told.config.executor);
    EXPECT_EQ(30'000, told.config.stop_grace_ms);
    EXPECT_EQ(64u << 20, told.config.log_stream_bytes_max);
    EXPECT_EQ(20000, told.config.port_range.first);
    EXPECT_EQ(29999, told.config.port_range.last);
    EXPECT_EQ(nullptr, told.config.tls_cert);
    EXPECT_FALSE(told.config.insecure_bind);
    EXPECT_EQ(0u, told.config.pass_env.count);
    EXPECT_EQ(nullptr, told.config.pass_env.items[0]);

    Told nothing({});
    EXPECT_FALSE(nothing.loaded);
    EXPECT_EQ("--data-dir DIR is missing: where shall jobs be kept?", nothing.error);
}

TEST(Config, TakesAFlagsValueApartOrBehindAnEqualsSign)
{
    Told told(with({"--stop-grace=1.5s", "--max-replicas", "7", "--allow-root-jobs", "--insecure-bind=false"}));
    ASSERT_TRUE(told.loaded) << told.error;
    EXPECT_EQ(1500, told.config.stop_grace_ms);
    EXPECT_EQ(7u, told.config.replicas_max);
    EXPECT_TRUE(told.config.allow_root_jobs);
    EXPECT_FALSE(told.config.insecure_bind);
}

TEST(Config, AFlagWinsOverTheEnvironmentAndThatOverTheFile)
{
    File file("data-dir: /file\nmax-replicas: 1\nstop-grace: 1s\nlisten: ['127.0.0.1:1']\n");
    std::vector<std::string> variables = {"CUSTOMJOBD_MAX_REPLICAS=2", "CUSTOMJOBD_STOP_GRACE=2s",
                                          "CUSTOMJOBD_LISTEN=127.0.0.1:2,unix:/run/two",
                                          "CUSTOMJOBD_TLS_CERT=", "HOME=/"};
    Told told({"--config", file.path, "--max-replicas", "3", "--listen", "127.0.0.1:3", "--listen", "127.0.0.1:4"},
              variables);
    ASSERT_TRUE(told.loaded) << told.error;
    EXPECT_STREQ("/file", told.config.data_dir);
    EXPECT_EQ(3u, told.config.replicas_max);
    EXPECT_EQ(2000, told.config.stop_grace_ms);
    EXPECT_EQ((std::vector<std::string>{"127.0.0.1:3", "127.0.0.1:4"}), told.listen()) << "whole, from one place";
    EXPECT_EQ(nullptr, told.config.tls_cert) << "an empty variable is none";

    Told without_flags({"--config", file.path}, variables);
    EXPECT_EQ((std::vector<std::string>{"127.0.0.1:2", "unix:/run/two"}), without_flags.listen());
    Told variable({}, {"CUSTOMJOBD_CONFIG=" + file.path});
    ASSERT_TRUE(variable.loaded) << "the file itself may be named by the environment: " << variable.error;
    EXPECT_EQ(std::vector<std::string>{"127.0.0.1:1"}, variable.listen());
}

TEST(Config, NamesTheNearestOptionOfAnUnknownOne)
{
    EXPECT_EQ("unknown flag --lisen; did you mean --listen?", error_of({"--lisen", "x"}));
    EXPECT_EQ("unknown flag --max_replicas; did you mean --max-replicas?", error_of({"--max_replicas=3"}));
    EXPECT_EQ("unknown flag --job-usre; did you mean --job-user?", error_of({"--job-usre", "x"}));
    EXPECT_EQ("unknown flag --web-listen; customjobd serve --help lists what there is",
              error_of({"--web-listen", "x"}));
    EXPECT_EQ("unexpected argument 'serve'; options begin with --", error_of({"serve"}));
    EXPECT_EQ("unexpected argument '-v'; options begin with --", error_of({"-v"}));
    Told told(with({}), {"CUSTOMJOBD_LISTN=127.0.0.1:1"});
    EXPECT_EQ("unknown variable CUSTOMJOBD_LISTN; did you mean CUSTOMJOBD_LISTEN?", told.error);
    Told others(with({}), {"CUSTOMJOBD_BUILD_DIR=/b", "CUSTOMJOBD_BIN_DIR=/b", "CUSTOMJOBD_SOURCE_DIR=/s"});
    EXPECT_TRUE(others.loaded) << "another program's variable is none of ours: " << others.error;
}

TEST(Config, NamesAWrongValueAndItsLimit)
{
    EXPECT_EQ("--max-replicas: 'many' is no whole number", error_of({"--max-replicas", "many"}));
    EXPECT_EQ("--max-replicas: '0' is below 1, the limit", error_of({"--max-replicas", "0"}));
    EXPECT_EQ("--max-replicas: '1000001' is above 1000000, the limit", error_of({"--max-replicas", "1000001"}));
    EXPECT_EQ("--max-replicas: '99999999999999999999' is no whole number",
              error_of({"--max-replicas", "99999999999999999999"}));
    EXPECT_EQ("--stop-grace: '30' is no time; write it as 200ms, 1.5s, 10m, 1h30m or 7d",
              error_of({"--stop-grace", "30"}));
    EXPECT_EQ("--stop-grace: '25h' is above 1d, the limit", error_of({"--stop-grace", "25h"}));
    EXPECT_EQ("--log-limit: '64MB' is no size; write it as 4096B, 512KiB, 64MiB, 1.5GiB or 1TiB",
              error_of({"--log-limit", "64MB"}));
    EXPECT_EQ("--log-limit: '1KiB' is below 64KiB, the limit", error_of({"--log-limit", "1KiB"}));
    EXPECT_EQ("--port-range: '80-90' begins below 1024, the limit", error_of({"--port-range", "80-90"}));
    EXPECT_EQ("--insecure-bind: 'maybe' is neither true nor false", error_of({"--insecure-bind=maybe"}));
    EXPECT_EQ("--executor: 'podman' is none of auto|process|docker|slurm|simulate", error_of({"--executor", "podman"}));
    EXPECT_EQ("--executor: 'auto|process' is none of auto|process|docker|slurm|simulate",
              error_of({"--executor", "auto|process"}));
    EXPECT_EQ("--data-dir: the value is empty", error_of({"--data-dir="}));
    EXPECT_EQ("--listen needs a value: --listen ADDR", error_of({"--listen"}));
    Told told(with({}), {"CUSTOMJOBD_DRAIN_GRACE=soon"});
    EXPECT_EQ("CUSTOMJOBD_DRAIN_GRACE: 'soon' is no time; write it as 200ms, 1.5s, 10m, 1h30m or 7d", told.error);
}

TEST(Config, RefusesByNameWhatDoesNotGoTogether)
{
    EXPECT_EQ("--executor slurm: this version is built without it; there are process, docker and simulate",
              error_of({"--executor", "slurm"}));
    EXPECT_EQ("--job-user u: with --executor docker a replica's user is the one its image names",
              error_of({"--executor", "docker", "--job-user", "u"}));
    EXPECT_EQ("--tls-cert and --tls-key belong together: --tls-key is missing", error_of({"--tls-cert", "c"}));
    EXPECT_EQ("--tls-cert and --tls-key belong together: --tls-cert is missing", error_of({"--tls-key", "k"}));
    EXPECT_EQ("--client-ca needs --tls-cert and --tls-key: clients show certificates in TLS",
              error_of({"--client-ca", "c"}));
    EXPECT_EQ("--job-user and --allow-root-jobs exclude each other",
              error_of({"--job-user", "u", "--allow-root-jobs"}));
    EXPECT_EQ("--pass-env A=b: a variable's name alone, its value is the server's", error_of({"--pass-env", "A=b"}));
}

TEST(Config, ProjectsHaveOneNumberEach)
{
    Told told(with({"--project-number", "one=123456789012", "--project-number", "two=2"}));
    ASSERT_TRUE(told.loaded) << told.error;
    ASSERT_EQ(2u, told.config.project_numbers.count);
    EXPECT_STREQ("one", told.config.project_numbers.items[0].project);
    EXPECT_EQ(123456789012u, told.config.project_numbers.items[0].number);
    EXPECT_STREQ("two", told.config.project_numbers.items[1].project);
    EXPECT_EQ("--project-number: project one has two numbers, 1 and 2",
              error_of({"--project-number", "one=1", "--project-number", "one=2"}));
    EXPECT_EQ("--project-number: 'one' is no project and number; write it as my-project=123456789012",
              error_of({"--project-number", "one"}));
}

TEST(ConfigFile, TakesEveryOptionByItsFlagsName)
{
    Told told =
        told_by_file("# a comment\ndata-dir: /data\nlisten:\n  - 127.0.0.1:1\n  - unix:/run/x\nallow-root-jobs: yes\n"
                     "stop-grace: 2m\npass-env: LANG\nproject-number: {one: 1, two: 2}\nmax-replicas: '12'\n");
    ASSERT_TRUE(told.loaded) << told.error;
    EXPECT_EQ((std::vector<std::string>{"127.0.0.1:1", "unix:/run/x"}), told.listen());
    EXPECT_TRUE(told.config.allow_root_jobs);
    EXPECT_EQ(120'000, told.config.stop_grace_ms);
    EXPECT_STREQ("LANG", told.config.pass_env.items[0]);
    ASSERT_EQ(2u, told.config.project_numbers.count);
    EXPECT_STREQ("two", told.config.project_numbers.items[1].project);
    EXPECT_EQ(12u, told.config.replicas_max);
    EXPECT_TRUE(told_by_file("", {"--data-dir", "/data"}).loaded) << "an empty file says nothing";
}

TEST(ConfigFile, NamesLineAndKeyOfWhatIsWrong)
{
    EXPECT_EQ(":2: unknown key lisen; did you mean listen?", error_of_file("data-dir: /d\nlisen: x\n"));
    EXPECT_EQ(":2: max-replicas: 'few' is no whole number", error_of_file("data-dir: /d\nmax-replicas: few\n"));
    EXPECT_EQ(":1: max-replicas takes one value, not a list", error_of_file("max-replicas: [1, 2]\n"));
    EXPECT_EQ(":1: listen takes one value or a list, not a mapping", error_of_file("listen: {a: b}\n"));
    EXPECT_EQ(":3: listen holds a list where one value stands", error_of_file("listen:\n  - a\n  - [b]\n"));
    EXPECT_EQ(":1: tls-cert has no value", error_of_file("tls-cert:\n"));
    EXPECT_EQ(":3: data-dir stands there twice, first in line 1",
              error_of_file("data-dir: a\nlisten: b\ndata-dir: c\n"));
    EXPECT_EQ(":1: a configuration file cannot name another one with config", error_of_file("config: x\n"));
    EXPECT_EQ(":1: a configuration file is a mapping of keys to values", error_of_file("- data-dir\n"));
    EXPECT_EQ(0u, error_of_file("data-dir: 'open\n").find(":2: this is neither YAML nor JSON: "));
    EXPECT_EQ(0u, error_of_file("data-dir: a\n\tlisten: b\n").find(":2: this is neither YAML nor JSON: "));
    Told absent({"--config", "/nowhere/x.yaml"});
    EXPECT_EQ("cannot open the configuration file /nowhere/x.yaml: No such file or directory", absent.error);
}

TEST(ConfigFile, TakesNoMoreThanItsBounds)
{
    EXPECT_NE(std::string::npos, error_of_file(std::string(2 << 20, '#')).find("the limit"));
    std::string keys, items = "listen: [a";
    for (int i = 0; i < 300; i++) {
        keys += "key" + std::to_string(i) + ": 1\n";
    }
    for (int i = 0; i < 2000; i++) {
        items += ", a";
    }
    EXPECT_NE(std::string::npos, error_of_file(keys).find("more than 256 keys"));
    EXPECT_NE(std::string::npos, error_of_file(items + "]\n").find("more than 1024 entries"));
    EXPECT_EQ(":1: a holds a list where one value stands", error_of_file("a: &a [*a, *a]\n")) << "an alias to itself";
}

TEST(ConfigUser, RootNeedsToBeToldWhoRunsJobs)
{
    struct err err = ERR_INIT;
    Told plain(with({}));
    EXPECT_EQ(0, config_check_user(&plain.config, false, &err));
    ASSERT_EQ(-1, config_check_user(&plain.config, true, &err));
    EXPECT_NE(std::string::npos, std::string(err.text).find("--job-user NAME"));
    EXPECT_NE(std::string::npos, std::string(err.text).find("--allow-root-jobs"));
    Told simulate(with({"--executor", "simulate"}));
    EXPECT_EQ(0, config_check_user(&simulate.config, true, &err)) << "which starts no process";
    Told docker(with({"--executor", "docker"}));
    EXPECT_EQ(0, config_check_user(&docker.config, true, &err)) << "which runs them as their images say";
    Told user(with({"--job-user", "nobody"}));
    EXPECT_EQ(0, config_check_user(&user.config, true, &err));
    EXPECT_EQ(-1, config_check_user(&user.config, false, &err));
    Told root(with({"--allow-root-jobs"}));
    EXPECT_EQ(0, config_check_user(&root.config, true, &err));
}

TEST(ConfigValue, ReadsTimesExactly)
{
    const std::map<std::string, uint64_t> good = {
        {"0", 0},         {"0s", 0},           {"200ms", 200},      {"1.5s", 1500},     {"0.001s", 1},
        {"10m", 600'000}, {"1h30m", 5400'000}, {"7d", 604'800'000}, {"1.25h", 4500'000}};
    struct err err = ERR_INIT;
    for (const auto &[text, ms] : good) {
        uint64_t value = 0;
        EXPECT_EQ(0, config_parse_duration(text.c_str(), &value, &err)) << text;
        EXPECT_EQ(ms, value) << text;
    }
    for (const char *text : {"1", "s", "1 s", "-1s", "1.s", ".5s", "0.0001s", "1w", "1S", "1e3s", "1s ",
                             "99999999999999999999s", "999999999999999d", "1.0000000s"}) {
        uint64_t value = 77;
        EXPECT_EQ(-1, config_parse_duration(text, &value, &err)) << text;
        EXPECT_EQ(77u, value) << "untouched on failure";
    }
}

TEST(ConfigValue, ReadsSizesExactly)
{
    const std::map<std::string, uint64_t> good = {
        {"1B", 1}, {"512KiB", 524288}, {"64MiB", 67108864}, {"1.5GiB", 1610612736}, {"1TiB", 1099511627776}};
    struct err err = ERR_INIT;
    for (const auto &[text, bytes] : good) {
        uint64_t value = 0;
        EXPECT_EQ(0, config_parse_size(text.c_str(), &value, &err)) << text;
        EXPECT_EQ(bytes, value) << text;
    }
    for (const char *text : {"1", "MiB", "1kb", "1MB", "1MiB1KiB", "0.3B", "99999999999TiB"}) {
        uint64_t value;
        EXPECT_EQ(-1, config_parse_size(text, &value, &err)) << text;
    }
}

TEST(ConfigValue, CountsHowFarNamesAreApart)
{
    EXPECT_EQ(0u, config_distance("listen", "listen", 3));
    EXPECT_EQ(1u, config_distance("lisen", "listen", 3));
    EXPECT_EQ(1u, config_distance("litsen", "listen", 3)) << "two neighbours swapped";
    EXPECT_EQ(3u, config_distance("kitten", "sitting", 5));
    EXPECT_EQ(3u, config_distance("abc", "", 3));
    EXPECT_EQ(3u, config_distance("something", "else-altogether", 2)) << "no farther than asked";
    EXPECT_EQ(3u, config_distance(std::string(500, 'x').c_str(), "listen", 2));
}

TEST(ConfigHelp, TellsEveryOptionWithItsDefaultAndBounds)
{
    char *bytes = nullptr;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    config_print_help(out);
    fclose(out);
    std::string help(bytes, size);
    free(bytes);
    size_t count;
    const struct config_option *options = config_options(&count);
    for (size_t i = 0; i < count; i++) {
        EXPECT_NE(std::string::npos, help.find("  --" + std::string(options[i].name))) << options[i].name;
    }
    EXPECT_NE(std::string::npos, help.find("Default: 30s. From 0s to 1d."));
    for (size_t at = 0, end; at < help.size(); at = end + 1) {
        end = help.find('\n', at);
        EXPECT_GE(120u, end - at) << help.substr(at, end - at);
        EXPECT_NE(' ', help[end - 1]) << "no blanks at an end";
    }
}

} // namespace
