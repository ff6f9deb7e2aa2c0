#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "supervisor/supervisor_wire.h"

namespace {

uint64_t Seed()
{
    const char *given = getenv("SUPERVISOR_TEST_SEED");
    uint64_t seed = given ? strtoull(given, nullptr, 10) : std::random_device{}();
    printf("SUPERVISOR_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
    return seed;
}

const supervisor_event_kind kKinds[] = {SUPERVISOR_EVENT_LAUNCH, SUPERVISOR_EVENT_RUN,  SUPERVISOR_EVENT_EXEC_FAILED,
                                        SUPERVISOR_EVENT_STOP,   SUPERVISOR_EVENT_KILL, SUPERVISOR_EVENT_EXIT};

template <typename Random> std::string RandomText(Random &random, size_t size_max)
{
    std::string text(random() % (size_max + 1), '\0');
    for (char &c : text) {
        c = char(random() % 255 + 1);
    }
    return text;
}

template <size_t kSize> void SetText(char (&to)[kSize], const std::string &text)
{
    ASSERT_LT(text.size(), kSize);
    memcpy(to, text.c_str(), text.size() + 1);
}

template <typename Random> supervisor_event RandomEvent(supervisor_event_kind kind, uint64_t seq, Random &random)
{
    supervisor_event event = {};
    event.seq = seq;
    event.time_unix_ns = int64_t(random());
    event.kind = kind;
    switch (kind) {
    case SUPERVISOR_EVENT_LAUNCH:
        SetText(event.of.launch.boot_id, RandomText(random, sizeof event.of.launch.boot_id - 1));
        event.of.launch.pid = int32_t(random());
        event.of.launch.start_time_ticks = random();
        break;
    case SUPERVISOR_EVENT_RUN:
        event.of.run.pid = int32_t(random());
        event.of.run.start_time_ticks = random();
        break;
    case SUPERVISOR_EVENT_EXEC_FAILED:
        event.of.exec_failed.error_number = int32_t(random());
        SetText(event.of.exec_failed.what, RandomText(random, sizeof event.of.exec_failed.what - 1));
        break;
    case SUPERVISOR_EVENT_STOP:
        event.of.stop_grace_ms = uint32_t(random());
        break;
    case SUPERVISOR_EVENT_EXIT:
        event.of.exit = {int32_t(random()),
                         uint32_t(random()),
                         (random() & 1) != 0,
                         (random() & 1) != 0,
                         uint32_t(random()),
                         random(),
                         random(),
                         random()};
        break;
    default:
        break;
    }
    return event;
}

std::string Encoded(const supervisor_event &event)
{
    char bytes[SUPERVISOR_MESSAGE_BYTES];
    return std::string(bytes, supervisor_event_encode(&event, bytes, sizeof bytes));
}

std::string Frame(const supervisor_event &event)
{
    char bytes[SUPERVISOR_FRAME_HEAD_BYTES + SUPERVISOR_MESSAGE_BYTES];
    return std::string(bytes, supervisor_frame_encode(&event, bytes, sizeof bytes));
}

supervisor_history Read(const std::string &bytes)
{
    supervisor_history history;
    memset(&history, 0x55, sizeof history);
    supervisor_history_read(bytes.data(), bytes.size(), &history);
    return history;
}

supervisor_event ALaunch()
{
    supervisor_event event = {};
    event.seq = 1;
    event.time_unix_ns = 1700000000000000001;
    event.kind = SUPERVISOR_EVENT_LAUNCH;
    SetText(event.of.launch.boot_id, "01234567-89ab-cdef-0123-456789abcdef");
    event.of.launch.pid = 4711;
    event.of.launch.start_time_ticks = 987654321;
    return event;
}

supervisor_event ARun()
{
    supervisor_event event = {};
    event.seq = 2;
    event.time_unix_ns = 1700000000000000002;
    event.kind = SUPERVISOR_EVENT_RUN;
    event.of.run = {4712, 987654322};
    return event;
}

supervisor_event AnExit(uint64_t seq)
{
    supervisor_event event = {};
    event.seq = seq;
    event.time_unix_ns = 1700000000000000003;
    event.kind = SUPERVISOR_EVENT_EXIT;
    event.of.exit = {-1, 9, true, false, 3, 1000, 2000, 3000};
    return event;
}

std::string Hex(const std::string &bytes)
{
    std::string text;
    for (unsigned char byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

const std::string kMagic = SUPERVISOR_MAGIC;

/* Which of its events were read, as one number. */
unsigned Seen(const supervisor_history &history)
{
    return unsigned(history.has_launch) + unsigned(history.has_run) + unsigned(history.has_exit);
}

/* ---- messages --------------------------------------------------------------------------------------------------- */

TEST(SupervisorWire, GivesEveryEventBackAsItWas)
{
    std::mt19937_64 random(Seed());
    for (int round = 0; round < 300; round++) {
        for (supervisor_event_kind kind : kKinds) {
            supervisor_event event = RandomEvent(kind, random(), random), back = {};
            std::string bytes = Encoded(event);
            ASSERT_FALSE(bytes.empty() && event.seq != 0);
            ASSERT_TRUE(supervisor_event_decode(bytes.data(), bytes.size(), &back));
            EXPECT_EQ(event.seq, back.seq);
            EXPECT_EQ(event.time_unix_ns, back.time_unix_ns);
            EXPECT_EQ(event.kind, back.kind);
            EXPECT_EQ(bytes, Encoded(back)) << "field by field";
            if (kind == SUPERVISOR_EVENT_EXIT) {
                EXPECT_EQ(event.of.exit.exit_code, back.of.exit.exit_code);
                EXPECT_EQ(event.of.exit.term_signal, back.of.exit.term_signal);
                EXPECT_EQ(event.of.exit.maxrss_kb, back.of.exit.maxrss_kb);
            }
        }
    }
}

TEST(SupervisorWire, GivesEveryRequestBackAsItWas)
{
    std::mt19937_64 random(Seed());
    for (int round = 0; round < 300; round++) {
        for (supervisor_request_kind kind :
             {SUPERVISOR_REQUEST_SUBSCRIBE, SUPERVISOR_REQUEST_STOP, SUPERVISOR_REQUEST_STATUS}) {
            supervisor_request request = {}, back = {};
            request.kind = kind;
            request.after_seq = kind == SUPERVISOR_REQUEST_SUBSCRIBE ? random() : 0;
            request.stop_grace_ms = kind == SUPERVISOR_REQUEST_STOP ? uint32_t(random()) : 0;
            char bytes[SUPERVISOR_MESSAGE_BYTES];
            size_t size = supervisor_request_encode(&request, bytes, sizeof bytes);
            ASSERT_GT(size, 0u);
            ASSERT_TRUE(supervisor_request_decode(bytes, size, &back));
            EXPECT_EQ(request.kind, back.kind);
            EXPECT_EQ(request.after_seq, back.after_seq);
            EXPECT_EQ(request.stop_grace_ms, back.stop_grace_ms);
        }
    }
}

TEST(SupervisorWire, EncodesNothingThatDoesNotFitOrHasNoKind)
{
    supervisor_event event = ALaunch();
    std::string whole = Encoded(event), frame = Frame(event);
    char bytes[SUPERVISOR_FRAME_HEAD_BYTES + SUPERVISOR_MESSAGE_BYTES];
    for (size_t size = 0; size < whole.size(); size++) {
        EXPECT_EQ(0u, supervisor_event_encode(&event, bytes, size));
    }
    EXPECT_EQ(whole.size(), supervisor_event_encode(&event, bytes, whole.size()));
    for (size_t size = 0; size < frame.size(); size++) {
        EXPECT_EQ(0u, supervisor_frame_encode(&event, bytes, size));
    }
    EXPECT_EQ(frame.size(), supervisor_frame_encode(&event, bytes, frame.size()));
    event.kind = SUPERVISOR_EVENT_UNKNOWN;
    EXPECT_EQ(0u, supervisor_event_encode(&event, bytes, sizeof bytes));
    supervisor_request request = {};
    EXPECT_EQ(0u, supervisor_request_encode(&request, bytes, sizeof bytes));
    request.kind = SUPERVISOR_REQUEST_STOP;
    request.stop_grace_ms = 30000;
    EXPECT_EQ(0u, supervisor_request_encode(&request, bytes, 2));
}

/* A string that fills its array is cut, not read beyond. */
TEST(SupervisorWire, CutsTextsWithoutAnEnd)
{
    supervisor_event event = {}, back = {};
    event.kind = SUPERVISOR_EVENT_EXEC_FAILED;
    memset(event.of.exec_failed.what, 'x', sizeof event.of.exec_failed.what);
    std::string bytes = Encoded(event);
    ASSERT_TRUE(supervisor_event_decode(bytes.data(), bytes.size(), &back));
    EXPECT_EQ(std::string(sizeof event.of.exec_failed.what - 1, 'x'), back.of.exec_failed.what);
}

/* Field 15, which no version has yet, as a message of its own. */
TEST(SupervisorWire, PassesOverKindsOfALaterVersion)
{
    std::string later("\x7a\x02\x08\x01", 4);
    supervisor_event event = {};
    ASSERT_TRUE(supervisor_event_decode(("\x08\x05" + later).data(), 2 + later.size(), &event));
    EXPECT_EQ(SUPERVISOR_EVENT_UNKNOWN, event.kind);
    EXPECT_EQ(5u, event.seq);
    supervisor_request request = {};
    ASSERT_TRUE(supervisor_request_decode(later.data(), later.size(), &request));
    EXPECT_EQ(SUPERVISOR_REQUEST_UNKNOWN, request.kind);
}

TEST(SupervisorWire, LeavesItsOutputAloneWhenBytesAreNoMessage)
{
    supervisor_event event = ARun();
    supervisor_request request = {};
    request.kind = SUPERVISOR_REQUEST_STOP;
    for (const std::string &bytes : {std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
                                     std::string("\x1a\x7f", 2), std::string("\x08"), std::string("\x0b\x0c\x00", 3)}) {
        EXPECT_FALSE(supervisor_event_decode(bytes.data(), bytes.size(), &event));
        EXPECT_FALSE(supervisor_request_decode(bytes.data(), bytes.size(), &request));
    }
    std::string boot_id_too_long = "\x1a\x28\x0a\x26" + std::string(38, 'a');
    EXPECT_FALSE(supervisor_event_decode(boot_id_too_long.data(), boot_id_too_long.size(), &event));
    EXPECT_EQ(SUPERVISOR_EVENT_RUN, event.kind);
    EXPECT_EQ(4712, event.of.run.pid);
    EXPECT_EQ(SUPERVISOR_REQUEST_STOP, request.kind);
}

TEST(SupervisorWire, TakesWhateverBytesThereAre)
{
    std::mt19937_64 random(Seed());
    for (int round = 0; round < 20000; round++) {
        std::string bytes = round % 2 ? RandomText(random, 80) : Encoded(RandomEvent(kKinds[random() % 6], 1, random));
        if (!bytes.empty()) {
            bytes[random() % bytes.size()] = char(random());
        }
        supervisor_event event = {};
        supervisor_request request = {};
        (void)supervisor_event_decode(bytes.data(), bytes.size(), &event);
        (void)supervisor_request_decode(bytes.data(), bytes.size(), &request);
        (void)Read(bytes);
        (void)Read(kMagic + bytes);
    }
}

TEST(SupervisorWire, ChecksWithCastagnolisPolynomial)
{
    EXPECT_EQ(0xe3069283u, supervisor_crc32c(0, "123456789", 9));
    EXPECT_EQ(0xe3069283u, supervisor_crc32c(supervisor_crc32c(0, "1234", 4), "56789", 5));
    EXPECT_EQ(0u, supervisor_crc32c(0, "", 0));
    std::string zeros(32, '\0');
    EXPECT_EQ(0x8a9136aau, supervisor_crc32c(0, zeros.data(), zeros.size())) << "RFC 3720, B.4";
}

/* ---- the event file --------------------------------------------------------------------------------------------- */

/* The bytes of version 1, made by another hand; a change here is a change of the format. */
TEST(SupervisorHistory, ReadsTheFirstVersionsBytes)
{
    static const char golden[] =
        "434a4556454e54313d0000007c9922cd0801108180a8b1e39fe7cb171a2f0a2430313233343536372d383961622d6364"
        "65662d303132332d34353637383961626364656610e72418b1d1f9d60317000000502b4c8c0802108280a8b1e39fe7cb"
        "17220908e82410b2d1f9d6031f000000a3f0790d0803108380a8b1e39fe7cb174211080110091801280330e80738d00f"
        "40b817";
    std::string file = kMagic + Frame(ALaunch()) + Frame(ARun()) + Frame(AnExit(3));
    EXPECT_EQ(golden, Hex(file));
    supervisor_history history = Read(file);
    EXPECT_TRUE(history.has_launch && history.has_run && history.has_exit);
    EXPECT_FALSE(history.has_stop || history.has_exec_failed || history.unreadable);
    EXPECT_EQ(3u, history.last_seq);
    EXPECT_EQ(file.size(), history.valid_bytes);
    EXPECT_EQ(4711, history.launch.of.launch.pid);
    EXPECT_STREQ("01234567-89ab-cdef-0123-456789abcdef", history.launch.of.launch.boot_id);
    EXPECT_EQ(987654322u, history.run.of.run.start_time_ticks);
    EXPECT_EQ(-1, history.exit.of.exit.exit_code);
    EXPECT_EQ(9u, history.exit.of.exit.term_signal);
}

TEST(SupervisorHistory, OfNothingIsEmptyAndReadable)
{
    EXPECT_FALSE(Read("").unreadable);
    EXPECT_FALSE(Read("").has_launch);
    EXPECT_EQ(0u, Read("").valid_bytes);
}

/* Goal: at any cut, what stands before it is read and nothing else, and only a cut within the first frame is safe to
 * launch after. Method: every length of a file of three events. */
TEST(SupervisorHistory, ReadsWhatStandsBeforeAnyCut)
{
    std::string frames[] = {Frame(ALaunch()), Frame(ARun()), Frame(AnExit(3))};
    std::string file = kMagic + frames[0] + frames[1] + frames[2];
    for (size_t size = 0; size <= file.size(); size++) {
        supervisor_history history = Read(file.substr(0, size));
        unsigned whole = 0;
        size_t end = kMagic.size();
        while (whole < 3 && size >= end + frames[whole].size()) {
            end += frames[whole++].size();
        }
        EXPECT_EQ(whole, Seen(history)) << size;
        EXPECT_EQ(whole, history.last_seq) << size;
        EXPECT_EQ(whole > 0 ? end : 0, history.valid_bytes) << size;
        EXPECT_FALSE(history.unreadable) << size;
    }
}

/* Goal: no damage of one byte makes a launch unseen: it is read, or the file counts as one that had it. */
TEST(SupervisorHistory, NeverMistakesADamagedLaunchForNone)
{
    for (const std::string &file :
         {kMagic + Frame(ALaunch()), kMagic + Frame(ALaunch()) + Frame(ARun()) + Frame(AnExit(3))}) {
        for (size_t at = 0; at < file.size(); at++) {
            for (unsigned flip = 1; flip < 256; flip++) {
                std::string damaged = file;
                damaged[at] = char(uint8_t(damaged[at]) ^ flip);
                supervisor_history history = Read(damaged);
                ASSERT_TRUE(history.has_launch || history.unreadable) << "byte " << at << " flipped by " << flip;
                ASSERT_LE(history.valid_bytes, std::max(at, kMagic.size())) << "what is damaged does not count";
            }
        }
    }
}

TEST(SupervisorHistory, EndsAtAGapInTheNumbers)
{
    supervisor_history history = Read(kMagic + Frame(ALaunch()) + Frame(AnExit(3)));
    EXPECT_TRUE(history.has_launch);
    EXPECT_FALSE(history.has_exit);
    EXPECT_EQ(1u, history.last_seq);
}

TEST(SupervisorHistory, IsUnreadableWithoutALaunchAtItsBeginning)
{
    supervisor_event run = ARun();
    run.seq = 1;
    EXPECT_TRUE(Read(kMagic + Frame(run)).unreadable);
    EXPECT_TRUE(Read(kMagic + Frame(ARun())).unreadable) << "number 2 comes first";
    EXPECT_TRUE(Read("something else").unreadable);
    EXPECT_TRUE(Read("CJEVENT2").unreadable);
    EXPECT_TRUE(Read("X").unreadable);
}

/* What a first write leaves that did not become durable is no launch. */
TEST(SupervisorHistory, TakesZerosForAWriteThatNeverWas)
{
    for (size_t size : {size_t(1), size_t(8), size_t(91), size_t(4096)}) {
        EXPECT_FALSE(Read(std::string(size, '\0')).unreadable) << size;
        EXPECT_FALSE(Read(std::string(size, '\0')).has_launch) << size;
    }
    std::string torn = kMagic + Frame(ALaunch()).substr(0, 40) + std::string(300, '\0');
    EXPECT_TRUE(Read(torn).unreadable) << "zeros behind a beginning are damage within a sector";
}

TEST(SupervisorHistory, PassesOverEventsOfALaterVersion)
{
    std::string payload("\x08\x02\x7a\x02\x08\x01", 6);
    std::string head(8, '\0');
    head[0] = char(payload.size());
    uint32_t crc = supervisor_crc32c(supervisor_crc32c(0, head.data(), 4), payload.data(), payload.size());
    for (int i = 0; i < 4; i++) {
        head[4 + size_t(i)] = char(crc >> (8 * i));
    }
    supervisor_history history = Read(kMagic + Frame(ALaunch()) + head + payload + Frame(AnExit(3)));
    EXPECT_TRUE(history.has_exit);
    EXPECT_EQ(3u, history.last_seq);
}

} // namespace
