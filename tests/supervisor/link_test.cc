/* The socket: a hint to whoever listens, and the way a stop is asked for. */
#include <grp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

using namespace supervisor_test;

namespace {

using Kinds = std::vector<supervisor_event_kind>;

constexpr int kPeersMax = 8;

/* A replica that has said it runs and exits 4 when "go" is written to; its RUN is on file. */
class Waiting : public Attempt {
  public:
    Waiting()
    {
        MakeFifo("up");
        MakeFifo("go");
        EXPECT_EQ(SUPERVISOR_READY, Start("trap 'exit 9' TERM; echo up > up; read x < go; exit 4"));
        EXPECT_EQ("up", ReadFifo("up"));
        Peer peer(dir());
        EXPECT_TRUE(peer.Subscribe());
        EXPECT_TRUE(peer.Await(SUPERVISOR_EVENT_RUN));
    }

    void End()
    {
        WriteFifo("go");
        EXPECT_EQ(SUPERVISOR_EXIT_OK, Wait());
        EXPECT_EQ(4, Exit().exit_code);
    }
};

/* The next event; its number and kind. */
void ExpectEvent(Peer &peer, uint64_t seq, supervisor_event_kind kind)
{
    std::optional<supervisor_event> event = peer.Receive();
    ASSERT_TRUE(event) << "number " << seq;
    EXPECT_EQ(seq, event->seq);
    EXPECT_EQ(kind, event->kind);
}

/* An answer: what this peer asked for before has been taken. */
void Settle(Peer &peer)
{
    ASSERT_TRUE(peer.Status());
    ExpectEvent(peer, 2, SUPERVISOR_EVENT_RUN);
}

TEST(SupervisorLink, SendsWhatWasAndWhatComes)
{
    Waiting attempt;
    Peer all(attempt.dir()), rest(attempt.dir()), coming(attempt.dir()), beyond(attempt.dir());
    ASSERT_TRUE(all.Subscribe(0) && rest.Subscribe(1) && coming.Subscribe(2) && beyond.Subscribe(UINT64_MAX));
    ExpectEvent(all, 1, SUPERVISOR_EVENT_LAUNCH);
    ExpectEvent(all, 2, SUPERVISOR_EVENT_RUN);
    ExpectEvent(rest, 2, SUPERVISOR_EVENT_RUN);
    Settle(coming);
    Settle(beyond);
    attempt.End();
    for (Peer *peer : {&all, &rest, &coming, &beyond}) {
        ExpectEvent(*peer, 3, SUPERVISOR_EVENT_EXIT);
        EXPECT_FALSE(peer->Receive()) << "then the connection ends";
    }
}

/* What is told is what the file holds, field by field. */
TEST(SupervisorLink, SendsTheEventsOfTheFile)
{
    Waiting attempt;
    Peer peer(attempt.dir());
    ASSERT_TRUE(peer.Subscribe());
    std::vector<std::optional<supervisor_event>> all = {peer.Receive(), peer.Receive()};
    attempt.End();
    all.push_back(peer.Receive());
    ASSERT_EQ(all.size(), attempt.Events().size());
    for (const supervisor_event &written : attempt.Events()) {
        std::optional<supervisor_event> told = all[written.seq - 1];
        ASSERT_TRUE(told);
        char left[SUPERVISOR_MESSAGE_BYTES], right[SUPERVISOR_MESSAGE_BYTES];
        size_t size = supervisor_event_encode(&written, left, sizeof left);
        ASSERT_EQ(size, supervisor_event_encode(&*told, right, sizeof right));
        EXPECT_EQ(std::string(left, size), std::string(right, size));
    }
}

/* Who hears of the end finds it in the file, and all output in the logs; the lock is free soon after. */
TEST(SupervisorLink, TellsTheEndWhenItIsWrittenDown)
{
    for (int round = 0; round < 20; round++) {
        Attempt attempt;
        attempt.MakeFifo("go");
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start("read x < go; seq 2000; exit 6"));
        Peer peer(attempt.dir());
        ASSERT_TRUE(peer.Subscribe());
        ASSERT_TRUE(peer.Receive());
        attempt.WriteFifo("go");
        ASSERT_TRUE(peer.Await(SUPERVISOR_EVENT_EXIT));
        EXPECT_EQ(6, attempt.Exit().exit_code);
        EXPECT_EQ("2000", attempt.Log().back().text);
        EXPECT_FALSE(peer.Receive());
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        EXPECT_FALSE(IsLocked(attempt.dir()));
    }
}

TEST(SupervisorLink, TellsThatAProgramCouldNotBeRun)
{
    std::string path = "PATH=";
    for (int i = 0; i < 60000; i++) { /* so that the peer is there in time */
        path += "x:";
    }
    Attempt attempt;
    attempt.SetArgv({"no-such-program"});
    attempt.SetEnv({path});
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(StartOptions{}));
    Peer peer(attempt.dir());
    ASSERT_TRUE(peer.Subscribe(1));
    ExpectEvent(peer, 2, SUPERVISOR_EVENT_EXEC_FAILED);
    EXPECT_FALSE(peer.Receive());
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
}

TEST(SupervisorLink, AnswersWithTheLatestEventAsOftenAsAsked)
{
    Waiting attempt;
    Peer peer(attempt.dir());
    for (int i = 0; i < 50; i++) {
        ASSERT_TRUE(peer.Status());
        ExpectEvent(peer, 2, SUPERVISOR_EVENT_RUN);
    }
    attempt.End();
    EXPECT_FALSE(peer.Receive()) << "who did not subscribe is told nothing more";
}

TEST(SupervisorLink, TellsAStopToEveryoneElseToo)
{
    Waiting attempt;
    Peer asking(attempt.dir()), listening(attempt.dir());
    ASSERT_TRUE(listening.Subscribe(2));
    Settle(listening);
    ASSERT_TRUE(asking.Stop(77777));
    ExpectEvent(listening, 3, SUPERVISOR_EVENT_STOP);
    ExpectEvent(listening, 4, SUPERVISOR_EVENT_EXIT);
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ(77777u, attempt.Events()[2].of.stop_grace_ms);
}

/* A server that asked and was killed is not needed any longer. */
TEST(SupervisorLink, StopsThoughThePeerIsGone)
{
    Waiting attempt;
    {
        Peer peer(attempt.dir());
        ASSERT_TRUE(peer.Stop(3600000));
    }
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_TRUE(attempt.Exit().stopped);
}

/* ---- peers that misbehave --------------------------------------------------------------------------------------- */

TEST(SupervisorLink, CutsOffWhoSendsGarbageAndNobodyElse)
{
    Waiting attempt;
    Peer good(attempt.dir());
    ASSERT_TRUE(good.Subscribe(2));
    Settle(good);
    for (const std::string &bytes : {std::string("\xff\xff\xff\xff"), std::string(SUPERVISOR_MESSAGE_BYTES, '\xff'),
                                     std::string(SUPERVISOR_MESSAGE_BYTES + 1, '\0'), std::string(100000, 'x')}) {
        Peer bad(attempt.dir());
        ASSERT_TRUE(bad.SendBytes(bytes));
        EXPECT_FALSE(bad.Receive()) << bytes.size();
    }
    attempt.End();
    ExpectEvent(good, 3, SUPERVISOR_EVENT_EXIT);
}

TEST(SupervisorLink, PassesOverRequestsOfALaterVersion)
{
    Waiting attempt;
    Peer peer(attempt.dir());
    ASSERT_TRUE(peer.SendBytes(std::string("\x7a\x02\x08\x01", 4)));
    ASSERT_TRUE(peer.Status());
    ExpectEvent(peer, 2, SUPERVISOR_EVENT_RUN);
    attempt.End();
}

/* Goal: who asks and does not read is cut off; the supervisor waits for nobody. */
TEST(SupervisorLink, CutsOffWhoDoesNotRead)
{
    Waiting attempt;
    Peer slow(attempt.dir()), good(attempt.dir());
    ASSERT_TRUE(good.Subscribe(2));
    Settle(good);
    int asked = 0;
    while (slow.Status() && asked < 1000000) {
        asked++;
    }
    EXPECT_LT(asked, 1000000);
    while (slow.Receive()) {
    }
    attempt.End();
    ExpectEvent(good, 3, SUPERVISOR_EVENT_EXIT);
}

TEST(SupervisorLink, TakesSoManyPeersAndAnotherWhenOneGoes)
{
    Waiting attempt;
    std::vector<Peer> peers;
    for (int i = 0; i < kPeersMax; i++) {
        peers.emplace_back(attempt.dir());
        ASSERT_TRUE(peers.back().Status());
        ExpectEvent(peers.back(), 2, SUPERVISOR_EVENT_RUN);
    }
    Peer one_too_many(attempt.dir());
    EXPECT_FALSE(one_too_many.Receive());
    peers.pop_back();
    /* The supervisor sees the end and the new one in the same turn or in this order. */
    Peer next(attempt.dir());
    ASSERT_TRUE(next.Status());
    ExpectEvent(next, 2, SUPERVISOR_EVENT_RUN);
    attempt.End();
}

TEST(SupervisorLink, TakesThousandsOfPeersOneAfterTheOther)
{
    Waiting attempt;
    for (int i = 0; i < 2000; i++) {
        Peer peer(attempt.dir());
        ASSERT_TRUE(peer.connected());
    }
    Peer peer(attempt.dir());
    ASSERT_TRUE(peer.Status());
    ExpectEvent(peer, 2, SUPERVISOR_EVENT_RUN);
    attempt.End();
}

/* Descriptors that come with a packet are not kept. */
TEST(SupervisorLink, TakesNoDescriptors)
{
    Waiting attempt;
    Peer peer(attempt.dir());
    int ends[2];
    ASSERT_EQ(0, pipe(ends));
    Fd reading(ends[0]);
    supervisor_request status = {};
    status.kind = SUPERVISOR_REQUEST_STATUS;
    char bytes[SUPERVISOR_MESSAGE_BYTES];
    iovec part = {bytes, supervisor_request_encode(&status, bytes, sizeof bytes)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    *reinterpret_cast<int *>(CMSG_DATA(head)) = ends[1];
    ASSERT_EQ(ssize_t(part.iov_len), sendmsg(peer.fd(), &message, 0));
    close(ends[1]);
    ExpectEvent(peer, 2, SUPERVISOR_EVENT_RUN);
    EXPECT_EQ("", ReadAll(reading.get())) << "its end comes while the supervisor lives";
    attempt.End();
}

TEST(SupervisorLink, HearsItsOwnUserAndRootAlone)
{
    if (geteuid() != 0) {
        GTEST_SKIP() << "only root can be somebody else";
    }
    Waiting attempt;
    ASSERT_EQ(0, chmod(attempt.dir().c_str(), 0755));
    for (bool reachable : {false, true}) {
        if (reachable) {
            ASSERT_EQ(0, chmod(attempt.Path(SUPERVISOR_FILE_SOCK).c_str(), 0777));
        }
        pid_t other = fork();
        if (other == 0) {
            if (setgroups(0, nullptr) != 0 || setresgid(65534, 65534, 65534) != 0 ||
                setresuid(65534, 65534, 65534) != 0) {
                _exit(98);
            }
            Peer peer(attempt.dir());
            bool heard = peer.connected() && peer.Status() && peer.Receive();
            _exit(heard ? 1 : peer.connected() == reachable ? 0 : 2);
        }
        int status = -1;
        ASSERT_EQ(other, waitpid(other, &status, 0));
        EXPECT_EQ(0, status) << reachable;
    }
    attempt.End();
}

} // namespace
