/* stepped_worker: storage's background threads, run one step at a time in an order that a seed decides.
 *
 * Used by   campaigns that need the same trace from the same seed. stepped_worker.cc takes the place of
 *           storage/worker.c in this test program.
 * Shape     one thread runs at a time. A job of the snapshot's or the spares' thread stands still before each of its calls of the disk; before each
 *           of the main thread's own calls the stepper lets some of them make theirs. Without a stepper a posted job
 *           runs at once, on the thread that posts it.
 *           So does, always, one of the threads that help to read at start and to give memory back.
 * Thread    a stepper belongs to the thread that made it.
 */
#ifndef TESTS_CRASH_STEPPED_WORKER_H_
#define TESTS_CRASH_STEPPED_WORKER_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <random>
#include <vector>

struct worker;

class Stepper {
  public:
    explicit Stepper(uint64_t seed);
    ~Stepper();
    Stepper(const Stepper &) = delete;
    Stepper &operator=(const Stepper &) = delete;

    /* Before a call of the disk, on whichever thread. */
    void Step();
    /* Runs posted jobs to their end at once from here on, or no more: for calls that wait for a job. */
    void set_eager(bool eager) { eager_ = eager; }

    /* For stepped_worker.cc. */
    static Stepper *Of(const char *worker_name);
    void Add(struct worker *worker);
    void Remove(struct worker *worker);
    void RunToEnd(struct worker *worker);
    void RunWorker(struct worker *worker);
    /* Until it stands still again. */
    void Give(struct worker *worker);
    bool eager() const { return eager_; }

  private:
    void GiveBack(struct worker *worker);

    std::mt19937_64 random_;
    bool eager_ = false;
    std::mutex mutex_;
    std::condition_variable turn_;
    struct worker *running_ = nullptr; /* null: the main thread */
    std::vector<struct worker *> workers_;
};

#endif /* TESTS_CRASH_STEPPED_WORKER_H_ */
