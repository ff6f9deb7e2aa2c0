// The official Go client, unmodified, over plaintext.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	aiplatform "cloud.google.com/go/aiplatform/apiv1"
	pb "cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const parent = "projects/p/locations/us-central1"

var ended = []pb.JobState{pb.JobState_JOB_STATE_SUCCEEDED, pb.JobState_JOB_STATE_FAILED, pb.JobState_JOB_STATE_CANCELLED}

func say(text string) { fmt.Println("ok go: " + text) }

func check(condition bool, format string, arguments ...any) {
	if !condition {
		fmt.Fprintf(os.Stderr, format+"\n", arguments...)
		os.Exit(1)
	}
}

func create(ctx context.Context, client *aiplatform.JobClient, name, script string) *pb.CustomJob {
	container := &pb.ContainerSpec{ImageUri: "debian:12", Command: []string{"sh", "-c", script}}
	pool := &pb.WorkerPoolSpec{ReplicaCount: 1, Task: &pb.WorkerPoolSpec_ContainerSpec{ContainerSpec: container}}
	job, err := client.CreateCustomJob(ctx, &pb.CreateCustomJobRequest{
		Parent: parent,
		CustomJob: &pb.CustomJob{
			DisplayName: name,
			JobSpec:     &pb.CustomJobSpec{WorkerPoolSpecs: []*pb.WorkerPoolSpec{pool}},
		},
	})
	check(err == nil, "create %s: %v", name, err)
	return job
}

func waitUntil(ctx context.Context, client *aiplatform.JobClient, name string, states ...pb.JobState) *pb.CustomJob {
	for {
		job, err := client.GetCustomJob(ctx, &pb.GetCustomJobRequest{Name: name})
		check(err == nil, "get %s: %v", name, err)
		if slices.Contains(states, job.State) {
			return job
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func deleteAndMiss(ctx context.Context, client *aiplatform.JobClient, name string) {
	operation, err := client.DeleteCustomJob(ctx, &pb.DeleteCustomJobRequest{Name: name})
	check(err == nil, "delete: %v", err)
	check(operation.Wait(ctx) == nil, "wait for %s", operation.Name())
	_, err = client.GetCustomJob(ctx, &pb.GetCustomJobRequest{Name: name})
	check(status.Code(err) == codes.NotFound, "a deleted job gave %v", err)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	client, err := aiplatform.NewJobClient(ctx, option.WithEndpoint(os.Args[1]), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	check(err == nil, "%v", err)
	defer client.Close()

	works := waitUntil(ctx, client, create(ctx, client, "go-works", "echo hello").Name, ended...)
	check(works.State == pb.JobState_JOB_STATE_SUCCEEDED, "%v", works)
	say("create, wait, SUCCEEDED")

	fails := waitUntil(ctx, client, create(ctx, client, "go-fails", "exit 5").Name, ended...)
	check(fails.State == pb.JobState_JOB_STATE_FAILED && fails.Error.Code == 3, "%v", fails)
	check(strings.Contains(fails.Error.Message, "non-zero status of 5"), "%v", fails.Error)
	say("a failing job tells its error")

	sleeps := create(ctx, client, "go-sleeps", "sleep 600")
	waitUntil(ctx, client, sleeps.Name, pb.JobState_JOB_STATE_RUNNING)
	err = client.CancelCustomJob(ctx, &pb.CancelCustomJobRequest{Name: sleeps.Name})
	check(err == nil, "cancel: %v", err)
	sleeps = waitUntil(ctx, client, sleeps.Name, ended...)
	check(sleeps.State == pb.JobState_JOB_STATE_CANCELLED && sleeps.Error.Code == 1, "%v", sleeps)
	say("cancel ends in CANCELLED")

	found := 0
	jobs := client.ListCustomJobs(ctx, &pb.ListCustomJobsRequest{Parent: parent, Filter: `display_name:"go-*"`, PageSize: 2})
	for {
		_, err := jobs.Next()
		if err == iterator.Done {
			break
		}
		check(err == nil, "list: %v", err)
		found++
	}
	check(found >= 3, "%d jobs listed", found)
	deleteAndMiss(ctx, client, works.Name)
	say("list over pages, delete, NOT_FOUND")
}
