#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "seal/key_file.h"
#include "seal/keyring.h"
#include "tests/lib/key_file_fixture.h"
#include "tests/lib/temp_dir.h"

using namespace key_file_fixture;

namespace {

struct span SpanOf(const std::string &text)
{
    return span_make(text.data(), text.size());
}

/* A ring of a key file with this text; nullptr and err when it is refused. */
struct Ring {
    explicit Ring(const std::string &text, mode_t mode = 0600)
    {
        struct key_source *source = nullptr;
        std::string path = Write(dir.path() + "/keys", text, mode);
        if (key_file_open(path.c_str(), &source, &err) == 0) {
            EXPECT_EQ(0, keyring_create(source, &ring, &err));
        }
    }
    ~Ring() { keyring_destroy(ring); }
    const struct data_key *Current(const std::string &key)
    {
        const struct data_key *found = nullptr;
        return keyring_current(ring, SpanOf(Name(key)), &found, &err) == 0 ? found : nullptr;
    }
    const struct data_key *Meet(const struct data_key *key)
    {
        const struct data_key *found = nullptr;
        EXPECT_EQ(0, keyring_meet(ring, key->id, span_of(key->name), &key->wrapped, &found, &err)) << err.text;
        return found;
    }
    TempDir dir;
    struct keyring *ring = nullptr;
    struct err err = ERR_INIT;
};

std::string Refusal(const std::string &text, mode_t mode = 0600)
{
    Ring ring(text, mode);
    EXPECT_EQ(nullptr, ring.ring);
    std::string told = ring.err.text;
    size_t at = told.find("/keys: ");
    return at == told.npos ? told : told.substr(at + 7);
}

TEST(KeyFile, SaysWhatIsWrongAndNeverAWordOfAKey)
{
    EXPECT_EQ("there is no key in it", Refusal("# nothing\n\n"));
    EXPECT_EQ("line 2: a line is NAME VERSION KEY, and \"primary\" behind one of a key's versions",
              Refusal("\n" + Name("k") + " 1\n"));
    EXPECT_EQ("line 1: the key's name must have the form projects/P/locations/L/keyRings/R/cryptoKeys/K",
              Refusal("SECRETSECRET 1 " + Base64(std::string(32, 'x'))));
    EXPECT_EQ("line 1: the key is not 32 bytes in base64 (`openssl rand -base64 32` makes one)",
              Refusal(Name("k") + " 1 " + Base64(std::string(31, 'x'))));
    EXPECT_EQ("line 2: version 1 of \"" + Name("k") + "\" is there twice",
              Refusal(Line("k", "1", 1) + Line("k", "1", 2)));
    EXPECT_EQ("line 2: \"" + Name("k") + "\" has two primary versions",
              Refusal(Line("k", "1", 1, true) + Line("k", "2", 2, true)));
    EXPECT_EQ("none of the versions of \"" + Name("k") + "\" is primary",
              Refusal(Line("k", "1", 1) + Line("k", "2", 2)));
}

TEST(KeyFile, OneThatOthersMayReadIsRefused)
{
    EXPECT_EQ("others can read or write it; make it this user's own, mode 0600", Refusal(Line("k", "1", 1), 0640));
    EXPECT_EQ("others can read or write it; make it this user's own, mode 0600", Refusal(Line("k", "1", 1), 0602));
}

TEST(Keyring, ADataKeyIsMadeOnceAndOpensAgainWithTheSameKey)
{
    Ring first(Line("k", "1", 1));
    ASSERT_NE(nullptr, first.ring) << first.err.text;
    const struct data_key *key = first.Current("k");
    ASSERT_NE(nullptr, key);
    EXPECT_EQ(key, first.Current("k"));
    Ring second(Line("k", "1", 1) + Line("other", "1", 2));
    const struct data_key *met = second.Meet(key);
    ASSERT_NE(nullptr, met->secret);
    EXPECT_EQ(0, memcmp(met->secret, key->secret, SEAL_KEY_BYTES));
    EXPECT_EQ(met, second.Current("k")) << "it is gone on with";
    EXPECT_FALSE(keyring_has_aged(second.ring));
}

TEST(Keyring, WithoutItsKeyOrWithAnotherADataKeyStaysLockedAndSaysWhy)
{
    Ring first(Line("k", "1", 1));
    const struct data_key *key = first.Current("k");
    Ring lost(Line("other", "1", 1));
    EXPECT_EQ(nullptr, lost.Meet(key)->secret);
    EXPECT_EQ("there is no key \"" + Name("k") + "\"", std::string(lost.Meet(key)->why_locked.text));
    Ring wrong(Line("k", "1", 2));
    EXPECT_EQ(nullptr, wrong.Meet(key)->secret);
    EXPECT_EQ("version 1 of the key \"" + Name("k") + "\" is not the key that it was",
              std::string(wrong.Meet(key)->why_locked.text));
    Ring newer(Line("k", "2", 2));
    EXPECT_EQ("the key file has no version 1 of the key \"" + Name("k") + "\"",
              std::string(newer.Meet(key)->why_locked.text));
    EXPECT_NE(nullptr, newer.Current("k")) << "new jobs are sealed all the same";
}

TEST(Keyring, ARotatedKeyWrapsTheSameDataKeyAgain)
{
    Ring first(Line("k", "1", 1));
    const struct data_key *key = first.Current("k");
    Ring rotated(Line("k", "1", 1) + Line("k", "2", 2, true));
    ASSERT_NE(nullptr, rotated.Meet(key)->secret);
    EXPECT_TRUE(keyring_has_aged(rotated.ring));
    const struct data_key *again = rotated.Current("k");
    EXPECT_STREQ("2", again->wrapped.version);
    EXPECT_EQ(0, memcmp(again->id, key->id, SEAL_ID_BYTES));
    Ring retired(Line("k", "2", 2));
    ASSERT_NE(nullptr, retired.Meet(again)->secret);
    EXPECT_EQ(0, memcmp(retired.Meet(again)->secret, key->secret, SEAL_KEY_BYTES));
}

/* Several readers meet wrappings in any order: the old one is noticed also when the new one came first. */
TEST(Keyring, AnOldWrappingIsNoticedInWhicheverOrder)
{
    std::string both = Line("k", "1", 1) + Line("k", "2", 2, true);
    Ring before(Line("k", "1", 1)), rotated(both), after(both);
    const struct data_key *old_key = before.Current("k");
    ASSERT_NE(nullptr, old_key) << before.err.text;
    (void)rotated.Meet(old_key);
    const struct data_key *new_key = rotated.Current("k");
    ASSERT_NE(nullptr, new_key) << rotated.err.text;
    ASSERT_STREQ("2", new_key->wrapped.version);
    (void)after.Meet(new_key);
    EXPECT_FALSE(keyring_has_aged(after.ring));
    (void)after.Meet(old_key);
    EXPECT_TRUE(keyring_has_aged(after.ring));
}

/* A service that wraps and cannot unwrap: found out before anything is sealed with what would be lost. */
struct ForgetfulSource {
    struct key_source source; /* first */
    std::string name = Name("k");
    struct key_info info;
};

TEST(Keyring, AKeyThatDoesNotGiveBackWhatItWrapsIsNotSealedWith)
{
    auto *forgetful = new ForgetfulSource();
    struct keyring *ring = nullptr;
    struct err err = ERR_INIT;
    const struct data_key *key = nullptr;
    forgetful->info = {forgetful->name.c_str(), "7"};
    forgetful->source.list = [](struct key_source *source, size_t *ret_count) {
        *ret_count = 1;
        return const_cast<const struct key_info *>(&reinterpret_cast<ForgetfulSource *>(source)->info);
    };
    forgetful->source.wrap = [](struct key_source *, const char *, const uint8_t *, struct wrapped_key *ret_wrapped,
                                struct err *) {
        *ret_wrapped = {"7", 4, {1, 2, 3, 4}};
        return 0;
    };
    forgetful->source.unwrap = [](struct key_source *, const char *, const struct wrapped_key *, uint8_t *data_key,
                                  struct err *) {
        memset(data_key, 'x', SEAL_KEY_BYTES);
        return 0;
    };
    forgetful->source.destroy = [](struct key_source *source) { delete reinterpret_cast<ForgetfulSource *>(source); };
    std::string name = forgetful->name;
    ASSERT_EQ(0, keyring_create(&forgetful->source, &ring, &err)) << err.text;
    EXPECT_EQ(-1, keyring_make(ring, SpanOf(name), &key, &err));
    EXPECT_EQ(ERR_UNAVAILABLE, err.code);
    EXPECT_EQ("version 7 of the key \"" + name + "\" does not give back what it wrapped", std::string(err.text));
    keyring_destroy(ring);
}

TEST(SealBox, OpensWhatItSealedAndNothingThatDiffersInAByte)
{
    struct seal_box *box = nullptr;
    struct err err = ERR_INIT;
    uint8_t key[SEAL_KEY_BYTES] = {1};
    const std::string plain = "a job", context = "where it stands";
    std::string sealed(plain.size() + SEAL_TAG_BYTES, '\0'), opened(plain.size(), '\0');

    ASSERT_EQ(0, seal_box_create(key, &box, &err));
    ASSERT_EQ(0, seal_box_seal(box, 7, SpanOf(context), SpanOf(plain), sealed.data(), &err));
    ASSERT_EQ(0, seal_box_open(box, 7, SpanOf(context), SpanOf(sealed), opened.data(), &err));
    EXPECT_EQ(plain, opened);
    for (size_t i = 0; i < sealed.size(); i++) {
        std::string other = sealed;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_EQ(-1, seal_box_open(box, 7, SpanOf(context), SpanOf(other), opened.data(), &err));
        EXPECT_EQ(ERR_DENIED, err.code);
    }
    EXPECT_EQ(-1, seal_box_open(box, 8, SpanOf(context), SpanOf(sealed), opened.data(), &err));
    EXPECT_EQ(-1, seal_box_open(box, 7, SpanOf("elsewhere"), SpanOf(sealed), opened.data(), &err));
    EXPECT_EQ(-1, seal_box_open(box, 7, SpanOf(context), SpanOf("short"), opened.data(), &err));
    seal_box_destroy(box);
}

TEST(SealBox, IsAes256Gcm)
{
    struct seal_box *box = nullptr;
    struct err err = ERR_INIT;
    uint8_t key[SEAL_KEY_BYTES] = {0};
    char plain[16] = {0};
    unsigned char sealed[32];
    /* Test case 14 of the GCM specification: key 0, nonce 0, 16 zero bytes. */
    const unsigned char expected[32] = {0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5,
                                        0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99,
                                        0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19};

    ASSERT_EQ(0, seal_box_create(key, &box, &err));
    ASSERT_EQ(0, seal_box_seal(box, 0, span_make(nullptr, 0), span_make(plain, 16), sealed, &err));
    EXPECT_EQ(0, memcmp(expected, sealed, sizeof sealed));
    seal_box_destroy(box);
}

} // namespace
