#include "stepped_worker.h"

#include <cstdlib>
#include <cstring>
#include <thread>

#include "storage/worker.h"

struct worker {
    Stepper *stepper;
    std::thread thread;
    std::vector<struct worker_job *> jobs; /* the first is running or next */
    bool ending;
};

static thread_local Stepper *current_stepper;
static thread_local struct worker *current_worker;

Stepper::Stepper(uint64_t seed) : random_(seed)
{
    current_stepper = this;
}

Stepper::~Stepper()
{
    current_stepper = nullptr;
}

/* Whoever waits for the others cannot let them step: those jobs run when they are posted. */
Stepper *Stepper::Of(const char *worker_name)
{
    bool steps = strcmp(worker_name, "store-snapshot") == 0 || strcmp(worker_name, "store-spare") == 0;

    return steps ? current_stepper : nullptr;
}

void Stepper::Add(struct worker *worker)
{
    workers_.push_back(worker);
}

void Stepper::Remove(struct worker *worker)
{
    for (size_t i = 0; i < workers_.size(); i++) {
        if (workers_[i] == worker) {
            workers_.erase(workers_.begin() + std::ptrdiff_t(i));
            return;
        }
    }
}

void Stepper::Give(struct worker *worker)
{
    std::unique_lock<std::mutex> lock(mutex_);

    running_ = worker;
    turn_.notify_all();
    turn_.wait(lock, [&] { return running_ == nullptr; });
}

void Stepper::GiveBack(struct worker *worker)
{
    std::unique_lock<std::mutex> lock(mutex_);

    running_ = nullptr;
    turn_.notify_all();
    turn_.wait(lock, [&] { return running_ == worker; });
}

void Stepper::Step()
{
    if (current_worker) {
        GiveBack(current_worker);
        return;
    }
    while (!workers_.empty() && random_() % 3 == 0) {
        struct worker *worker = workers_[random_() % workers_.size()];
        if (!worker->jobs.empty()) {
            Give(worker);
        }
    }
}

void Stepper::RunToEnd(struct worker *worker)
{
    while (!worker->jobs.empty()) {
        Give(worker);
    }
}

/* On the worker's thread. */
void Stepper::RunWorker(struct worker *worker)
{
    current_worker = worker;
    {
        std::unique_lock<std::mutex> lock(mutex_);
        turn_.wait(lock, [&] { return running_ == worker; });
    }
    while (!worker->ending) {
        struct worker_job *job = worker->jobs.front();
        job->run(job);
        worker->jobs.erase(worker->jobs.begin());
        GiveBack(worker);
    }
    std::unique_lock<std::mutex> lock(mutex_);
    running_ = nullptr;
    turn_.notify_all();
}

/* ---- storage/worker.h ---- */

int worker_create(const char *name, struct worker **ret_worker, struct err *err)
{
    void *memory = malloc(1); /* fails when a test has it fail, as the real one's would */

    free(memory);
    if (!memory) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the thread %s", name);
    }
    struct worker *worker = new (struct worker)();
    worker->stepper = Stepper::Of(name);
    if (worker->stepper) {
        worker->stepper->Add(worker);
        worker->thread = std::thread([worker] { worker->stepper->RunWorker(worker); });
    }
    *ret_worker = worker;
    return 0;
}

void worker_destroy(struct worker *worker)
{
    if (worker && worker->stepper) {
        worker->stepper->RunToEnd(worker);
        worker->ending = true;
        worker->stepper->Give(worker); /* one last turn, in which it finds that it is to end */
        worker->thread.join();
        worker->stepper->Remove(worker);
    }
    delete worker;
}

void worker_post(struct worker *worker, struct worker_job *job)
{
    if (!worker->stepper) {
        job->run(job);
        return;
    }
    worker->jobs.push_back(job);
    if (worker->stepper->eager()) {
        worker->stepper->RunToEnd(worker);
    }
}
