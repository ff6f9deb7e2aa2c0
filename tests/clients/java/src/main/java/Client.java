import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.grpc.InstantiatingGrpcChannelProvider;
import com.google.api.gax.rpc.NotFoundException;
import com.google.cloud.aiplatform.v1.ContainerSpec;
import com.google.cloud.aiplatform.v1.CustomJob;
import com.google.cloud.aiplatform.v1.CustomJobSpec;
import com.google.cloud.aiplatform.v1.JobServiceClient;
import com.google.cloud.aiplatform.v1.JobServiceSettings;
import com.google.cloud.aiplatform.v1.JobState;
import com.google.cloud.aiplatform.v1.ListCustomJobsRequest;
import com.google.cloud.aiplatform.v1.WorkerPoolSpec;
import io.grpc.ManagedChannelBuilder;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The official Java client, unmodified, over plaintext. */
public final class Client {
    private static final String PARENT = "projects/p/locations/us-central1";
    private static final long DEADLINE_MS = 120_000;
    private static final Set<JobState> ENDED =
            Set.of(JobState.JOB_STATE_SUCCEEDED, JobState.JOB_STATE_FAILED, JobState.JOB_STATE_CANCELLED);

    private final JobServiceClient jobs;

    private Client(JobServiceClient jobs) {
        this.jobs = jobs;
    }

    public static void main(String[] arguments) throws Exception {
        InstantiatingGrpcChannelProvider channel =
                InstantiatingGrpcChannelProvider.newBuilder()
                        .setEndpoint(arguments[0])
                        .setChannelConfigurator(ManagedChannelBuilder::usePlaintext)
                        .build();
        JobServiceSettings settings =
                JobServiceSettings.newBuilder()
                        .setCredentialsProvider(NoCredentialsProvider.create())
                        .setTransportChannelProvider(channel)
                        .build();
        try (JobServiceClient jobs = JobServiceClient.create(settings)) {
            new Client(jobs).walk();
        }
    }

    private void walk() throws Exception {
        CustomJob works = waitUntil(create("java-works", "echo hello").getName(), ENDED);
        check(works.getState() == JobState.JOB_STATE_SUCCEEDED, works);
        say("create, wait, SUCCEEDED");

        CustomJob fails = waitUntil(create("java-fails", "exit 4").getName(), ENDED);
        check(fails.getState() == JobState.JOB_STATE_FAILED && fails.getError().getCode() == 3, fails);
        check(fails.getError().getMessage().contains("non-zero status of 4"), fails);
        say("a failing job tells its error");

        CustomJob sleeps = create("java-sleeps", "sleep 600");
        waitUntil(sleeps.getName(), Set.of(JobState.JOB_STATE_RUNNING));
        jobs.cancelCustomJob(sleeps.getName());
        sleeps = waitUntil(sleeps.getName(), ENDED);
        check(sleeps.getState() == JobState.JOB_STATE_CANCELLED && sleeps.getError().getCode() == 1, sleeps);
        say("cancel ends in CANCELLED");

        listAndDelete(works.getName());
        say("list over pages, delete, NOT_FOUND");
    }

    private void listAndDelete(String name) throws Exception {
        int found = 0;
        ListCustomJobsRequest request =
                ListCustomJobsRequest.newBuilder()
                        .setParent(PARENT)
                        .setFilter("display_name:\"java-*\"")
                        .setPageSize(2)
                        .build();
        for (CustomJob ignored : jobs.listCustomJobs(request).iterateAll()) {
            found++;
        }
        check(found >= 3, found);
        jobs.deleteCustomJobAsync(name).get(60, TimeUnit.SECONDS);
        try {
            jobs.getCustomJob(name);
            check(false, "a deleted job was found");
        } catch (NotFoundException expected) {
            /* As it must be. */
        }
    }

    private CustomJob create(String displayName, String script) {
        ContainerSpec container =
                ContainerSpec.newBuilder()
                        .setImageUri("debian:12")
                        .addCommand("sh")
                        .addCommand("-c")
                        .addCommand(script)
                        .build();
        WorkerPoolSpec pool = WorkerPoolSpec.newBuilder().setReplicaCount(1).setContainerSpec(container).build();
        CustomJobSpec spec = CustomJobSpec.newBuilder().addWorkerPoolSpecs(pool).build();
        return jobs.createCustomJob(PARENT, CustomJob.newBuilder().setDisplayName(displayName).setJobSpec(spec).build());
    }

    private CustomJob waitUntil(String name, Set<JobState> states) throws InterruptedException {
        long deadline = System.currentTimeMillis() + DEADLINE_MS;
        CustomJob job;
        do {
            job = jobs.getCustomJob(name);
            if (states.contains(job.getState())) {
                return job;
            }
            Thread.sleep(50);
        } while (System.currentTimeMillis() < deadline);
        throw new AssertionError(name + " is " + job.getState() + " after " + DEADLINE_MS + " ms");
    }

    private static void check(boolean condition, Object told) {
        if (!condition) {
            throw new AssertionError(told);
        }
    }

    private static void say(String text) {
        System.out.println("ok java: " + text);
    }
}
