/* house: the whole server in this process: store, controller, simulated replicas and gRPC on a loopback port. */
#ifndef TESTS_SERVER_HOUSE_H_
#define TESTS_SERVER_HOUSE_H_

#include <string>
#include <vector>

#include "executor/executor.h"
#include "job/controller.h"
#include "server/rpc_server.h"
#include "server/services.h"
#include "tests/lib/grpc_client.h"
#include "tests/lib/temp_dir.h"

namespace server_test {

extern const char kParent[];     /* "projects/p/locations/us-central1" */
extern const char kJobService[]; /* "/google.cloud.aiplatform.v1.JobService/" */
extern const char kOperations[]; /* "/google.longrunning.Operations/" */

struct Reply {
    int code = 0;
    std::string text, message, details, operation_name;
};

/* One length-delimited field. */
std::string field(uint32_t number, const std::string &bytes);
std::string varint_field(uint32_t number, uint64_t value);
/* A CustomJob of one replica. duration: as label simulate-duration; "" for the house's own. */
std::string job(const std::string &display_name, const std::string &duration = "",
                const std::vector<std::pair<std::string, std::string>> &labels = {});
/* String field number of a message; "" when it is not there. */
std::string text_of(const std::string &message, uint32_t number);
uint64_t number_of(const std::string &message, uint32_t number);

class House {
  public:
    /* duration_ms: of replicas whose job does not say. calls_max: in flight; 0: the server's own limit. */
    explicit House(int64_t duration_ms = 0, uint32_t replicas_max = 100, uint32_t calls_max = 0);
    ~House();
    House(const House &) = delete;

    /* method with its service: kJobService + std::string("GetCustomJob"). */
    Reply call(const std::string &method, const std::string &request, std::vector<struct grpc_header> headers = {},
               int64_t timeout_ms = 20000);
    /* The new job's name. */
    std::string create(const std::string &job_wire);
    /* Get until the job has this JobState; its bytes, or "" after 20 s. */
    std::string wait_for_state(const std::string &name, uint64_t state);

    struct grpc_client *client = nullptr;
    struct services services = {};

  private:
    TempDir dir_;
    struct controller *controller_ = nullptr;
    struct executor *executor_ = nullptr;
    struct rpc_server *server_ = nullptr;
};

} /* namespace server_test */

#endif /* TESTS_SERVER_HOUSE_H_ */
