/* echo_cpp: the same echo in grpc++, callback API: what a C++ team would write.
 *
 * usage: echo_cpp ADDRESS ANSWER_FILE      Answers every method with the same bytes. Prints "ready PORT".
 */
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace {

class Echo : public grpc::ServerGenericBidiReactor {
  public:
    explicit Echo(const grpc::ByteBuffer &answer) : answer_(answer) { StartRead(&request_); }
    void OnReadDone(bool ok) override
    {
        if (ok) {
            StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
        } else {
            Finish(grpc::Status::OK);
        }
    }
    void OnDone() override { delete this; }

  private:
    grpc::ByteBuffer request_;
    grpc::ByteBuffer answer_;
};

class Service : public grpc::CallbackGenericService {
  public:
    explicit Service(const std::string &bytes)
    {
        grpc::Slice slice(bytes);
        answer_ = grpc::ByteBuffer(&slice, 1);
    }
    grpc::ServerGenericBidiReactor *CreateReactor(grpc::GenericCallbackServerContext *) override
    {
        return new Echo(answer_);
    }

  private:
    grpc::ByteBuffer answer_;
};

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::fprintf(stderr, "usage: echo_cpp ADDRESS ANSWER_FILE\n");
        return 2;
    }
    std::ifstream file(argv[2], std::ios::binary);
    Service service(std::string(std::istreambuf_iterator<char>(file), {}));
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&service);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    std::printf("ready %d\n", port);
    std::fflush(stdout);
    server->Wait();
}
