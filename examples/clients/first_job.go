// A first job with the Go client: go run first_job.go [HOST:PORT], in a module that requires
// cloud.google.com/go/aiplatform, google.golang.org/api and google.golang.org/grpc.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	aiplatform "cloud.google.com/go/aiplatform/apiv1"
	pb "cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func run(ctx context.Context, endpoint string) error {
	client, err := aiplatform.NewJobClient(ctx, option.WithEndpoint(endpoint), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		return err
	}
	defer client.Close()
	container := &pb.ContainerSpec{ImageUri: "debian:12", Command: []string{"sh", "-c", "echo hello"}}
	pool := &pb.WorkerPoolSpec{ReplicaCount: 1, Task: &pb.WorkerPoolSpec_ContainerSpec{ContainerSpec: container}}
	job, err := client.CreateCustomJob(ctx, &pb.CreateCustomJobRequest{
		Parent: "projects/demo/locations/us-central1",
		CustomJob: &pb.CustomJob{
			DisplayName: "hello-go",
			JobSpec:     &pb.CustomJobSpec{WorkerPoolSpecs: []*pb.WorkerPoolSpec{pool}},
		},
	})
	for err == nil && job.EndTime == nil {
		time.Sleep(100 * time.Millisecond)
		job, err = client.GetCustomJob(ctx, &pb.GetCustomJobRequest{Name: job.Name})
	}
	if err == nil {
		fmt.Println(job.Name, job.State)
	}
	return err
}

func main() {
	endpoint := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		endpoint = os.Args[1]
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, endpoint); err != nil {
		log.Fatal(err)
	}
}
