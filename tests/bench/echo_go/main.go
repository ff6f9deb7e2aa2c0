// echo_go: the same echo in grpc-go. usage: echo_go ADDRESS ANSWER_FILE; prints "ready PORT".
package main

import (
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// raw hands bytes through: no protobuf is encoded or decoded on either side.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(value any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*value.(*[]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, value any) error {
	*value.(*[]byte) = data.Materialize()
	return nil
}

func main() {
	answer, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	encoding.RegisterCodecV2(raw{})
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		var request []byte
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		return stream.SendMsg(&answer)
	}))
	fmt.Printf("ready %d\n", listener.Addr().(*net.TCPAddr).Port)
	panic(server.Serve(listener))
}
